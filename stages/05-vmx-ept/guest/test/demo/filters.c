/*
 * What Vellum keeps from a guest, what it lets through, and what either costs.
 * NATIVE=1 runs the same without Vellum.
 */
#include "guest/test/metal/guest.h"

#define MSR_TSC             0x10
#define MSR_FEATURE_CONTROL 0x3a
#define MSR_MICROCODE       0x79
#define MSR_VMX_BASIC       0x480
#define MSR_VM_CR           0xc0010114

#define PORT_DELAY 0x80 /* nothing is there */

static u64 word __aligned(16);

static void read_msr(void *msr)
{
	rdmsr((u64)msr);
}

static void write_msr_0(void *msr)
{
	wrmsr((u64)msr, 0);
}

static void set_svme(void *unused)
{
	u64 efer = rdmsr(MSR_EFER);

	wrmsr(MSR_EFER, efer | EFER_SVME);
	wrmsr(MSR_EFER, efer);
}

static void set_cr4(void *bits)
{
	u64 cr4 = read_cr4();

	write_cr4(cr4 | (u64)bits);
	write_cr4(cr4);
}

static void vmxon(void *unused)
{
	asm volatile("vmxon %0" : : "m"(word));
}

static void vmrun(void *unused)
{
	asm volatile("vmrun %%rax" : : "a"(0UL) : "memory");
}

static void write_delay_port(void *unused)
{
	outb(PORT_DELAY, 0);
}

static void write_sleep_port(void *unused)
{
	u16 port = sleep_port();

	if (port)
		outw(port, inw(port));
}

static bool has_vmx(void)
{
	return cpuid(1, 0).ecx & BIT(5);
}

static void show_cpuid(void)
{
	bool vmx = has_vmx(), svm = cpuid(0x80000001, 0).ecx & BIT(2);
	s64 before = count_exits();
	bool hypervisor = cpuid(1, 0).ecx & BIT(31);

	say_exits(before, "%-30s %s", "VMX or SVM in CPUID",
		  vmx ? (svm ? "both" : "VMX") : (svm ? "SVM" : "neither"));
	check(!below() || (!vmx && !svm && hypervisor),
	      "CPUID is not filtered");
}

#define ANY (-2) /* it depends on the CPU */

GUEST_TEST(filters)
{
	static const struct {
		const char *what;
		void (*run)(void *);
		u64 arg;
		int vector; /* under Vellum */
	} rows[] = {
		{"CR4.PGE", set_cr4, CR4_PGE, NO_FAULT},
		{"CR4.VMXE", set_cr4, CR4_VMXE, VECTOR_GP},
		{"RDMSR TSC", read_msr, MSR_TSC, NO_FAULT},
		{"WRMSR FS_BASE", write_msr_0, MSR_FS_BASE, NO_FAULT},
		{"RDMSR FEATURE_CONTROL", read_msr, MSR_FEATURE_CONTROL, ANY},
		{"RDMSR VMX_BASIC", read_msr, MSR_VMX_BASIC, ANY},
		{"RDMSR VM_CR", read_msr, MSR_VM_CR, ANY},
		{"EFER.SVME", set_svme, 0, VECTOR_GP},
		{"WRMSR BIOS_UPDT_TRIG", write_msr_0, MSR_MICROCODE, NO_FAULT},
		{"VMXON", vmxon, 0, VECTOR_UD},
		{"VMRUN", vmrun, 0, VECTOR_UD},
		{"OUT 0x80", write_delay_port, 0, NO_FAULT},
		{"IN, OUT at the sleep port", write_sleep_port, 0, NO_FAULT},
	};
	s64 before;
	int vector;

	show_cpuid();
	for (uint i = 0; i < ARRAY_SIZE(rows); i++) {
		/* QEMU without Vellum stops at a bit of CR4 that it lacks. */
		if (!below() && rows[i].arg == CR4_VMXE && !has_vmx())
			continue;
		before = count_exits();
		vector = try(rows[i].run, (void *)rows[i].arg);
		say_exits(before, "%-30s %s", rows[i].what, fault_name(vector));
		check(!below() || rows[i].vector == ANY ||
			      vector == rows[i].vector,
		      "%s: %s", rows[i].what, fault_name(vector));
	}
}
