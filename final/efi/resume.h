/*
 * A guest that goes on where the firmware was, in each back end. Private to
 * efi/.
 */
#ifndef EFI_RESUME_H
#define EFI_RESUME_H

#include "efi/cpu_state.h"
#include "vmm/vcpu.h"

/* Let @vcpu, which has not run yet, go on from @state. On its CPU. */
void efi_resume(struct vcpu *vcpu, const struct cpu_state *state);

/* The same with the one and the other back end. */
void vmx_resume(struct vcpu *vcpu, const struct cpu_state *state);
void svm_resume(struct vcpu *vcpu, const struct cpu_state *state);

#endif
