/*
 * The attack guest's attempts with instructions and control registers: those
 * that would make it a hypervisor, those that switch off what Vellum runs on,
 * and values that no register may have.
 */
#include "guest/test/metal/attack.h"

INSTRUCTION(vmxon, "vmxon %0")
INSTRUCTION(vmptrld, "vmptrld %0; vmclear %0")
INSTRUCTION(vmwrite, "vmwrite %%rdx, %%rdx")
INSTRUCTION(vmlaunch, "vmlaunch")
INSTRUCTION(vmxoff, "vmxoff")
INSTRUCTION(invept, "invept %0, %%rdx")
INSTRUCTION(vmfunc, "xor %%eax, %%eax; vmfunc")
INSTRUCTION(vmrun, "vmrun %%rax")
INSTRUCTION(vmload, "vmload %%rax")
INSTRUCTION(vmsave, "vmsave %%rax")
INSTRUCTION(clgi, "clgi; stgi")
INSTRUCTION(skinit, "skinit %%eax")
INSTRUCTION(invlpga, "invlpga %%rax, %%ecx")
INSTRUCTION(invlpgb, ".byte 0x0f, 0x01, 0xfe")

/* Set one bit of CR4; if it is taken, take it back. */
static void set_cr4(void *bit)
{
	u64 before = read_cr4();

	write_cr4(before | (u64)bit);
	write_cr4(before);
}

static enum verdict set_cr4_bit(const struct attack *a)
{
	int vector = try(set_cr4, (void *)a->value);

	note("%s", fault_name(vector));
	return vector == NO_FAULT ? ESCAPED : AS_ON_HARDWARE;
}

static void set_cr0(void *value)
{
	write_cr0((u64)value);
}

/* Values that break a rule of MOV to CR0; NE makes the write exit with VMX.
 * With SVM no write exits, and QEMU's CPU breaks the rules itself. */
static enum verdict set_bad_cr0(const struct attack *a)
{
	u64 good = read_cr0();
	const u64 bad[] = {(good ^ CR0_NE) & ~CR0_PE, (good ^ CR0_NE) & ~CR0_PG,
			   (good | CR0_NW) & ~CR0_CD, good | BIT(40)};

	if (below() != BELOW_VMX) {
		note("not tried: the CPU's own affair");
		return AS_ON_HARDWARE;
	}
	for (uint i = 0; i < ARRAY_SIZE(bad); i++)
		if (try(set_cr0, (void *)bad[i]) != VECTOR_GP) {
			note("CR0 was 0x%lx", read_cr0());
			write_cr0(good);
			return ESCAPED;
		}
	note("#GP");
	return AS_ON_HARDWARE;
}

static void set_cr3(void *value)
{
	write_cr3((u64)value);
}

static enum verdict set_bad_cr3(const struct attack *a)
{
	u64 good = read_cr3();
	int vector;

	if (below() == BELOW_SVM) { /* QEMU takes it, and then refuses VMRUN */
		note("not tried: the CPU's own affair");
		return AS_ON_HARDWARE;
	}
	vector = try(set_cr3, (void *)(good | BIT(62)));
	write_cr3(good);
	note("%s", fault_name(vector));
	return AS_ON_HARDWARE;
}

static enum verdict set_bad_xcr(const struct attack *a)
{
	static const struct {
		u32 index;
		u64 value;
	} bad[] = {{0, 0},   {0, 5}, {0, BIT(63) | 3},
		   {0, 0xb}, {1, 3}, {~0U, 3}};
	enum verdict verdict = AS_ON_HARDWARE;

	if (!(cpuid(1, 0).ecx & BIT(26))) {
		note("no XSAVE here");
		return AS_ON_HARDWARE;
	}
	write_cr4(read_cr4() | CR4_OSXSAVE);
	for (uint i = 0; i < ARRAY_SIZE(bad); i++)
		if (try_xsetbv(bad[i].index, bad[i].value) != VECTOR_GP)
			verdict = ESCAPED;
	write_cr4(read_cr4() & ~CR4_OSXSAVE);
	note(verdict == ESCAPED ? "not always #GP" : "#GP");
	return verdict;
}

/*
 * The last instruction below the hole between the two halves of the address
 * space exits: what follows is no address, and the guest's own affair.
 */
static u64 upper[4][512] __aligned(PAGE_SIZE);

static void jump(void *to)
{
	asm volatile("call *%0"
		     :
		     : "r"(to)
		     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
}

static enum verdict exit_at_the_edge(const struct attack *a)
{
	u64 *root = (u64 *)(read_cr3() & ~PAGE_MASK);
	u8 *code = (u8 *)upper[3];
	int vector;

	root[255] = (u64)upper[0] | 3;
	upper[0][511] = (u64)upper[1] | 3;
	upper[1][511] = (u64)upper[2] | 3;
	upper[2][511] = (u64)upper[3] | 3;
	code[PAGE_SIZE - 2] = 0x0f; /* CPUID */
	code[PAGE_SIZE - 1] = 0xa2;
	vector = try(jump, (void *)0x7ffffffffffeUL);
	root[255] = 0;
	write_cr3(read_cr3());
	note("%s", fault_name(vector));
	return vector == VECTOR_GP || vector == VECTOR_PF ? AS_ON_HARDWARE
							  : ESCAPED;
}

static enum verdict leave_canonical_space(const struct attack *a)
{
	int vector = try(jump, (void *)0x800000000000UL);

	cpuid(0, 0);
	note("%s", fault_name(vector));
	return vector == VECTOR_GP ? AS_ON_HARDWARE : ESCAPED;
}

ATTACKS = {
	{"VMXON", attempt_code, SHOWN_BY("05-attack-vmx"), .code = do_vmxon},
	{"VMPTRLD, VMCLEAR", attempt_code, SHOWN_BY("05-attack-vmx"),
	 .code = do_vmptrld},
	{"VMWRITE", attempt_code, SHOWN_BY("05-attack-vmx"),
	 .code = do_vmwrite},
	{"VMLAUNCH", attempt_code, SHOWN_BY("05-attack-vmx"),
	 .code = do_vmlaunch},
	{"VMXOFF", attempt_code, SHOWN_BY("05-attack-vmx"), .code = do_vmxoff},
	{"INVEPT", attempt_code, SHOWN_BY("05-attack-vmx"), .code = do_invept},
	{"VMFUNC", attempt_code, TESTED_BY("vmx-caps"), .code = do_vmfunc},
	{"VMRUN", attempt_code, SHOWN_BY("05-no-vmrun-intercept"),
	 .code = do_vmrun},
	{"VMLOAD", attempt_code, SHOWN_BY("05-attack-svm"), .code = do_vmload},
	{"VMSAVE", attempt_code, SHOWN_BY("05-attack-svm"), .code = do_vmsave},
	{"CLGI, STGI", attempt_code, SHOWN_BY("05-attack-svm"),
	 .code = do_clgi},
	{"SKINIT", attempt_code, SHOWN_BY("05-attack-skinit"),
	 .code = do_skinit},
	{"INVLPGA", attempt_code, SHOWN_BY("05-attack-svm"),
	 .code = do_invlpga},
	{"INVLPGB", attempt_code, TESTED_BY("vmm-cpuid"), .code = do_invlpgb},
	{"CR4.VMXE", set_cr4_bit, SHOWN_BY("05-attack-cr4"), .value = CR4_VMXE},
	{"bad CR0", set_bad_cr0, SHOWN_BY("05-attack-cr0")},
	{"bad CR3", set_bad_cr3, TESTED_BY("vmentry-rules")},
	{"bad XSETBV", set_bad_xcr, SHOWN_BY("05-attack-xsetbv")},
	{"an exit at the last canonical address", exit_at_the_edge,
	 TESTED_BY("vmentry-rules")},
	{"a jump to no address", leave_canonical_space,
	 TESTED_BY("vmentry-rules")},
};
