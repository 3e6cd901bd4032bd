HOST_TESTS += domain-space domain-thread domain-message domain-buffers \
	domain-user-heap domain-line domain-shell domain-programs

# It includes heap.c, to see and damage what is inside.
domain-user-heap.sources := domain/test/user_heap_test.c domain/user/user.c \
	console/printf.c

domain-line.sources := domain/test/line_test.c domain/user/line.c \
	domain/user/user.c domain/user/heap.c console/printf.c

# The shell, and a Vellum that the test plays.
domain-shell.sources := domain/test/shell_test.c domain/programs/shell.c \
	domain/user/entries.c domain/user/line.c domain/user/heap.c \
	lib/words.c console/printf.c

# It includes the programs, each under a name of its own.
domain-programs.sources := domain/test/programs_test.c domain/user/user.c \
	domain/user/line.c domain/user/heap.c console/printf.c

# All of a domain but what enters ring 3 (thread.c, tables.c, enter.S).
host-domains := domain/domain.c domain/space.c domain/syscall.c \
	paging/pagetable.c pool/mempool.c heap/heap.c heap/check.c \
	heap/debug.c heap/init.c page/page.c page/check.c page/mm.c page/fail.c

domain-message.sources := domain/test/message_test.c domain/message.c \
	$(host-domains)

domain-thread.sources := domain/test/thread_test.c domain/thread.c \
	domain/message.c $(host-domains)

domain-buffers.sources := domain/test/buffers_test.c domain/message.c \
	domain/servers.c $(host-domains)

domain-space.sources := domain/test/space_test.c domain/space.c \
	paging/pagetable.c
