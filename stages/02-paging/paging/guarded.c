/*
 * Doing what may fault, and living on.
 *
 * Whether an MSR exists can only be found out by reading it; whether memory is
 * there, by touching it. guarded() remembers its stack pointer, calls, and if
 * an exception comes, the handler rewinds to that stack pointer: a longjmp out
 * of an exception. Everything that may fault goes this one way; there is no
 * table of instructions that are allowed to. Book: chapter 2, "guarded()".
 */
#include "paging/guarded.h"

#include "lib/cpu.h"
#include "lib/percpu.h"

/* RSP to rewind to, or 0 when no guarded() is under way; and what happened. */
PERCPU(u64, guarded_rsp);
PERCPU(uint, guarded_vector);

/* guarded_call.S, which calls the second. */
int guarded_call(void (*fn)(void *), void *arg, u64 *rsp);
void guarded_run(void (*fn)(void *), void *arg);

void guarded_run(void (*fn)(void *), void *arg)
{
	fn(arg);
}

int guarded(void (*fn)(void *), void *arg, uint *vector)
{
	u64 outer = *this_cpu(guarded_rsp);
	int error = guarded_call(fn, arg, this_cpu(guarded_rsp));

	*this_cpu(guarded_rsp) = outer;
	if (error && vector)
		*vector = *this_cpu(guarded_vector);
	return error;
}

/*
 * NMI and #MC are not the doing of what they interrupt, and after #DF nothing
 * can be relied upon: these three never end a guarded().
 */
u64 guarded_resume(uint vector)
{
	u64 rsp = *this_cpu(guarded_rsp);

	if (!rsp || vector == VECTOR_NMI || vector == VECTOR_DF ||
	    vector == VECTOR_MC)
		return 0;
	*this_cpu(guarded_vector) = vector;
	return rsp;
}

struct msr_access {
	u32 msr;
	u64 value;
};

static void do_rdmsr(void *arg)
{
	struct msr_access *a = arg;

	a->value = rdmsr(a->msr);
}

static void do_wrmsr(void *arg)
{
	struct msr_access *a = arg;

	wrmsr(a->msr, a->value);
}

int guarded_rdmsr(u32 msr, u64 *value)
{
	struct msr_access a = {msr, 0};
	int error = guarded(do_rdmsr, &a, NULL);

	if (!error)
		*value = a.value;
	return error;
}

int guarded_wrmsr(u32 msr, u64 value)
{
	struct msr_access a = {msr, value};

	return guarded(do_wrmsr, &a, NULL);
}
