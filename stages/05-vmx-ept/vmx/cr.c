/*
 * A guest's write to CR0 or CR4 that exits: it would change a bit of the masks
 * of registers.c.
 *
 * Paging and protection are switched without an exit, and a kernel costs one
 * exit: when it sets NE for the first time. (One that changes MTRRs switches
 * the caches off and on, and costs two more each time.) But that one write can
 * change everything else too, PG included, so all that hardware does at a MOV
 * to CR0 must be done here (SDM 2B MOV to control registers). Book: chapter 5.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "vmm/vcpu.h"
#include "vmm/guest_memory.h"
#include "vmx/vmx.h"

/* Exit qualification of a control-register access (SDM 3C table 28-3). */
#define QUAL_CR(q)        ((q)&0xf)
#define QUAL_ACCESS(q)    ((q) >> 4 & 3)
#define QUAL_REGISTER(q)  ((q) >> 8 & 0xf)
#define QUAL_LMSW_DATA(q) ((q) >> 16 & 0xffff)
enum cr_access {
	MOV_TO_CR,
	MOV_FROM_CR,
	CLTS,
	LMSW
};

#define CR0_LMSW (CR0_PE | CR0_MP | CR0_EM | CR0_TS)

/* The rules of a MOV to CR0 that breaks which raises #GP. */
static bool cr0_is_allowed(struct vcpu *vcpu, u64 old, u64 value)
{
	bool was_paging = old & CR0_PG, paging = value & CR0_PG;
	u64 cr4 = vmx_get(vcpu, VCPU_CR4);
	bool code_64 = vmcs_read(VMCS_GUEST_CS_AR) & AR_L;
	u64 efer = vmcs_read(VMCS_GUEST_EFER);

	if (value >> 32)
		return false;
	if (paging && !(value & CR0_PE))
		return false;
	if ((value & CR0_NW) && !(value & CR0_CD))
		return false;
	if (was_paging && !paging) /* not from 64-bit code, nor with PCIDs */
		return !(cr4 & CR4_PCIDE) && !((efer & EFER_LMA) && code_64);
	if (!was_paging && paging && (efer & EFER_LME))
		return (cr4 & CR4_PAE) && !code_64 &&
		       AR_TYPE(vmcs_read(VMCS_GUEST_TR_AR)) != TYPE_TSS16;
	return true;
}

int vmx_load_pdptes(struct vcpu *vcpu, u64 cr3)
{
	uint bits = vmx_caps()->physical_bits;
	u64 pdpte[4];

	if (guest_read_phys(vcpu, GPHYS(cr3 & 0xffffffe0), pdpte,
			    sizeof(pdpte)))
		return -EPERM;
	for (uint i = 0; i < 4; i++)
		if ((pdpte[i] & PDPTE_PRESENT) &&
		    ((pdpte[i] & PDPTE_RESERVED) || pdpte[i] >> bits))
			return -EPERM;
	for (uint i = 0; i < 4; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, pdpte[i]);
	return 0;
}

/* With PAE paging the CPU loads the four top entries when a MOV to CR0 changes
 * CD, NW or PG (SDM 3A 4.4.1). */
static bool reloads_pdptes(struct vcpu *vcpu, u64 old, u64 value)
{
	return (value & CR0_PG) && (vmx_get(vcpu, VCPU_CR4) & CR4_PAE) &&
	       !(vmcs_read(VMCS_GUEST_EFER) & EFER_LME) &&
	       ((old ^ value) & (CR0_CD | CR0_NW | CR0_PG));
}

static int write_cr0_for_guest(struct vcpu *vcpu, u64 value)
{
	u64 old = vmx_get(vcpu, VCPU_CR0);

	value |= CR0_ET; /* always 1 */
	if (!cr0_is_allowed(vcpu, old, value))
		return -EPERM;
	if (reloads_pdptes(vcpu, old, value) &&
	    vmx_load_pdptes(vcpu, vmcs_read(VMCS_GUEST_CR3)))
		return -EPERM;
	vmx_load_cr0(vcpu, value);
	return 0;
}

/* The source of the MOV. */
static u64 source_register(struct vcpu *vcpu, uint number)
{
	u64 value = guest_gpr(vcpu, number);

	return guest_address_size(vcpu) == 8 ? value : (u32)value;
}

static int write_control_register(struct vcpu *vcpu, u64 info)
{
	u64 cr0 = vmx_get(vcpu, VCPU_CR0);

	switch (QUAL_ACCESS(info)) {
	case CLTS:
		return write_cr0_for_guest(vcpu, cr0 & ~CR0_TS);
	case LMSW: /* can set PE, but not clear it */
		return write_cr0_for_guest(
			vcpu, (cr0 & (~CR0_LMSW | CR0_PE)) |
				      (QUAL_LMSW_DATA(info) & CR0_LMSW));
	case MOV_TO_CR:
		if (QUAL_CR(info) == 0)
			return write_cr0_for_guest(
				vcpu,
				source_register(vcpu, QUAL_REGISTER(info)));
		/*
		 * The shadow is 0 in all bits of the CR4 mask, so the guest
		 * tried to set one: there is no such bit on this CPU.
		 */
		if (QUAL_CR(info) == 4)
			return -EPERM;
		/* fall through */
	default:
		return -ENOENT;
	}
}

void vmx_cr_write(struct vcpu *vcpu, const struct vm_exit *exit)
{
	int error = write_control_register(vcpu, exit->info);

	if (error == -ENOENT)
		exit_refuse(vcpu, exit, VECTOR_UD,
			    "nobody asked for an exit there");
	else if (error)
		vmx_inject_exception(vcpu, VECTOR_GP, 0);
	else
		vmx_skip_instruction(vcpu);
}
