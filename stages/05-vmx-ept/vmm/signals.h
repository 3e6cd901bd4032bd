/*
 * What one CPU can do to another: INIT, a start-up IPI, and a call of Vellum's
 * own, which is an NMI. With one CPU there is nobody to do it. The layer that
 * starts the others sets cpu_signals.
 *
 * Calls and NMIs must not be mixed up: an NMI may as well be the guest's. Who
 * calls sets the other's `called` first, and sends the NMI only if it was not
 * set. So there is one NMI for each time that it gets set; whoever takes an NMI
 * clears it, and knows by its value whose the NMI was. If a call and a guest's
 * NMI meet, they may change places, which does not matter. Book: chapter 6.
 */
#ifndef VMM_SIGNALS_H
#define VMM_SIGNALS_H

#include "lib/percpu.h"
#include "lib/types.h"

struct vcpu;

struct cpu_signals {
	/* The hardware reported one of these by an exit. */
	void (*init)(struct vcpu *vcpu);
	void (*sipi)(struct vcpu *vcpu, u8 vector);
	/* A call came. The CPU is out of the guest, and may do anything. */
	void (*call)(struct vcpu *vcpu);
	/* The same in the midst of Vellum, in the NMI itself: no locks. .call
	 * follows before the CPU enters the guest. */
	void (*call_nmi)(void);
};

extern const struct cpu_signals *cpu_signals; /* NULL: one CPU */

/* Another CPU calls this one. Set before the NMI is sent, see above. */
DECLARE_PERCPU(u32, called);

/* From now on NMIs that arrive while Vellum runs are kept for the guest. */
void vmm_take_nmis(void);

/* An NMI has been taken: was it a call? */
bool cpu_call_taken(void);

/* Do what was asked of this CPU while it was in Vellum. Before each entry. */
void cpu_call_serve(struct vcpu *vcpu);

/* Is there something for cpu_call_serve() to do? This CPU's flag. */
u32 *cpu_call_waits(void);

/*
 * Sleep until *@wake is not 0 or an NMI comes; NMIs must be let in
 * (vcpu_ops.listen). May wake for no reason. In idle.S.
 */
void cpu_idle(const u32 *wake);

#endif
