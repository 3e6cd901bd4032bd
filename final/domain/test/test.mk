HOST_TESTS += domain-user-heap domain-line domain-shell

# It includes heap.c, to see and damage what is inside.
domain-user-heap.sources := domain/test/user_heap_test.c domain/user/user.c \
	console/printf.c

domain-line.sources := domain/test/line_test.c domain/user/line.c \
	domain/user/user.c domain/user/heap.c console/printf.c

# The shell, and a Vellum that the test plays.
domain-shell.sources := domain/test/shell_test.c domain/programs/shell.c \
	domain/user/entries.c domain/user/line.c domain/user/heap.c \
	lib/words.c console/printf.c
