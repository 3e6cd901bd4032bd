/*
 * The guest's registers that the VMCS holds, by the names of the contract.
 */
#include "vmm/cpu_mode.h"
#include "vmx/events.h"
#include "vmx/vmx.h"

static const enum vmcs_field plain_field[] = {
	[VCPU_RIP] = VMCS_GUEST_RIP,       [VCPU_RSP] = VMCS_GUEST_RSP,
	[VCPU_RFLAGS] = VMCS_GUEST_RFLAGS, [VCPU_CR3] = VMCS_GUEST_CR3,
	[VCPU_EFER] = VMCS_GUEST_EFER,     [VCPU_CS_BASE] = VMCS_GUEST_CS_BASE,
	[VCPU_CS_ATTR] = VMCS_GUEST_CS_AR, [VCPU_SS_ATTR] = VMCS_GUEST_SS_AR,
};

/* Bits that @mask names come from the shadow, as the guest's own reads do. */
static u64 shadowed(enum vmcs_field real, enum vmcs_field shadow,
		    enum vmcs_field mask)
{
	u64 ours = vmcs_read(mask);

	return (vmcs_read(real) & ~ours) | (vmcs_read(shadow) & ours);
}

u64 vmx_get(struct vcpu *vcpu, enum vcpu_reg reg)
{
	switch (reg) {
	case VCPU_CR0:
		return shadowed(VMCS_GUEST_CR0, VMCS_CR0_SHADOW, VMCS_CR0_MASK);
	case VCPU_CR4:
		return shadowed(VMCS_GUEST_CR4, VMCS_CR4_SHADOW, VMCS_CR4_MASK);
	default:
		return vmcs_read(plain_field[reg]);
	}
}

void vmx_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value)
{
	switch (reg) {
	case VCPU_CR0:
		vmx_load_cr0(vcpu, value);
		break;
	case VCPU_CR4:
		vmcs_write(VMCS_CR4_SHADOW, value);
		vmcs_write(VMCS_GUEST_CR4, value | vmx_caps()->cr4_fixed0);
		break;
	case VCPU_EFER:
		vmx_set_efer(value);
		break;
	default:
		vmcs_write(plain_field[reg], value);
	}
}

/*
 * An instruction that completes clears RF, leaves the shadow of STI or MOV SS,
 * and ends in a single-step trap when TF is set (unless BTF restricts that to
 * branches). The trap is noted as pending; the entry delivers it.
 */
void vmx_skip_bytes(struct vcpu *vcpu, uint length)
{
	u64 state = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	u64 rflags = vmcs_read(VMCS_GUEST_RFLAGS);

	vmcs_write(VMCS_GUEST_RIP, guest_next_rip(vcpu, length));
	if (rflags & RFLAGS_RF)
		vmcs_write(VMCS_GUEST_RFLAGS, rflags & ~RFLAGS_RF);
	if (state & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   state & ~(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	if ((rflags & RFLAGS_TF) &&
	    !(vmcs_read(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF))
		vmcs_write(VMCS_GUEST_PENDING_DEBUG,
			   vmcs_read(VMCS_GUEST_PENDING_DEBUG) | PENDING_BS);
}

void vmx_skip_instruction(struct vcpu *vcpu)
{
	vmx_skip_bytes(vcpu, vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH));
}
