/*
 * CPUID: what the guest may know of the CPU.
 *
 * Two rules. A feature that Vellum does not know is hidden, because a feature
 * may come with registers that we would have to keep apart (CET, for one): so
 * the tables below list what may pass, not what may not. And two bits of the
 * answer mirror the guest's own CR4, not ours. Book: chapter 5.
 */
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "lib/version.h"
#include "vmm/cpuid.h"
#include "vmm/vcpu.h"

#define LEAF_BASIC_MAX    0x1f
#define LEAF_7_MAX        2 /* its subleaves */
#define LEAF_EXTENDED_MAX 0x80000026

#define ANY 0xffffffff

/* A leaf that may pass, and which bits of its four registers. */
struct leaf_mask {
	u32 leaf;
	u32 subleaf; /* ANY: all of them */
	u32 eax, ebx, ecx, edx;
};

/*
 * Hidden in leaf 1 ECX: VMX (5), SMX (6), silicon debug (11). In leaf 6 EAX:
 * HFI (19), Thread Director (23), whose table the CPU writes to memory past the
 * EPT. In leaf 7 EBX: SGX (2), MPX (14), PT (25). ECX: CET_SS (7), TME (13),
 * LA57 (16), MPX width (17-21), KL (23), bus-lock detection (24), ENQCMD (29),
 * SGX_LC (30), PKS (31). EDX: SGX keys (1), UINTR (5), PCONFIG (18), ARCH_LBR
 * (19), CET_IBT (20). Subleaf 1 EAX: LASS (6), the counters of leaf 0x23 (8),
 * FRED (17), LKGS (18), HRESET (22), LAM (26), MSRLIST (27). In leaf 0xd.1 ECX
 * all but HDC (13) and HWP (16). In 0x80000001 ECX: SVM (2), IBS (10), SKINIT
 * (12), LWP (15). In 0x80000008 EBX: INVLPGB (3), MCOMMIT (8), interruptible
 * WBINVD (13). In 0x80000022 EAX: LBRs (1, 2).
 * A bit that says that there is another leaf passes with that leaf, or not at
 * all. SDM 2A CPUID; APM 3 appendix E.
 */
static const struct leaf_mask leaves[] = {
	{0x00, ANY, ANY, ANY, ANY, ANY},
	{0x01, ANY, ANY, ANY, 0xfffef79f, 0xffeffbff},
	{0x02, ANY, ANY, ANY, ANY, ANY},
	{0x04, ANY, ANY, ANY, ANY, ANY},
	{0x05, ANY, ANY, ANY, ANY, ANY},
	{0x06, ANY, 0x57eff7, ANY, 0x9, 0},
	{0x07, 0, ANY, 0xfdbfbffb, 0x1a405f7f, 0xffc1ef1d},
	{0x07, 1, 0x00a81cbf, 0, 0, 0},
	{0x07, 2, 0, 0, 0, 0x3f},
	{0x09, ANY, ANY, ANY, ANY, ANY},
	{0x0a, ANY, ANY, ANY, ANY, ANY},
	{0x0b, ANY, ANY, ANY, ANY, ANY},
	{0x0d, 1, 0x1f, ANY, 0x12000, 0},
	{0x0d, ANY, ANY, ANY, ANY, ANY},
	{0x0f, ANY, ANY, ANY, ANY, ANY},
	{0x10, ANY, ANY, ANY, ANY, ANY},
	{0x15, ANY, ANY, ANY, ANY, ANY},
	{0x16, ANY, ANY, ANY, ANY, ANY},
	{0x17, ANY, ANY, ANY, ANY, ANY},
	{0x18, ANY, ANY, ANY, ANY, ANY},
	{0x1a, ANY, ANY, ANY, ANY, ANY},
	{0x1d, ANY, ANY, ANY, ANY, ANY},
	{0x1e, ANY, ANY, ANY, ANY, ANY},
	{0x1f, ANY, ANY, ANY, ANY, ANY},
	{0x80000000, ANY, ANY, ANY, ANY, ANY},
	{0x80000001, ANY, ANY, ANY, 0x7fff6bfb, ANY},
	{0x80000002, ANY, ANY, ANY, ANY, ANY},
	{0x80000003, ANY, ANY, ANY, ANY, ANY},
	{0x80000004, ANY, ANY, ANY, ANY, ANY},
	{0x80000005, ANY, ANY, ANY, ANY, ANY},
	{0x80000006, ANY, ANY, ANY, ANY, ANY},
	{0x80000007, ANY, ANY, ANY, ANY, ANY},
	{0x80000008, ANY, ANY, 0x7f1fd217, ANY, ANY},
	{0x80000019, ANY, ANY, ANY, ANY, ANY},
	{0x8000001a, ANY, ANY, ANY, ANY, ANY},
	{0x8000001d, ANY, ANY, ANY, ANY, ANY},
	{0x8000001e, ANY, ANY, ANY, ANY, ANY},
	{0x80000021, ANY, 0x78002fcf, ANY, 0x6, 0},
	{0x80000022, ANY, 0x1, 0x3ffc0f, ANY, 0},
	{0x80000026, ANY, ANY, ANY, ANY, ANY},
};

static const struct leaf_mask *find_leaf(u32 leaf, u32 subleaf)
{
	for (uint i = 0; i < ARRAY_SIZE(leaves); i++)
		if (leaves[i].leaf == leaf &&
		    (leaves[i].subleaf == ANY || leaves[i].subleaf == subleaf))
			return &leaves[i];
	return NULL;
}

static void set_bit_like(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | bit : *reg & ~bit;
}

void cpuid_filter(u32 leaf, u32 subleaf, u64 guest_cr4, struct cpuid_regs *r)
{
	const struct leaf_mask *mask = find_leaf(leaf, subleaf);

	if (!mask) {
		*r = (struct cpuid_regs){0};
		return;
	}
	r->eax &= mask->eax;
	r->ebx &= mask->ebx;
	r->ecx &= mask->ecx;
	r->edx &= mask->edx;
	if (leaf == 0)
		r->eax = MIN(r->eax, (u32)LEAF_BASIC_MAX);
	if (leaf == 0x80000000)
		r->eax = MIN(r->eax, LEAF_EXTENDED_MAX);
	if (leaf == 1) {
		r->ecx |= CPUID_1_ECX_HYPERVISOR;
		set_bit_like(&r->ecx, CPUID_1_ECX_OSXSAVE,
			     guest_cr4 & CR4_OSXSAVE);
	}
	if (leaf == 7 && subleaf == 0) {
		r->eax = MIN(r->eax, (u32)LEAF_7_MAX);
		set_bit_like(&r->ecx, CPUID_7_ECX_OSPKE, guest_cr4 & CR4_PKE);
	}
}

/* Sixteen bytes of the version from the @part-th on; what is longer is cut. */
static void version_part(uint part, struct cpuid_regs *r)
{
	size_t length = strlen(vellum_version), at = part * sizeof(*r);

	if (at < length)
		memcpy(r, vellum_version + at, MIN(length - at, sizeof(*r)));
}

void cpuid_own_leaf(u32 leaf, struct cpuid_regs *r)
{
	*r = (struct cpuid_regs){0};
	if (leaf == CPUID_HYPERVISOR) {
		r->eax = CPUID_HYPERVISOR_MAX;
		memcpy(&r->ebx, "Vell", 4);
		memcpy(&r->ecx, "umVe", 4);
		memcpy(&r->edx, "llum", 4);
	} else if (leaf == CPUID_HYPERVISOR_INFO) {
		r->eax = CPUID_HYPERVISOR_INTERFACE;
		r->ebx = vcpu_ops->id;
		r->ecx = *this_cpu(cpu_number);
	} else if (leaf >= CPUID_HYPERVISOR_VERSION &&
		   leaf <= CPUID_HYPERVISOR_MAX) {
		version_part(leaf - CPUID_HYPERVISOR_VERSION, r);
	}
}

EXIT_HANDLER(CPUID)
{
	u32 leaf = vcpu->regs.rax, subleaf = vcpu->regs.rcx;
	struct cpuid_regs r;

	if ((leaf & 0xf0000000) == CPUID_HYPERVISOR) {
		cpuid_own_leaf(leaf, &r);
	} else {
		r = cpuid(leaf, subleaf);
		cpuid_filter(leaf, subleaf, vcpu_ops->get(vcpu, VCPU_CR4), &r);
		if (vcpu_ops->filter_cpuid)
			vcpu_ops->filter_cpuid(vcpu, leaf, subleaf, &r);
	}
	vcpu->regs.rax = r.eax;
	vcpu->regs.rbx = r.ebx;
	vcpu->regs.rcx = r.ecx;
	vcpu->regs.rdx = r.edx;
	vcpu_ops->skip_instruction(vcpu);
}
