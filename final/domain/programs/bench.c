/*
 * What domains cost, as a program sees it: instructions, where the TSC counts
 * them (QEMU's -icount), else cycles; and pages, which "free" knows. It needs
 * nothing from Vellum that other programs do not need as well.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "what a message and a domain cost");

#define TIMES 100

static u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

/* Cycles of a message there and back, the average; or the first error. */
static long time_messages(int d)
{
	u64 start = rdtsc();
	int error = 0;

	for (int i = 0; i < TIMES && error >= 0; i++)
		error = msgsendint(d, 1);
	return error < 0 ? error : (long)(rdtsc() - start) / TIMES;
}

/* Cycles from nothing to a program's first answer, and until it is gone. */
static long time_start(void)
{
	u64 start = rdtsc();
	int d = newprocess("bench"), error;

	if (d < 0)
		return d;
	error = msgsendint(d, 1);
	msgclose(d);
	return error < 0 ? error : (long)(rdtsc() - start);
}

/* Pages that Vellum has less while a domain of the program @name is there. */
static int count_pages(int counter, const char *name)
{
	int before = msgsendint(counter, 0), after, d = newprocess(name);

	if (d < 0)
		return d;
	after = msgsendint(counter, 0);
	msgclose(d);
	return before - after;
}

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	int counter, d;

	if (kind == MSG_INT && value)
		return value; /* the other end of a message */
	counter = msgopen("free");
	d = newprocess("bench");
	if (counter < 0 || d < 0)
		return counter < 0 ? counter : d;
	printf("bench: a message there and back: %ld cycles\n",
	       time_messages(d));
	msgclose(d);
	printf("bench: start, message and end of a domain: %ld cycles\n",
	       time_start());
	printf("bench: the shell's domain: %d pages\n",
	       count_pages(counter, "shell"));
	msgclose(counter);
	return 0;
}
