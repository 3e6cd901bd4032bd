HOST_TESTS += lib-spinlock lib-words

lib-words.sources := lib/test/words_test.c lib/words.c

lib-spinlock.sources := lib/test/spinlock_test.c
lib-spinlock.sanitize := thread
