HOST_TESTS += lib-list lib-spinlock lib-words

lib-list.sources := lib/test/list_test.c
lib-words.sources := lib/test/words_test.c lib/words.c

lib-spinlock.sources := lib/test/spinlock_test.c
lib-spinlock.sanitize := thread
