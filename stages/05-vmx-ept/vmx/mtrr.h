/*
 * Keeping the EPT's memory types in step with the guest's MTRRs.
 */
#ifndef VMX_MTRR_H
#define VMX_MTRR_H

#include "vmm/mtrr.h"
#include "vmm/vcpu.h"

/* This CPU's map has just been built from @state. */
void mtrr_guest_init(const struct mtrr_state *state);

/*
 * The guest writes @value to the MTRR @msr: do it, and rebuild this CPU's map
 * when the types changed. -EPERM when the hardware refuses the value.
 */
int mtrr_guest_write(struct vcpu *vcpu, u32 msr, u64 value);

#endif
