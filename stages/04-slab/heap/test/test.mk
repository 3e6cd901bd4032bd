HOST_TESTS += heap-heap heap-fail heap-debug heap-threads

heap-code := heap/heap.c heap/check.c heap/debug.c heap/init.c \
	page/page.c page/check.c page/mm.c page/fail.c

# The test has another CPU do something while the heap gets a page.
heap-heap.sources := heap/test/heap_test.c $(heap-code)
heap-heap.flags := -Wl,--wrap=alloc_page

heap-fail.sources := heap/test/fail_test.c $(heap-code)

# The build of CONFIG_HEAP_DEBUG: canaries and poison.
heap-debug.sources := heap/test/debug_test.c $(heap-code)
heap-debug.flags := -DHEAP_DEBUG=1

heap-threads.sources := heap/test/threads_test.c $(heap-code)
heap-threads.sanitize := thread
