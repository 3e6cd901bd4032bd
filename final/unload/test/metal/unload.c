/*
 * Has Vellum leave, and looks whether anything is different: every register
 * that a guest can read has an odd value before, and the same one after. First
 * it asks in a state that can't be left, and is refused; with a second CPU,
 * which is in real mode, once more. That one then waits for a start-up IPI, and
 * gets it when Vellum has left.
 */
#include "guest/test/metal/guest.h"
#include "guest/test/metal/layout.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "smp/test/metal/ap_code.h"

#define HYPERCALL_UNLOAD 7
#define MAGIC            0x6d756c6c

/* In our own GDT. The data segment is no flat one. */
#define SEL_ODD  0x18
#define SEL_LDT  0x20
#define SEL_TASK 0x30

static u64 gdt[8] __aligned(16) = {
	0, 0x00af9b000000ffff, /* SEL_CODE64 */
	0x00cf93000000ffff,    /* SEL_DATA */
	0x0040931234560fff,    /* SEL_ODD */
};
static u8 task_segment[104] __aligned(16);
static u64 local_table[2];

struct table {
	u16 limit;
	u64 base;
} __packed;

/* General registers before and after the call, without RSP; then RFLAGS. */
u64 unload_before[15], unload_after[16];

extern void unload_call(void);
asm(".text\n"
    ".globl unload_call\n"
    "unload_call:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "mov unload_before+0x00, %rax; mov unload_before+0x08, %rcx\n"
    "mov unload_before+0x10, %rdx; mov unload_before+0x18, %rbx\n"
    "mov unload_before+0x20, %rbp; mov unload_before+0x28, %rsi\n"
    "mov unload_before+0x30, %rdi; mov unload_before+0x38, %r8\n"
    "mov unload_before+0x40, %r9; mov unload_before+0x48, %r10\n"
    "mov unload_before+0x50, %r11; mov unload_before+0x58, %r12\n"
    "mov unload_before+0x60, %r13; mov unload_before+0x68, %r14\n"
    "mov unload_before+0x70, %r15\n"
    "stc; std\n"
    "out %al, $0xe7\n"
    "mov %rax, unload_after+0x00; mov %rcx, unload_after+0x08\n"
    "mov %rdx, unload_after+0x10; mov %rbx, unload_after+0x18\n"
    "mov %rbp, unload_after+0x20; mov %rsi, unload_after+0x28\n"
    "mov %rdi, unload_after+0x30; mov %r8, unload_after+0x38\n"
    "mov %r9, unload_after+0x40; mov %r10, unload_after+0x48\n"
    "mov %r11, unload_after+0x50; mov %r12, unload_after+0x58\n"
    "mov %r13, unload_after+0x60; mov %r14, unload_after+0x68\n"
    "mov %r15, unload_after+0x70\n"
    "pushfq; pop unload_after+0x78\n"
    "cld\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "ret\n");

/* All the other state. */
static const struct {
	const char *name;
	u32 msr;
} msrs[] = {
	{"EFER", MSR_EFER},
	{"STAR", MSR_STAR},
	{"LSTAR", MSR_LSTAR},
	{"CSTAR", MSR_CSTAR},
	{"SFMASK", MSR_SFMASK},
	{"FS_BASE", MSR_FS_BASE},
	{"GS_BASE", MSR_GS_BASE},
	{"KERNEL_GS_BASE", MSR_KERNEL_GS_BASE},
	{"SYSENTER_CS", MSR_SYSENTER_CS},
	{"SYSENTER_ESP", MSR_SYSENTER_ESP},
	{"SYSENTER_EIP", MSR_SYSENTER_EIP},
	{"PAT", MSR_PAT},
	{"APIC_BASE", MSR_APIC_BASE},
	{"MTRR_DEF_TYPE", MSR_MTRR_DEF_TYPE},
	{"MTRR_PHYSBASE3", MSR_MTRR_PHYSBASE0 + 6},
	{"MTRR_PHYSMASK3", MSR_MTRR_PHYSBASE0 + 7},
};

/* clang-format off */
#define OTHERS(X)                                       \
	X(cr0) X(cr2) X(cr3) X(cr4) X(cr8)              \
	X(dr0) X(dr1) X(dr2) X(dr3) X(dr6) X(dr7)       \
	X(es) X(cs) X(ss) X(ds) X(fs) X(gs)
/* clang-format on */

enum {
#define X(name) OTHER_##name,
	OTHERS(X)
#undef X
	OTHER_COUNT
};

static const char *const other_names[] = {
#define X(name) #name,
	OTHERS(X)
#undef X
};

struct state {
	u64 msr[ARRAY_SIZE(msrs)];
	u64 other[OTHER_COUNT];
	struct table gdtr, idtr;
	u16 tr, ldtr;
	u8 fpu[512] __aligned(16);
};

static void read_state(struct state *s)
{
	memset(s, 0, sizeof(*s));
	for (uint i = 0; i < ARRAY_SIZE(msrs); i++)
		s->msr[i] = rdmsr(msrs[i].msr);
#define X(name) \
	asm volatile("mov %%" #name ", %0" : "=r"(s->other[OTHER_##name]));
	OTHERS(X)
#undef X
	asm volatile("sgdt %0" : "=m"(s->gdtr));
	asm volatile("sidt %0" : "=m"(s->idtr));
	asm volatile("str %0" : "=m"(s->tr));
	asm volatile("sldt %0" : "=m"(s->ldtr));
	asm volatile("fxsave %0" : "=m"(s->fpu));
}

/* QEMU's SVM has one PAT for host and guest. */
static bool is_left_out(u32 msr)
{
	return msr == MSR_PAT && below() == BELOW_SVM;
}

static void compare(const struct state *a, const struct state *b)
{
	for (uint i = 0; i < ARRAY_SIZE(msrs); i++)
		check(a->msr[i] == b->msr[i] || is_left_out(msrs[i].msr),
		      "%s: 0x%lx, then 0x%lx", msrs[i].name, a->msr[i],
		      b->msr[i]);
	for (uint i = 0; i < OTHER_COUNT; i++)
		check(a->other[i] == b->other[i], "%s: 0x%lx, then 0x%lx",
		      other_names[i], a->other[i], b->other[i]);
	check(!memcmp(&a->gdtr, &b->gdtr, sizeof(a->gdtr)), "GDTR differs");
	check(!memcmp(&a->idtr, &b->idtr, sizeof(a->idtr)), "IDTR differs");
	check(a->tr == b->tr && a->ldtr == b->ldtr, "TR or LDTR differ");
	check(!memcmp(a->fpu, b->fpu, sizeof(a->fpu)), "x87 or SSE differ");
}

/* @low 16 bytes of a descriptor of type @type for what is at @base. */
static void put_descriptor(u64 *at, const void *base, uint limit, uint type)
{
	u64 b = (u64)base;

	at[0] = limit | (b & 0xffffff) << 16 | (u64)type << 40 |
		(b >> 24 & 0xff) << 56;
	at[1] = b >> 32;
}

static void load_tables(void)
{
	struct table pointer = {sizeof(gdt) - 1, (u64)gdt};

	put_descriptor(&gdt[SEL_LDT / 8], local_table, sizeof(local_table) - 1,
		       0x82);
	put_descriptor(&gdt[SEL_TASK / 8], task_segment,
		       sizeof(task_segment) - 1, 0x89);
	asm volatile("lgdt %0\n\t"
		     "lldt %w1\n\t"
		     "ltr %w2\n\t"
		     "mov %3, %%fs\n\t"
		     "mov %3, %%gs\n\t"
		     "mov %3, %%es\n\t"
		     "mov %4, %%ss"
		     :
		     : "m"(pointer), "r"(SEL_LDT), "r"(SEL_TASK), "r"(SEL_ODD),
		       "r"(SEL_DATA)
		     : "memory");
}

/* QEMU's SVM loads DR7 at an exit and keeps its own list of breakpoints, and
 * comes to its end over that: there none is enabled. */
static void load_odd_values(void)
{
	u64 dr7 = DR7_RESET | (below() == BELOW_VMX ? 0x10003 : 0x10300);
	static const u16 control = 0x27f;
	static const u32 mxcsr = 0x1fc0;

	load_tables();
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	wrmsr(MSR_STAR, 0x0013000800000000);
	wrmsr(MSR_LSTAR, 0x1111);
	wrmsr(MSR_CSTAR, 0x2222);
	wrmsr(MSR_SFMASK, 0x3333);
	wrmsr(MSR_FS_BASE, 0xffff800012345678);
	wrmsr(MSR_GS_BASE, 0x12345678);
	wrmsr(MSR_KERNEL_GS_BASE, 0x4444);
	wrmsr(MSR_SYSENTER_CS, 0x8);
	wrmsr(MSR_SYSENTER_ESP, 0x5555);
	wrmsr(MSR_SYSENTER_EIP, 0x6666);
	wrmsr(MSR_PAT, 0x0007040600070401); /* 0 is WC */
	wrmsr(MSR_PAT, 0x0007010600070406); /* 6 is WC */
	wrmsr(MSR_MTRR_PHYSBASE0 + 6, 0xf0000000 | 1);
	wrmsr(MSR_MTRR_PHYSBASE0 + 7, 0xfff000000 | BIT(11));
	write_cr0(read_cr0() | CR0_WP | CR0_NE | CR0_MP);
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_PGE | CR4_DE);
	write_cr2(0x7777);
	asm volatile("mov %0, %%cr8" : : "r"(5UL));
	asm volatile("mov %0, %%dr0" : : "r"(0x1230UL));
	asm volatile("mov %0, %%dr1" : : "r"(0x1231UL));
	asm volatile("mov %0, %%dr2" : : "r"(0x1232UL));
	asm volatile("mov %0, %%dr3" : : "r"(0x1233UL));
	asm volatile("mov %0, %%dr6" : : "r"(DR6_RESET | 5));
	asm volatile("mov %0, %%dr7" : : "r"(dr7));
	asm volatile("fninit; fldcw %0; fldpi; fld1; ldmxcsr %1"
		     :
		     : "m"(control), "m"(mxcsr));
	asm volatile("pcmpeqd %xmm3, %xmm3; movq %rsp, %xmm14");
}

static void call(void)
{
	for (uint i = 0; i < ARRAY_SIZE(unload_before); i++)
		unload_before[i] = 0x0101010101010101UL * (i + 0x20);
	unload_before[0] = MAGIC;
	unload_before[3] = HYPERCALL_UNLOAD;
	unload_call();
}

static bool has_left(void)
{
	struct cpuid_regs r = cpuid(CPUID_VELLUM, 0);

	return memcmp(&r.ebx, "Vell", 4);
}

static void be_refused_by(uint cpu)
{
	char why[33] = {0};

	call();
	memcpy(why, &unload_after[2], 8);
	memcpy(why + 8, &unload_after[5], 24);
	check((s64)unload_after[0] == -EBUSY && unload_after[3] == cpu &&
		      !has_left(),
	      "not refused by CPU %u: %ld, CPU %lu", cpu, (s64)unload_after[0],
	      unload_after[3]);
	say("refused by CPU %u: %s", cpu, why);
}

static void compare_registers(void)
{
	check(!unload_after[0], "RAX is %ld", (s64)unload_after[0]);
	for (uint i = 1; i < ARRAY_SIZE(unload_before); i++)
		check(unload_before[i] == unload_after[i],
		      "register %u: 0x%lx, then 0x%lx", i, unload_before[i],
		      unload_after[i]);
	check((unload_after[15] & 0x401) == 0x401, "RFLAGS 0x%lx",
	      unload_after[15]);
}

/* The hidden half of a segment register, which only use shows. */
static void use_segments(void)
{
	u32 limit;

	asm volatile("lsl %w1, %0" : "=r"(limit) : "r"(SEL_ODD));
	check(limit == 0xfff, "the limit is 0x%x", limit);
	check(gdt[SEL_TASK / 8] >> 41 & 1, "the task is not busy");
	asm volatile("int3");
}

/* TSC cycles: in Bochs, which is where VMX is, they are instructions. */
#define PATIENCE (below() == BELOW_VMX ? 100000000UL : 1000000000UL)

static volatile u32 *apic;
static volatile struct ap_page *const page = (void *)AP_PAGE_1;

/* Vellum is asked, as long as it is there. */
static bool has_other(void)
{
	static int known = -1;

	if (known < 0)
		known = count_in_log("smp: 2 of 2 CPUs are under Vellum") > 0;
	return known;
}

static void send_to_other(u32 icr)
{
	apic[LAPIC_ICR_HIGH / 4] = 1 << 24;
	apic[LAPIC_ICR_LOW / 4] = icr;
	while (apic[LAPIC_ICR_LOW / 4] & ICR_BUSY)
		cpu_pause();
}

static bool other_is_alive(void)
{
	u32 before = page->alive;
	u64 start = rdtsc();

	while (page->alive == before && rdtsc() - start < PATIENCE)
		cpu_pause();
	return page->alive != before;
}

static bool other_begins(void)
{
	u64 start = rdtsc();

	page->starts = 0;
	send_to_other(ICR_MODE_SIPI | AP_PAGE_1 >> 12);
	while (!page->starts && rdtsc() - start < PATIENCE)
		cpu_pause();
	return page->starts;
}

/* It stays in real mode. */
static void start_other(void)
{
	apic = (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);
	apic[LAPIC_SVR / 4] |= 0x100; /* software enable */
	memset((void *)AP_PAGE_1, 0, PAGE_SIZE);
	memcpy((void *)AP_PAGE_1, ap_code, ap_code_end - ap_code);
	send_to_other(ICR_MODE_INIT | ICR_ASSERT);
	check(other_begins(), "CPU 1 does not start");
}

static void be_refused_by_other(void)
{
	start_other();
	be_refused_by(1);
	check(other_is_alive(), "CPU 1 does not go on");
	send_to_other(ICR_MODE_INIT | ICR_ASSERT);
}

static void start_other_without_vellum(void)
{
	check(other_begins(), "CPU 1 does not start without Vellum");
	check(page->leaf != 0x6c6c6556, "CPU 1 still has Vellum");
	say("CPU 1 starts without Vellum");
}

static uint breaks;

static void on_break(struct frame *frame)
{
	breaks++;
}

static struct state before, after;

GUEST_TEST(unload)
{
	struct hypercall h;

	if (!hypercall(&h, HYPERCALL_UNLOAD, 0) || h.rax) {
		say("not allowed: %ld", (s64)h.rax);
		call();
		check(unload_after[0] == MAGIC && !has_left(),
		      "the port listens");
		return;
	}
	be_refused_by(0); /* as the firmware has left us, there is no task */
	load_odd_values();
	if (has_other())
		be_refused_by_other();
	read_state(&before);
	call();
	asm volatile("fxsave %0" : "=m"(after.fpu));
	if (!check(has_left(), "it has not left: %ld", (s64)unload_after[0]))
		return;
	read_state(&after);
	asm volatile("mov %0, %%dr7" : : "r"(DR7_RESET));
	compare(&before, &after);
	compare_registers();
	set_handler(VECTOR_BP, on_break);
	use_segments();
	check(breaks == 1, "no exception arrives");
	if (has_other())
		start_other_without_vellum();
	say("Vellum has left");
}
