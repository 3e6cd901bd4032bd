HOST_TESTS += lib-list lib-spinlock

lib-list.sources := lib/test/list_test.c

lib-spinlock.sources := lib/test/spinlock_test.c
lib-spinlock.sanitize := thread
