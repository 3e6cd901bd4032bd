/*
 * NMIs, and struct cpu_signals: what else can come to a CPU from outside, INIT
 * and start-up IPIs. With one CPU, an NMI is the guest's, and so is an INIT.
 * The layer that starts further CPUs sets cpu_signals. Book: chapter 5, "NMIs".
 */
#ifndef VMM_NMI_H
#define VMM_NMI_H

#include "lib/types.h"

struct vcpu;

struct cpu_signals {
	/* The hardware reported one of these by an exit. */
	void (*init)(struct vcpu *vcpu);
	void (*sipi)(struct vcpu *vcpu, u8 vector);
	/* An NMI made the CPU exit. False: it is the guest's. */
	bool (*nmi)(struct vcpu *vcpu);
	/* vcpu->stop was set. The CPU is out of the guest, and may do anything
	 * before it goes back there. */
	void (*stop)(struct vcpu *vcpu);
};

extern const struct cpu_signals *cpu_signals; /* NULL: one CPU */

/* From now on NMIs that arrive while Vellum runs end nothing: they are kept for
 * the guest, where there is one. CPU 0, as soon as there is an IDT. */
void vmm_take_nmis(void);

/* Do what vcpu->stop was set for; a machine check is another thing that may
 * have come. Before each entry. */
void cpu_stop_serve(struct vcpu *vcpu);

#endif
