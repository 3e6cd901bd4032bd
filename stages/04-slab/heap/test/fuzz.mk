FUZZ_TARGETS += heap-fuzz heap-debug-fuzz

heap-fuzz.sources := heap/test/heap_fuzz.c $(heap-code)
heap-fuzz.flags := -fno-sanitize-coverage=trace-cmp
heap-fuzz.options := -max_len=32768 -len_control=0

# The same in the build of CONFIG_HEAP_DEBUG: canaries and poison.
heap-debug-fuzz.sources := $(heap-fuzz.sources)
heap-debug-fuzz.flags := $(heap-fuzz.flags) -DHEAP_DEBUG=1
heap-debug-fuzz.options := $(heap-fuzz.options)
