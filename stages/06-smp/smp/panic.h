/*
 * A panic stops all CPUs but the one whose panic it is. lib/spinlock.h includes
 * this: no locks here.
 */
#ifndef SMP_PANIC_H
#define SMP_PANIC_H

#include "lib/percpu.h"
#include "lib/types.h"

struct trap_frame; /* paging/trap.h */

/* In a panic of CPU n, n + 1; else 0. Only ever set by smp_claim_panic(). */
extern u32 panic_cpu;

static inline bool panic_is_on(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_ACQUIRE);
}

/* Has another CPU panicked, so that this one must stop? */
static inline bool smp_must_stop(void)
{
	u32 cpu = __atomic_load_n(&panic_cpu, __ATOMIC_ACQUIRE);

	return cpu && cpu != *this_cpu(cpu_number) + 1;
}

/* This CPU panics, at @rip; its backtrace begins at @start. Does not return if
 * another one has before. */
void smp_claim_panic(u64 rip, u64 start);

/* Stop all others, or as many as can be reached. Who panics, once. */
void smp_stop_others(void);

/* If another CPU has panicked, stop here; each notes where (place.h), and
 * leaves VMX or SVM. The second, where an exit came of it; the third, in an
 * NMI that came while Vellum ran. */
void smp_stop_if_panic(void);
void smp_stop_in_guest(void);
void smp_stop_in_nmi(const struct trap_frame *frame);

/* Stop all others as for a panic, have every CPU leave VMX or SVM, and say how
 * many have: a machine_reset_prepare (lib/reset.h). */
void smp_prepare_reset(void);

/* The display that a CPU watched while it waited for a lock, and for which
 * number. */
struct spin_place {
	u16 *owner;
	u16 ticket;
};

DECLARE_PERCPU(struct spin_place, panic_spin_place);

/* Stop, and let those behind this CPU in its queue pass. */
void panic_stop_at_lock(void) __noreturn;

/* Through memory: arguments would take registers from the straight path. */
static inline __noreturn void smp_stop_in_queue(u16 *owner, u16 ticket)
{
	*this_cpu(panic_spin_place) = (struct spin_place){owner, ticket};
	panic_stop_at_lock();
}

/* Leave the queue that this CPU waits in. */
void smp_leave_queue(void);

#endif
