/*
 * EPT in the words of vmm/nested_map.h, and the flushing of what CPUs remember
 * of it (SDM 3C 29.3.2, 29.4.3).
 *
 *	63       52 51              12 11   8 7     6    5:3   2 1 0
 *	|  ignored |  physical address | ign.|large|PAT  |type |X W R|  a leaf
 *	|  ignored |  physical address |     reserved, 0       |X W R|  a table
 *
 * "PAT" (bit 6) stays 0, so that the guest's own page tables and PAT can make
 * a page's type weaker than the MTRRs', as they can without us.
 */
#include "vmm/guest_mtrr.h"
#include "vmx/vmx.h"

#define EPT_R     BIT(0)
#define EPT_W     BIT(1)
#define EPT_X     BIT(2)
#define EPT_LARGE BIT(7)

/* The pointer: type of the tables' memory, and levels less one. */
#define EPTP_WB       CACHE_WB
#define EPTP_4_LEVELS (3 << 3)

/* EPT walks four levels: 48 bits of a guest-physical address. */
#define EPT_ADDRESS_BITS 48

#define INVALIDATE_SINGLE_CONTEXT 1UL

#define EPT_FORMAT                                                             \
	.table = EPT_R | EPT_W | EPT_X, .leaf = EPT_R | EPT_X, .write = EPT_W, \
	.large = EPT_LARGE, .no_exec = EPT_X, .type_shift = 3,                 \
	.has_type = true

/* Two, as CPUs may differ: each uses what it can, and shares a map with those
 * that can do the same. */
static const struct nested_format ept_2m = {EPT_FORMAT};
static const struct nested_format ept_1g = {EPT_FORMAT, .has_1g = true};

static u64 ept_pointer(const struct nested_root *root)
{
	return root->table.v | EPTP_4_LEVELS | EPTP_WB;
}

/*
 * Bits that choose a key would show the same memory at another address, too:
 * what is above the others is not mapped for the guest. The flush is for
 * another hypervisor before us, which may have used the same address.
 */
int vmx_build_map(struct vcpu *vcpu)
{
	const struct vmx_caps *caps = vmx_caps();
	uint bits =
		MIN(caps->physical_bits - caps->keyid_bits, EPT_ADDRESS_BITS);
	int error = nested_root_init(
		&vcpu->root, caps->ept_vpid & EPT_CAP_1G ? &ept_1g : &ept_2m,
		guest_mtrr_init(), BIT(bits));

	if (error)
		return error;
	vmcs_write(VMCS_EPT_POINTER, ept_pointer(&vcpu->root));
	vmx_flush_map(vcpu);
	return 0;
}

/* The operand of INVEPT and INVVPID. */
struct invalidate {
	u64 context; /* EPT pointer, or VPID */
	u64 address;
};

void vmx_flush_map(struct vcpu *vcpu)
{
	struct invalidate what = {ept_pointer(&vcpu->root), 0};

	asm volatile("invept %0, %1"
		     :
		     : "m"(what), "r"(INVALIDATE_SINGLE_CONTEXT)
		     : "memory", "cc");
}

/* Without VPIDs every entry and exit flushes, and there is nothing to do. */
void vmx_flush_vpid(void)
{
	struct invalidate what = {0};

	if (!(vmcs_read(VMCS_PROC2_CONTROLS) & PROC2_VPID))
		return;
	what.context = vmcs_read(VMCS_VPID);
	asm volatile("invvpid %0, %1"
		     :
		     : "m"(what), "r"(INVALIDATE_SINGLE_CONTEXT)
		     : "memory", "cc");
}
