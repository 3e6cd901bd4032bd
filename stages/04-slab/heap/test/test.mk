HOST_TESTS += heap-heap heap-mempool heap-fail heap-debug heap-threads

heap-code := heap/heap.c heap/check.c heap/debug.c heap/init.c heap/mempool.c \
	page/page.c page/check.c page/mm.c page/fail.c
# For tests that include mempool.c, to see and damage what is inside.
heap-code-but-pools := $(filter-out heap/mempool.c,$(heap-code))

# The test has another CPU do something while the heap gets a page.
heap-heap.sources := heap/test/heap_test.c $(heap-code)
heap-heap.flags := -Wl,--wrap=alloc_page

heap-mempool.sources := heap/test/mempool_test.c $(heap-code-but-pools)

heap-fail.sources := heap/test/fail_test.c $(heap-code-but-pools)

# The build that TEST=1 makes: canaries and poison.
heap-debug.sources := heap/test/debug_test.c $(heap-code)
heap-debug.flags := -DVELLUM_TEST

heap-threads.sources := heap/test/threads_test.c $(heap-code-but-pools)
heap-threads.sanitize := thread
