/*
 * The guest's MTRRs: a copy for each CPU, of the machine's at first. See
 * guest_mtrr.c. Book: chapter 5, "When the guest changes them".
 */
#ifndef VMM_GUEST_MTRR_H
#define VMM_GUEST_MTRR_H

#include "vmm/msr.h"
#include "vmm/mtrr.h"
#include "vmm/vcpu.h"

/*
 * This CPU's copy, to build its map from. CPU 0 first; any other CPU whose
 * MTRRs are not CPU 0's gets those: Vellum's memory has one type for all.
 */
const struct mtrr_state *guest_mtrr_init(void);

/* The machine's own: the same on each CPU, for as long as Vellum runs. */
extern struct mtrr_state machine_mtrrs;

/* RDMSR and WRMSR of an MTRR by this CPU's guest, which @vcpu is. */
msr_read_fn guest_mtrr_read;
msr_write_fn guest_mtrr_write;

/* Have @vcpu's reads exit where they must not see the machine's. */
void guest_mtrr_watch(struct vcpu *vcpu);

/* Make the copy of this CPU real: Vellum is about to leave the machine, with no
 * CPU in a guest. */
void guest_mtrr_make_real(void);

#endif
