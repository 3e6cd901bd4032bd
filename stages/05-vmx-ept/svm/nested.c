/*
 * NPT in the words of vmm/nested_map.h, and the flushing of what CPUs remember
 * of it.
 *
 * Entries are ordinary page-table entries, and every access of the guest
 * counts as a user access (APM 2 15.25.5). Accessed and dirty are set, which
 * spares the CPU the write.
 *
 * The machine's MTRRs apply to the guest's memory, too. What its own say
 * otherwise is put into the leaves, by bits that choose an entry of the PAT:
 * not the guest's, which the VMCB has, but the CPU's (APM 2 15.25.8). That is
 * as after a reset, and without WC and WP; instead of them a leaf says UC.
 * Book: chapter 5.
 */
#include "lib/cpu.h"
#include "lib/pte.h"
#include "svm/svm.h"
#include "vmm/guest_mtrr.h"

#define PAT_RESET 0x0007040600070406UL
#define NPT_UC    (PTE_PWT | PTE_PCD) /* entry 3: 00 */
#define NPT_WT    PTE_PWT             /* entry 1: 04; 0 is WB */
#define NPT_TYPES                                                              \
	{                                                                      \
		[CACHE_UC] = NPT_UC, [CACHE_WC] = NPT_UC, [CACHE_WT] = NPT_WT, \
		[CACHE_WP] = NPT_UC,                                           \
	}

#define NPT_FORMAT                                                   \
	.table = PTE_P | PTE_W | PTE_U | PTE_A,                      \
	.leaf = PTE_P | PTE_U | PTE_A | PTE_D, .write = PTE_W,       \
	.large = PTE_PS, .no_exec = PTE_NX, .cache_bits = NPT_TYPES, \
	.machine = &machine_mtrrs

/* Two, as CPUs may differ: each uses what it can, and shares a map with those
 * that can do the same. */
static const struct nested_format npt_2m = {NPT_FORMAT};
static const struct nested_format npt_1g = {NPT_FORMAT, .has_1g = true};

int svm_build_map(struct vcpu *vcpu)
{
	int error = nested_root_init(
		&vcpu->root, svm_has_1g_pages() ? &npt_1g : &npt_2m,
		guest_mtrr_init(), BIT(svm_address_bits()));

	if (error)
		return error;
	svm_vmcb(vcpu)->control.nested_cr3 = vcpu->root.table.v;
	wrmsr(MSR_PAT, PAT_RESET);
	return 0;
}

void svm_flush_map(struct vcpu *vcpu)
{
	svm_vmcb(vcpu)->control.tlb_control = TLB_CONTROL_FLUSH_ALL;
}
