FUZZ_TARGETS += heap-fuzz mempool-fuzz

heap-fuzz-code := heap/heap.c heap/check.c page/page.c page/pool.c page/check.c

heap-fuzz.sources := heap/test/heap_fuzz.c $(heap-fuzz-code)
heap-fuzz.flags := -fno-sanitize-coverage=trace-cmp
heap-fuzz.options := -max_len=32768 -len_control=0

mempool-fuzz.sources := heap/test/mempool_fuzz.c heap/mempool.c \
	heap/mempool_check.c $(heap-fuzz-code)
mempool-fuzz.flags := -fno-sanitize-coverage=trace-cmp
mempool-fuzz.options := -max_len=32768 -len_control=0
