HOST_TESTS += pool-mempool pool-fail pool-threads

# These tests include mempool.c, to see and damage what is inside.
below-pool := heap/heap.c heap/check.c heap/debug.c heap/init.c \
	page/page.c page/check.c page/mm.c page/fail.c

pool-mempool.sources := pool/test/mempool_test.c $(below-pool)

pool-fail.sources := pool/test/fail_test.c $(below-pool)

pool-threads.sources := pool/test/threads_test.c $(below-pool)
pool-threads.sanitize := thread
