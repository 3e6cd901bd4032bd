/*
 * Domains on the machine itself (TEST=1): one thread that goes from CPU to CPU,
 * and whatever program a word names. What programs may not do is tried by one
 * of them: program=hostile.
 */
#ifdef VELLUM_TEST

#include "boot/cmdline.h"
#include "console/printf.h"
#include "domain/internal.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "page/page.h"

static PERCPU(bool, has_written);

static void to_log(struct domain_thread *t, const char *text, size_t length)
{
	printf("%s", text);
}

static void note_cpu(struct domain_thread *t, const char *text, size_t length)
{
	*this_cpu(has_written) = true;
}

static int no_input(struct domain_thread *t)
{
	return -ENODEV;
}

static const struct thread_io log_io = {
	.write = to_log,
	.sees_log = true,
	.read = no_input,
};

static const struct thread_io wander_io = {
	.write = note_cpu,
	.read = no_input,
};

static struct domain_thread wanderer = {.io = &wander_io};
static uint wandered; /* over so many CPUs */
static bool is_over;  /* a CPU that comes later has nobody to meet */

void domain_selftest_cpu(void)
{
	enum thread_stop stop = THREAD_YIELDED;

	if (is_over)
		return;
	if (*this_cpu(cpu_number) == 0 && thread_start(&wanderer, "wander", 1))
		return;
	while (stop == THREAD_YIELDED && !*this_cpu(has_written)) {
		stop = thread_run(&wanderer, 1);
		cpu_pause();
	}
	if (stop == THREAD_YIELDED)
		__atomic_add_fetch(&wandered, 1, __ATOMIC_SEQ_CST);
}

static bool hello_works(void)
{
	struct domain_thread t = {.io = &log_io};
	uint before = num_of_available_pages();
	bool ok = !thread_start(&t, "hello", 42) &&
		  thread_run(&t, 100) == THREAD_ENDED && t.status == 42;

	thread_end(&t);
	return ok && num_of_available_pages() == before;
}

static const char *program_choice(uint i)
{
	return programs_start + i < programs_end ? programs_start[i].name
						 : NULL;
}

WORD(program_word, .name = "program", .takes = WORD_CHOICE,
     .choice = program_choice, .help = "run this program (TEST=1)");

static void run_program(void)
{
	struct domain_thread t = {.io = &log_io};
	int i = cmdline_choice(&program_word);

	if (i < 0)
		return;
	if (!thread_start(&t, programs_start[i].name, 0))
		while (thread_run(&t, 1000) != THREAD_ENDED)
			;
	thread_end(&t);
	printf("domain: program %s has ended: %d\n", programs_start[i].name,
	       t.status);
}

void domain_selftest(void)
{
	thread_end(&wanderer);
	is_over = true;
	printf("domain: one thread has run on %u CPUs\n", wandered);
	printf("selftest: domain: %s\n",
	       hello_works() && wandered ? "ok" : "FAILED");
	run_program();
}

#endif
