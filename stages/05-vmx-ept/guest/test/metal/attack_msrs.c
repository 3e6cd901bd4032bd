/*
 * The attack guest's attempts with model-specific registers: those that say
 * what lies at which address, that let the CPU write on its own account, or
 * that are Vellum's.
 */
#include "guest/test/metal/attack.h"

#define APIC_BASE_ADDRESS 0xffffff000UL

/* A write that should be refused. If it was taken, it is taken back. */
static enum verdict write_msr(const struct attack *a)
{
	u64 before = 0, after = 0;
	bool readable = try_rdmsr(a->msr, &before) == NO_FAULT;
	u64 value = a->value ? a->value : before ^ BIT(20);
	int vector = try_wrmsr(a->msr, value);

	note("%s", fault_name(vector));
	if (vector != NO_FAULT)
		return REFUSED;
	try_rdmsr(a->msr, &after);
	if (readable)
		try_wrmsr(a->msr, before);
	note("0x%lx was 0x%lx, and is 0x%lx", value, before, after);
	return ESCAPED;
}

/* Over a page of Vellum's; the APIC would answer there, Vellum included. */
static enum verdict move_apic(const struct attack *a)
{
	u64 before = rdmsr(MSR_APIC_BASE), page = hidden_page(0), after;
	int vector =
		try_wrmsr(MSR_APIC_BASE, (before & ~APIC_BASE_ADDRESS) | page);

	after = rdmsr(MSR_APIC_BASE);
	wrmsr(MSR_APIC_BASE, before);
	note("%s", fault_name(vector));
	if (page && (after & APIC_BASE_ADDRESS) == page)
		return ESCAPED;
	return REFUSED;
}

/* Virtualisation as the firmware offers it, and what of it the CPU has. */
static enum verdict look_for_vmx(const struct attack *a)
{
	u64 value = 0;
	int vector = try_rdmsr(a->msr, &value);

	note("%s, 0x%lx", fault_name(vector), value);
	return value & a->value ? ESCAPED : AS_ON_HARDWARE;
}

/* Microcode from the guest is taken and dropped, with a line in the log; the
 * other vendor's register is none. */
static enum verdict load_microcode(const struct attack *a)
{
	int before = count_in_log("vmm: microcode update"), after;
	int vector = try_wrmsr(a->msr, a->value);

	if (vector != NO_FAULT) {
		note("%s", fault_name(vector));
		return REFUSED;
	}
	after = count_in_log("vmm: microcode update");
	note("%d line%s in Vellum's log", after - before,
	     after - before == 1 ? "" : "s");
	return after > before ? REFUSED : ESCAPED;
}

static enum verdict write_non_canonical(const struct attack *a)
{
	u64 before = rdmsr(a->msr), after;
	int vector = try_wrmsr(a->msr, BIT(47));

	cpuid(0, 0);
	after = rdmsr(a->msr);
	wrmsr(a->msr, before);
	note("%s, then 0x%lx", fault_name(vector), after);
	return AS_ON_HARDWARE;
}

/* Vellum's range uncached, by the last pair of variable MTRRs; and all memory,
 * by the default type. A copy of the guest's takes it, and the CPU does not. */
static enum verdict set_mtrr(const struct attack *a)
{
	u64 bits = BIT(cpuid(0x80000008, 0).eax & 0xff) - 1, base, mask, def;
	u32 msr =
		MSR_MTRR_PHYSBASE0 + 2 * (u32)((rdmsr(MSR_MTRRCAP) & 0xff) - 1);

	base = rdmsr(msr);
	mask = rdmsr(msr + 1);
	def = rdmsr(MSR_MTRR_DEF_TYPE);
	try_wrmsr(msr, ALIGN_DOWN(hidden_page(0), 4 * MIB));
	try_wrmsr(msr + 1, (bits & ~(4 * MIB - 1)) | BIT(11));
	try_wrmsr(MSR_MTRR_DEF_TYPE, BIT(11));
	cpuid(0, 0);
	note("0x%lx, 0x%lx", rdmsr(msr), rdmsr(MSR_MTRR_DEF_TYPE));
	try_wrmsr(MSR_MTRR_DEF_TYPE, def);
	try_wrmsr(msr + 1, mask);
	try_wrmsr(msr, base);
	return AS_ON_HARDWARE;
}

ATTACKS = {
	{"the local APIC over Vellum's range", move_apic,
	 SHOWN_BY("05-attack-apic-base")},
	{"MTRRs over Vellum's range", set_mtrr, TESTED_BY("svm-types")},
	{"EFER.SVME", write_msr, SHOWN_BY("05-attack-efer"), .msr = MSR_EFER,
	 .value = EFER_SVME | EFER_LME | EFER_LMA},
	{"VM_CR", write_msr, SHOWN_BY("05-attack-svm-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010114},
	{"VM_HSAVE_PA", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010117, .value = 0x1000},
	{"SYSCFG", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010010},
	{"IORR", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010016},
	{"TOP_MEM", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc001001a},
	{"TOP_MEM2", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc001001d},
	{"MMIO_CFG_BASE", write_msr, SHOWN_BY("05-attack-msr"),
	 .only = BELOW_SVM, .msr = 0xc0010058},
	{"SMM_BASE", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010111},
	{"SMM_ADDR", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010112},
	{"SMM_MASK", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010113},
	{"RMP_BASE", write_msr, SHOWN_BY("05-attack-msr"), .only = BELOW_SVM,
	 .msr = 0xc0010132},
	{"IA32_PEBS_ENABLE", write_msr, SHOWN_BY("05-attack-msr"),
	 .msr = 0x3f1},
	{"IA32_DS_AREA", write_msr, SHOWN_BY("05-attack-msr"), .msr = 0x600},
	{"IA32_RTIT_CTL", write_msr, SHOWN_BY("05-attack-msr"), .msr = 0x570},
	{"IA32_SMM_MONITOR_CTL", write_msr, SHOWN_BY("05-attack-msr"),
	 .msr = 0x9b},
	{"voltage, by the mailbox", write_msr, SHOWN_BY("05-attack-msr"),
	 .msr = 0x150, .value = 0x8000001100000000},
	{"KVM's clock in memory", write_msr, SHOWN_BY("05-attack-msr"),
	 .msr = 0x4b564d01, .value = 0x1001},
	{"an MSR that nobody lists", write_msr, SHOWN_BY("05-attack-msr"),
	 .msr = 0x1234},
	{"an MSR that no bitmap covers", write_msr, SHOWN_BY("05-attack-msr"),
	 .msr = 0x4fffffff},
	{"VMX in IA32_FEATURE_CONTROL", look_for_vmx,
	 SHOWN_BY("05-attack-vmx-msr"), .msr = 0x3a, .value = BIT(2)},
	{"IA32_VMX_BASIC", look_for_vmx, SHOWN_BY("05-attack-vmx-basic"),
	 .msr = 0x480, .value = ~0UL},
	{"microcode, Intel's", load_microcode, SHOWN_BY("05-attack-vmx-msr"),
	 .only = BELOW_VMX, .msr = 0x79, .value = 0x1000},
	{"microcode, AMD's", load_microcode, SHOWN_BY("05-attack-svm-msr"),
	 .only = BELOW_SVM, .msr = 0xc0010020, .value = 0x1000},
	{"FS.base that is no address", write_non_canonical,
	 TESTED_BY("vmentry-rules"), .msr = MSR_FS_BASE},
	{"SYSENTER_EIP that is no address", write_non_canonical,
	 TESTED_BY("vmentry-rules"), .msr = MSR_SYSENTER_EIP},
	{"LSTAR that is no address", write_non_canonical,
	 TESTED_BY("vmentry-rules"), .msr = MSR_LSTAR},
};
