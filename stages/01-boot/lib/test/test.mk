HOST_TESTS += lib-spinlock lib-words lib-reset

lib-words.sources := lib/test/words_test.c lib/words.c

lib-spinlock.sources := lib/test/spinlock_test.c
lib-spinlock.sanitize := thread

# It ends by a signal, of which the address sanitizer has its own opinion.
lib-reset.sources := lib/test/reset_test.c lib/reset.c
lib-reset.sanitize := undefined
