FUZZ_TARGETS += mempool-fuzz

mempool-fuzz.sources := pool/test/mempool_fuzz.c pool/mempool.c $(below-pool)
mempool-fuzz.flags := -fno-sanitize-coverage=trace-cmp
mempool-fuzz.options := -max_len=32768 -len_control=0
