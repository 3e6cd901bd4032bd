/*
 * Domains on the machine itself (TEST=1).
 */
#ifdef VELLUM_TEST

#include "console/printf.h"
#include "domain/internal.h"
#include "lib/errno.h"

static void to_log(struct domain_thread *t, const char *text, size_t length)
{
	printf("%s", text);
}

static int no_input(struct domain_thread *t)
{
	return -ENODEV;
}

static const struct thread_io log_io = {
	.write = to_log,
	.logs = true,
	.read = no_input,
};

void domain_selftest(void)
{
	struct domain_thread t = {.io = &log_io};
	int error = thread_start(&t, "hello", 42);

	if (!error && thread_run(&t, 100) != THREAD_ENDED)
		error = -EAGAIN;
	thread_end(&t);
	printf("selftest: domain: %s\n",
	       !error && t.status == 42 ? "ok" : "FAILED");
}

#endif
