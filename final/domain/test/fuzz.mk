FUZZ_TARGETS += domain-user-heap-fuzz domain-line-fuzz

# It includes heap.c, to start over.
domain-user-heap-fuzz.sources := domain/test/user_heap_fuzz.c
domain-user-heap-fuzz.flags := -fno-sanitize-coverage=trace-cmp
domain-user-heap-fuzz.options := -max_len=4096

domain-line-fuzz.sources := domain/test/line_fuzz.c domain/user/line.c \
	domain/user/heap.c
domain-line-fuzz.flags := -fno-sanitize-coverage=trace-cmp
domain-line-fuzz.options := -max_len=4096
