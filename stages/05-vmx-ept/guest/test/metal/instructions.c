/*
 * Instructions and registers that Vellum keeps from the guest must behave as
 * on a machine that does not have them; those that it lets through as on one
 * that has.
 *
 * Where QEMU's emulation (TCG) lets pass what hardware refuses, nothing is
 * checked under SVM: unknown MSRs read as 0, a bad PAT is taken.
 */
#include "guest/test/metal/guest.h"

#define MSR_FEATURE_CONTROL 0x3a
#define MSR_MICROCODE_INTEL 0x79
#define MSR_MICROCODE_AMD   0xc0010020
#define MSR_VMX_FIRST       0x480
#define MSR_VMX_LAST        0x491
#define MSR_VM_CR           0xc0010114
#define MSR_VM_HSAVE_PA     0xc0010117
#define VM_CR_SVMDIS        BIT(4)

#define CPUID_1_ECX_VMX        BIT(5)
#define CPUID_1_ECX_SMX        BIT(6)
#define CPUID_1_ECX_XSAVE      BIT(26)
#define CPUID_1_ECX_OSXSAVE    BIT(27)
#define CPUID_1_ECX_HYPERVISOR BIT(31)
#define CPUID_EXT_ECX_SVM      BIT(2)

static u64 word[2] __aligned(16);

/* An instruction as a function for try(). RAX, RCX and RDX hold numbers that
 * do no harm should the instruction work after all. */
#define INSTRUCTION(name, text)                                        \
	static void do_##name(void *arg)                               \
	{                                                              \
		asm volatile(text                                      \
			     :                                         \
			     : "a"(0UL), "b"(0UL), "c"(0UL), "d"(0UL), \
			       "m"(word[0])                            \
			     : "memory");                              \
	}

INSTRUCTION(vmxon, "vmxon %4")
INSTRUCTION(vmxoff, "vmxoff")
INSTRUCTION(vmcall, "vmcall")
INSTRUCTION(vmmcall, "vmmcall")
INSTRUCTION(vmlaunch, "vmlaunch")
INSTRUCTION(vmresume, "vmresume")
INSTRUCTION(vmread, "vmread %%rax, %%rcx")
INSTRUCTION(vmwrite, "vmwrite %%rax, %%rcx")
INSTRUCTION(vmptrld, "vmptrld %4")
INSTRUCTION(vmptrst, "vmptrst %4")
INSTRUCTION(vmclear, "vmclear %4")
INSTRUCTION(vmfunc, "vmfunc")
INSTRUCTION(invept, "invept %4, %%rax")
INSTRUCTION(invvpid, "invvpid %4, %%rax")
INSTRUCTION(getsec, "getsec")
INSTRUCTION(vmrun, "vmrun %%rax")
INSTRUCTION(vmload, "vmload %%rax")
INSTRUCTION(vmsave, "vmsave %%rax")
INSTRUCTION(stgi, "stgi")
INSTRUCTION(clgi, "clgi")
INSTRUCTION(skinit, "skinit %%eax")
INSTRUCTION(invlpga, "invlpga %%rax, %%ecx")

static void check_undefined(void)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
	} all[] = {
		{"VMXON", do_vmxon},       {"VMXOFF", do_vmxoff},
		{"VMCALL", do_vmcall},     {"VMMCALL", do_vmmcall},
		{"VMLAUNCH", do_vmlaunch}, {"VMRESUME", do_vmresume},
		{"VMREAD", do_vmread},     {"VMWRITE", do_vmwrite},
		{"VMPTRLD", do_vmptrld},   {"VMPTRST", do_vmptrst},
		{"VMCLEAR", do_vmclear},   {"VMFUNC", do_vmfunc},
		{"INVEPT", do_invept},     {"INVVPID", do_invvpid},
		{"GETSEC", do_getsec},     {"VMRUN", do_vmrun},
		{"VMLOAD", do_vmload},     {"VMSAVE", do_vmsave},
		{"STGI", do_stgi},         {"CLGI", do_clgi},
		{"SKINIT", do_skinit},     {"INVLPGA", do_invlpga},
	};

	for (uint i = 0; i < ARRAY_SIZE(all); i++) {
		int vector = try(all[i].fn, NULL);

		if (check(vector == VECTOR_UD, "%s: vector %d, not #UD",
			  all[i].name, vector))
			say("%s: #UD", all[i].name);
	}
}

static void write_cr4_to(void *arg)
{
	write_cr4((u64)arg);
}

static void check_cr4(void)
{
	static const struct {
		const char *name;
		uint bit;
	} hidden[] = {
		{"VMXE", 13},   {"SMXE", 14},   {"CET", 23},  {"PKS", 24},
		{"bit 28", 28}, {"bit 31", 31}, {"FRED", 32}, {"bit 63", 63},
	};
	u64 before = read_cr4();

	check(!(before & CR4_VMXE), "CR4.VMXE can be seen");
	for (uint i = 0; i < ARRAY_SIZE(hidden); i++) {
		void *value = (void *)(before | BIT(hidden[i].bit));
		int vector = try(write_cr4_to, value);

		if (check(vector == VECTOR_GP && read_cr4() == before,
			  "CR4 %s: vector %d, CR4 0x%lx", hidden[i].name,
			  vector, read_cr4()))
			say("CR4 %s: #GP", hidden[i].name);
		write_cr4(before);
	}
	check(try(write_cr4_to, (void *)(before | CR4_PGE)) == NO_FAULT &&
		      read_cr4() == (before | CR4_PGE),
	      "CR4.PGE can't be set");
	write_cr4(before);
}

static u64 xgetbv(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (u64)hi << 32 | lo;
}

static bool osxsave(void)
{
	return cpuid(1, 0).ecx & CPUID_1_ECX_OSXSAVE;
}

static void check_xsetbv(void)
{
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE)) {
		say("this CPU has no XSAVE");
		return;
	}
	check(!osxsave(), "OSXSAVE is set before CR4.OSXSAVE");
	check(try_xsetbv(0, 3) == VECTOR_UD,
	      "XSETBV without CR4.OSXSAVE is no #UD");
	write_cr4(read_cr4() | CR4_OSXSAVE);
	check(osxsave(), "OSXSAVE does not follow CR4.OSXSAVE");
	check(try_xsetbv(0, 0) == VECTOR_GP, "XCR0 = 0: no #GP");
	check(try_xsetbv(0, BIT(63) | 3) == VECTOR_GP, "XCR0 bit 63: no #GP");
	check(try_xsetbv(0, 5) == VECTOR_GP, "XCR0 AVX, no SSE: no #GP");
	check(try_xsetbv(1, 3) == VECTOR_GP, "XCR1: no #GP");
	check(try_xsetbv(0, 3) == NO_FAULT && xgetbv() == 3,
	      "a good XSETBV has no effect");
	check(try_xsetbv(0, 1) == NO_FAULT && xgetbv() == 1,
	      "a second good XSETBV has no effect");
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	check(!osxsave(), "OSXSAVE stays when CR4.OSXSAVE goes");
	say("bad XSETBV: #GP; good XSETBV works");
}

static void expect_gp(const char *what, u32 msr, int vector)
{
	if (check(vector == VECTOR_GP, "%s of MSR 0x%x: vector %d", what, msr,
		  vector))
		say("%s of MSR 0x%x: #GP", what, msr);
}

/* MSRs that no CPU has, inside and outside the reach of the MSR bitmaps. */
static void check_unknown_msrs(void)
{
	static const u32 unknown[] = {0x1fff, 0x3fff, 0x4fffffff, 0xc0001fff,
				      0xc0011ffe};
	u64 value;

	if (below() == BELOW_SVM)
		return;
	for (uint i = 0; i < ARRAY_SIZE(unknown); i++) {
		expect_gp("RDMSR", unknown[i], try_rdmsr(unknown[i], &value));
		expect_gp("WRMSR", unknown[i], try_wrmsr(unknown[i], 0));
	}
}

static void check_vmx_msrs(void)
{
	u64 value, pat = rdmsr(MSR_PAT);

	check(try_rdmsr(MSR_FEATURE_CONTROL, &value) == NO_FAULT && value == 1,
	      "FEATURE_CONTROL is 0x%lx, not locked with VMX off", value);
	expect_gp("WRMSR", MSR_FEATURE_CONTROL,
		  try_wrmsr(MSR_FEATURE_CONTROL, 5));
	for (u32 msr = MSR_VMX_FIRST; msr <= MSR_VMX_LAST; msr++)
		check(try_rdmsr(msr, &value) == VECTOR_GP,
		      "VMX capability MSR 0x%x can be read", msr);
	expect_gp("WRMSR", MSR_PAT, try_wrmsr(MSR_PAT, 0x0002));
	check(rdmsr(MSR_PAT) == pat, "the bad PAT was taken");
	check(try_wrmsr(MSR_PAT, 0x0007040600070401) == NO_FAULT &&
		      rdmsr(MSR_PAT) == 0x0007040600070401,
	      "a good PAT has no effect");
	wrmsr(MSR_PAT, pat);
	check(try_wrmsr(MSR_MICROCODE_INTEL, 0x1000) == NO_FAULT,
	      "a microcode update is not dropped quietly");
}

static void check_svm_msrs(void)
{
	u64 value, efer = rdmsr(MSR_EFER);
	int vector = try_rdmsr(MSR_VM_CR, &value);

	check(vector == VECTOR_GP || value & VM_CR_SVMDIS,
	      "VM_CR is 0x%lx: SVM does not look disabled", value);
	vector = try_rdmsr(MSR_VM_HSAVE_PA, &value);
	check(vector == VECTOR_GP || !value, "VM_HSAVE_PA shows 0x%lx", value);
	vector = try_wrmsr(MSR_VM_HSAVE_PA, 0x1000);
	check(vector == VECTOR_GP ||
		      (try_rdmsr(MSR_VM_HSAVE_PA, &value) == VECTOR_GP ||
		       !value),
	      "VM_HSAVE_PA can be written");
	check(try_wrmsr(MSR_MICROCODE_AMD, 0x1000) == NO_FAULT,
	      "a microcode update is not dropped quietly");
	check(rdmsr(MSR_EFER) == efer, "EFER changed");
}

/* What leads past the nested page tables stays as it is, and the APIC where it
 * is; the same value may be written back. */
static void check_kept_msrs(void)
{
	static const u32 amd[] = {0xc0010010, 0xc0010016, 0xc001001a,
				  0xc0010058, 0xc0010112, 0xc0010132},
			 intel[] = {0x150, 0x1f2, 0x600, 0x560};
	bool svm = below() == BELOW_SVM;
	u64 base = rdmsr(MSR_APIC_BASE);

	for (uint i = 0; i < (svm ? ARRAY_SIZE(amd) : ARRAY_SIZE(intel)); i++) {
		u32 msr = svm ? amd[i] : intel[i];
		u64 value = 0;

		try_rdmsr(msr, &value);
		expect_gp("WRMSR", msr, try_wrmsr(msr, value ^ BIT(12)));
	}
	expect_gp("WRMSR (moved)", MSR_APIC_BASE,
		  try_wrmsr(MSR_APIC_BASE, base + 16 * MIB));
	check(try_wrmsr(MSR_APIC_BASE, base) == NO_FAULT &&
		      rdmsr(MSR_APIC_BASE) == base,
	      "IA32_APIC_BASE can't be written back");
}

static void check_efer(void)
{
	u64 efer = rdmsr(MSR_EFER);

	check(!(efer & EFER_SVME), "EFER.SVME can be seen");
	expect_gp("WRMSR (SVME)", MSR_EFER,
		  try_wrmsr(MSR_EFER, efer | EFER_SVME));
	check(rdmsr(MSR_EFER) == efer, "EFER is 0x%lx", rdmsr(MSR_EFER));
	check(try_wrmsr(MSR_EFER, efer | EFER_SCE | EFER_NXE) == NO_FAULT &&
		      rdmsr(MSR_EFER) == (efer | EFER_SCE | EFER_NXE),
	      "EFER.SCE and NXE can't be set");
	wrmsr(MSR_EFER, efer);
}

static void check_cpuid(void)
{
	struct cpuid_regs r = cpuid(1, 0);

	check(!(r.ecx & CPUID_1_ECX_VMX), "CPUID shows VMX");
	check(!(r.ecx & CPUID_1_ECX_SMX), "CPUID shows SMX");
	check(r.ecx & CPUID_1_ECX_HYPERVISOR, "CPUID shows no hypervisor");
	check(!(cpuid(0x80000001, 0).ecx & CPUID_EXT_ECX_SVM),
	      "CPUID shows SVM");
	check(!cpuid(0x8000000a, 0).eax, "CPUID has the SVM leaf");
	r = cpuid(7, 0);
	check(!(r.ecx & BIT(7)) && !(r.edx & BIT(20)), "CPUID shows CET");
	check(cpuid(CPUID_VELLUM, 0).eax == CPUID_VELLUM + 3,
	      "the hypervisor leaf has a wrong maximum");
	check(cpuid(CPUID_VELLUM + 1, 0).ecx == 0, "this is not CPU 0");
}

/* INVD must not lose what Vellum, or we, have in the caches. */
static void check_invd(void)
{
	volatile u64 *p = word;

	p[1] = 0x1122334455667788;
	asm volatile("invd" : : : "memory");
	check(p[1] == 0x1122334455667788, "INVD lost data");
}

GUEST_TEST(instructions)
{
	u64 value;

	if (!below()) {
		int vector = try_rdmsr(0x3fff, &value);

		say("native: nothing to check; RDMSR of MSR 0x3fff: vector %d",
		    vector);
		return;
	}
	check_undefined();
	check_cpuid();
	check_cr4();
	check_xsetbv();
	check_efer();
	check_unknown_msrs();
	check_kept_msrs();
	check_invd();
	if (below() == BELOW_VMX)
		check_vmx_msrs();
	else
		check_svm_msrs();
}
