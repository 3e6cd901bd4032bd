/*
 * Calls: how one CPU makes another look. A call is an NMI, since nothing else
 * reaches a CPU that is in the guest, or in the midst of Vellum.
 *
 * Calls and NMIs must not be mixed up: an NMI may as well be the guest's. Who
 * calls sets the other's `called` first, and sends the NMI only if it was not
 * set. So there is one NMI for each time that it gets set; whoever takes an NMI
 * clears it, and knows by its value whose the NMI was. If a call and a guest's
 * NMI meet, they may change places, which does not matter.
 * Book: chapter 6, "A call".
 */
#ifndef SMP_CALL_H
#define SMP_CALL_H

#include "smp/cpus.h"

struct trap_frame; /* paging/trap.h */

/*
 * From now on CPUs can be called. In the midst of Vellum @at_once runs, in the
 * NMI itself: no locks; cpu_signals->stop follows before the CPU enters the
 * guest. CPU 0.
 */
void smp_take_calls(void (*at_once)(const struct trap_frame *frame));

/* Have @cpu, which must be ready and not smp_waits_in_guest(), leave the guest
 * or wake up. Any CPU. */
void smp_call(struct smp_cpu *cpu);

/* This CPU has taken an NMI: was it a call? */
bool smp_call_taken(void);

/*
 * A later stage's, for a meeting of all CPUs: called when this one has taken a
 * call, before it goes back to the guest, and with @waits when it has woken up
 * in its wait for a start-up IPI. True: that was what it was called for. NULL:
 * nothing. Any CPU.
 */
extern bool (*smp_on_call)(struct vcpu *vcpu, bool waits);

/*
 * Sleep until *@wake is not 0 or an NMI comes; NMIs must be let in
 * (vcpu_ops.listen). May wake for no reason. In idle.S.
 */
void cpu_idle(const u32 *wake);

#endif
