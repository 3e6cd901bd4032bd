/*
 * Domains on the machine itself (TEST=1): one thread that goes from CPU to CPU,
 * and whatever program a word names. What programs may not do is tried by one
 * of them: program=hostile.
 */
#ifdef VELLUM_TEST

#include "boot/settings.h"
#include "console/printf.h"
#include "domain/internal.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "page/page.h"
#include "smp/call.h"
#include "smp/delay.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "vmm/nmi.h"

#define NMI_WAIT 100000 /* microseconds */

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

static struct domain_thread greeter;

static bool hello_works(void)
{
	uint before = num_of_available_pages();
	bool ok;

	greeter = (struct domain_thread){.io = &log_io};
	ok = !thread_start(&greeter, "hello", 42) &&
	     thread_run(&greeter, 100) == THREAD_ENDED && greeter.status == 42;
	thread_end(&greeter);
	return ok && num_of_available_pages() == before;
}

/*
 * An NMI that comes in ring 3. Whoever leaves an NMI's handler without IRET
 * leaves NMIs blocked; one that is sent then waits for the next IRET, and that
 * is the one into ring 3.
 */
static void *without_iret[5];
static uint nmis, nmis_in_ring3;

static bool count_nmi(struct trap_frame *frame)
{
	if (!nmis++)
		__builtin_longjmp(without_iret, 1);
	nmis_in_ring3 += greeter.at && greeter.at->regs.vector == VECTOR_NMI;
	return true;
}

static void send_nmi(void)
{
	lapic_send(lapic_id(), ICR_MODE_NMI | ICR_ASSERT);
}

static bool nmi_in_ring3_is_served(void)
{
	bool ok = false;

	trap_set_handler(VECTOR_NMI, count_nmi);
	if (__builtin_setjmp(without_iret)) {
		send_nmi();
		ok = hello_works();
	} else {
		send_nmi();
		delay(NMI_WAIT);
	}
	if (cpu_signals) /* with other CPUs, whose calls are NMIs as well */
		smp_take_calls(smp_stop_in_nmi);
	else
		vmm_take_nmis();
	printf("domain: %u of %u NMIs came in ring 3\n", nmis_in_ring3, nmis);
	return ok && nmis == 2 && nmis_in_ring3 == 1;
}

static const char *program_choice(uint i)
{
	return programs_start + i < programs_end ? programs_start[i].name
						 : NULL;
}

SETTING(program_setting, .name = "program", .type = &choice_type,
	.choice = program_choice, .help = "run this program (TEST=1)");

static void run_program(void)
{
	struct domain_thread t = {.io = &log_io};
	int i = setting_choice(&program_setting);

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
	       nmi_in_ring3_is_served() && wandered ? "ok" : "FAILED");
	run_program();
}

#endif
