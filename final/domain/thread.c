/*
 * Threads: the loop that runs programs, and the end of those that do wrong.
 *
 *	  +--> enter ring 3 ---> system call, exception, NMI ---> serve it --+
 *	  +------------------------------------------------------------------+
 *
 * It is vmm_serve() once more, for ring 3, with one difference: it ends.
 * The guest waits for as long as a thread runs, and nothing interrupts a
 * program: a CPU that runs Vellum takes no interrupts, and AMD's no NMI. So the
 * compiler lets every program count what it does and yield (user/start.S), and
 * whoever runs a thread says after how many yields it wants it back.
 * Book: chapter 11.
 */
#include "console/printf.h"
#include "domain/internal.h"
#include "domain/tables.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/gdt.h"
#include "smp/panic.h"

/* So many trips to ring 3 are a slice as well, whoever does not yield. */
#define SLICE_TRIPS 256

static bool is_ready; /* domain_init() has been */

/* Is a CPU running a thread? What belongs to threads is that CPU's alone: no
 * lock, because nobody may wait for a program. */
static u32 busy;

static bool claim(void)
{
	return !__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE);
}

static void release(void)
{
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

#define GP_IDT BIT(1) /* of #GP's: the rest is a vector (SDM 3A 6.13) */

static const char *page_reason(u64 error, u64 address)
{
	if (address >= PROGRAM_STACK_TOP - PROGRAM_STACK - PAGE_SIZE &&
	    address < PROGRAM_STACK_TOP - PROGRAM_STACK)
		return "a stack overflow";
	if (!(error & PF_PRESENT))
		return "which is not mapped";
	if (address >= GIB)
		return "which is Vellum's";
	return error & PF_FETCH ? "which may not be executed"
				: "which may not be written";
}

static void describe_fault(const struct trap_frame *r, u64 cr2, char *text,
			   size_t size)
{
	text[0] = '\0';
	if (r->vector == VECTOR_PF)
		snprintf(text, size, ": %s 0x%lx, %s",
			 r->error & PF_FETCH   ? "execution of"
			 : r->error & PF_WRITE ? "write to"
					       : "read of",
			 cr2, page_reason(r->error, cr2));
	else if (r->vector == VECTOR_GP && r->error & GP_IDT)
		snprintf(text, size, ": INT 0x%lx", r->error >> 3);
	else if (r->vector == VECTOR_GP && r->error)
		snprintf(text, size, ": selector 0x%lx", r->error);
}

/* The thread's last domain has raised an exception: that is its end. */
static void end_by_fault(struct domain_thread *t, u64 cr2)
{
	const struct domain *d = t->at;
	char what[96], where[64];

	describe_fault(&d->regs, cr2, what, sizeof(what));
	program_symbol(d->program, d->regs.rip, where, sizeof(where));
	domain_say(t, "domain %s: %s%s, at 0x%lx%s%s: ended\n",
		   d->program->name, trap_name(d->regs.vector), what,
		   d->regs.rip, where[0] ? " " : "", where);
	message_end(t, -EFAULT);
}

/* An NMI, a machine check, or AMD's word for an INIT is not the program's, but
 * this CPU's: as if it had come here. */
static void serve_interruption(uint vector)
{
	struct trap_frame frame = {
		.vector = vector,
		.rip = (u64)serve_interruption,
		.cs = SEL_CODE,
		.rflags = RFLAGS_FIXED,
		.rbp = (u64)__builtin_frame_address(0),
		.rsp = (u64)__builtin_frame_address(0),
		.ss = SEL_DATA,
	};

	trap_dispatch(&frame);
}

/* One trip to ring 3. */
static void run_once(struct domain_thread *t)
{
	struct domain *d = t->at;
	u64 cr2;

	t->parked = THREAD_RUNS;
	space_refresh(&d->space);
	cr2 = domain_enter(d->space.root, &d->regs);
	switch (d->regs.vector) {
	case SYSCALL_VECTOR:
		domain_syscall(t);
		break;
	case VECTOR_NMI:
	case VECTOR_MC:
	case VECTOR_SX:
		serve_interruption(d->regs.vector);
		break;
	default:
		end_by_fault(t, cr2);
	}
}

static enum thread_stop run(struct domain_thread *t, uint slices)
{
	uint trips = 0;

	while (t->at) {
		smp_stop_if_panic();
		run_once(t);
		if (t->parked == THREAD_READS || t->parked == THREAD_FULL)
			return t->parked;
		if (t->parked != THREAD_YIELDED && ++trips < SLICE_TRIPS)
			continue;
		trips = 0;
		if (slices <= 1)
			return THREAD_YIELDED;
		slices--;
	}
	return THREAD_ENDED;
}

enum thread_stop thread_run(struct domain_thread *t, uint slices)
{
	enum thread_stop stop;

	if (!claim())
		return THREAD_YIELDED;
	stop = run(t, slices);
	release();
	return stop;
}

int thread_start(struct domain_thread *t, const char *program, int value)
{
	struct domain *d;
	int error;

	list_init(&t->domains);
	if (!is_ready)
		return -ENODEV;
	if (!claim())
		return -EBUSY;
	error = domain_new(t, program, &d);
	if (!error)
		message_enter(t, d, MSG_INT, value);
	release();
	return error;
}

void thread_end(struct domain_thread *t)
{
	if (!t->domains.next)
		return; /* it has never been started */
	while (!claim()) {
		smp_stop_if_panic();
		cpu_pause();
	}
	message_end_all(t);
	release();
}

void domain_init(void)
{
	domain_tables_init();
	is_ready = true;
}

void domain_panic_reset(void)
{
	domain_tables_reset();
	release();
}
