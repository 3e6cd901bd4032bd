/*
 * What each CPU was doing when a panic stopped it.
 */
#ifndef SMP_PLACE_H
#define SMP_PLACE_H

#include "lib/types.h"
#include "vmm/vcpu.h"

struct cpu_place {
	u32 state;         /* 1: it is being noted; 2: all of it has been */
	bool in_guest;     /* else it ran Vellum */
	u64 rip, rsp, rbp; /* where; of one in the guest, how it came to stop */
	bool has_guest;    /* it has a virtual CPU, whose registers are: */
	struct guest_regs regs;
	u64 guest[VCPU_REGS]; /* by their enum vcpu_reg */
};

/*
 * This CPU has been stopped where it ran Vellum at @rip; or @in_guest. Note so,
 * for nobody else can: what the VMCS says is for its CPU alone. Once, and
 * before VMX is left. Takes no lock; in an NMI, too.
 */
void place_note(bool in_guest, u64 rip, u64 rsp, u64 rbp);

/* The part of it that @vcpu tells, which is this CPU's. */
void place_note_guest(struct cpu_place *place, struct vcpu *vcpu);

/* What CPU @cpu has noted; NULL: nothing. */
const struct cpu_place *cpu_place_of(uint cpu);

/* Print what has been noted of each, and of those that wait in the guest for a
 * start-up IPI. */
void place_print_all(void);

#endif
