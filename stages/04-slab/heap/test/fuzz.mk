FUZZ_TARGETS += heap-fuzz mempool-fuzz

heap-fuzz.sources := heap/test/heap_fuzz.c $(heap-code)
heap-fuzz.flags := -fno-sanitize-coverage=trace-cmp
heap-fuzz.options := -max_len=32768 -len_control=0

mempool-fuzz.sources := heap/test/mempool_fuzz.c $(heap-code)
mempool-fuzz.flags := -fno-sanitize-coverage=trace-cmp
mempool-fuzz.options := -max_len=32768 -len_control=0
