/*
 * The guest's registers that the VMCS holds, by the names of the contract; and
 * stepping over an instruction, which changes three of them.
 *
 * CR0 and CR4 are the difficult ones. VMX operation fixes some of their bits:
 * CR0.NE and CR4.VMXE must be 1 (PE and PG are free in an unrestricted guest).
 * For these the CPU has a mask and a shadow: a bit in the mask is ours; the
 * guest reads it from the shadow, and an attempt to make it differ from the
 * shadow exits (SDM 3C 26.3), see cr.c.
 *
 *	CR0 mask: NE, what else the CPU fixes, CD and NW
 *	CR4 mask: VMXE, and all that vmm/cr4.h does not list
 *
 * Entries and exits do not exchange CD and NW (SDM 3C 27.3.2.1, 28.5.1): what
 * the guest set would hold in Vellum as well, without caches, or (with NW, on
 * old CPUs) with such as are not kept coherent. So they are the guest's to
 * write and read, and the CPU's stay 0. For the guest's memory nothing comes of
 * it: a cache that is on gives the same data. Book: chapter 5.
 */
#include "lib/cpu.h"
#include "vmm/vcpu.h"
#include "vmm/cr4.h"
#include "vmx/vmx.h"

static const enum vmcs_field plain_field[] = {
	[VCPU_RIP] = VMCS_GUEST_RIP,
	[VCPU_RSP] = VMCS_GUEST_RSP,
	[VCPU_RFLAGS] = VMCS_GUEST_RFLAGS,
	[VCPU_CR3] = VMCS_GUEST_CR3,
	[VCPU_EFER] = VMCS_GUEST_EFER,
	[VCPU_ES_BASE] = VMCS_GUEST_ES_BASE,
	[VCPU_CS_BASE] = VMCS_GUEST_CS_BASE,
	[VCPU_SS_BASE] = VMCS_GUEST_SS_BASE,
	[VCPU_DS_BASE] = VMCS_GUEST_DS_BASE,
	[VCPU_FS_BASE] = VMCS_GUEST_FS_BASE,
	[VCPU_GS_BASE] = VMCS_GUEST_GS_BASE,
	[VCPU_CS_ATTR] = VMCS_GUEST_CS_AR,
	[VCPU_SS_ATTR] = VMCS_GUEST_SS_AR,
};

u64 vmx_cr0_mask(const struct vmx_caps *caps)
{
	u64 must_be_1 = caps->cr0_fixed0 & ~(CR0_PE | CR0_PG);
	u64 must_be_0 = ~caps->cr0_fixed1 & 0xffffffff;

	return must_be_1 | must_be_0 | CR0_CD | CR0_NW;
}

u64 vmx_cr4_mask(const struct vmx_caps *caps)
{
	return caps->cr4_fixed0 | ~CR4_GUEST_MAY_SET;
}

/* LMA also decides how the next entry enters (SDM 3C 27.3.1.1). */
void vmx_set_efer(u64 value)
{
	u64 controls = vmcs_read(VMCS_ENTRY_CONTROLS) & ~ENTRY_IA32E;

	if (value & EFER_LMA)
		controls |= ENTRY_IA32E;
	vmcs_write(VMCS_ENTRY_CONTROLS, controls);
	vmcs_write(VMCS_GUEST_EFER, value);
}

/*
 * The CPU's own NE is 1, so an x87 error is exception 16, whatever the guest's
 * NE. As on a PC it would be IRQ 13 with a guest's NE of 0, we tell of it
 * (events.c).
 */
static void watch_x87_errors(bool on)
{
	vmcs_write(VMCS_EXCEPTION_BITMAP,
		   VMX_EXITING_EXCEPTIONS | (on ? BIT(VECTOR_MF) : 0));
}

void vmx_load_cr0(struct vcpu *vcpu, u64 value)
{
	struct vmx_vcpu *vmx = vcpu->backend;
	u64 efer = vmcs_read(VMCS_GUEST_EFER) & ~EFER_LMA;

	if ((value & CR0_PG) && (efer & EFER_LME))
		efer |= EFER_LMA;
	vmx_set_efer(efer);
	watch_x87_errors(!(value & CR0_NE));
	vmcs_write(VMCS_CR0_SHADOW, value);
	vmcs_write(VMCS_GUEST_CR0,
		   (value & ~vmcs_read(VMCS_CR0_MASK)) | vmx->cr0_fixed);
	vmx_flush_vpid();
}

/* Bits that @mask names come from the shadow, as the guest's own reads do. */
static u64 read_shadowed(enum vmcs_field real, enum vmcs_field shadow,
			 enum vmcs_field mask)
{
	u64 ours = vmcs_read(mask);

	return (vmcs_read(real) & ~ours) | (vmcs_read(shadow) & ours);
}

u64 vmx_get(struct vcpu *vcpu, enum vcpu_reg reg)
{
	switch (reg) {
	case VCPU_CR0:
		return read_shadowed(VMCS_GUEST_CR0, VMCS_CR0_SHADOW,
				     VMCS_CR0_MASK);
	case VCPU_CR4:
		return read_shadowed(VMCS_GUEST_CR4, VMCS_CR4_SHADOW,
				     VMCS_CR4_MASK);
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
