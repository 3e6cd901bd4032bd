FUZZ_TARGETS += domain-user-heap-fuzz domain-line-fuzz domain-syscall-fuzz

# It includes heap.c, to start over.
domain-user-heap-fuzz.sources := domain/test/user_heap_fuzz.c
domain-user-heap-fuzz.flags := -fno-sanitize-coverage=trace-cmp
domain-user-heap-fuzz.options := -max_len=4096

domain-line-fuzz.sources := domain/test/line_fuzz.c domain/user/line.c \
	domain/user/heap.c
domain-line-fuzz.flags := -fno-sanitize-coverage=trace-cmp
domain-line-fuzz.options := -max_len=4096

domain-syscall-fuzz.sources := domain/test/syscall_fuzz.c domain/message.c \
	$(host-domains)
domain-syscall-fuzz.flags := -fno-sanitize-coverage=trace-cmp
domain-syscall-fuzz.options := -max_len=1024 -len_control=0
