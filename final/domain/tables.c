/*
 * Descriptor tables and control registers for ring 3.
 *
 * While no domain runs, nothing leads from or to ring 3: Vellum's GDT has no
 * segment of it, and its IDT no gate that it may use. Both come with the entry
 * and go with the exit, as the guest's state does at VMRUN or VMLAUNCH; so do
 * the few bits that would let a program reach what the guest has left in the
 * CPU, whose registers these still are:
 *
 *	EFER.SCE 0, SYSENTER_CS 0	SYSCALL would go to the guest's address,
 *					in ring 0
 *	CR0.TS, CR4.OSFXSR 0, OSXSAVE 0	the FPU's registers are the guest's
 *	CR4.PKE 0			so is PKRU
 *	CR4.FSGSBASE 0, PCE 0		and what else is not a program's
 *	CR4.SMEP, SMAP, UMIP		as far as the CPU has them
 *	CR0.AM				#AC, for a program that asks for it
 *	LDTR null			no descriptors but those of the GDT
 *	RFLAGS.IF 0, IOPL 0		no interrupt, and no port
 *
 * Book: chapter 11.
 */
#include "domain/tables.h"

#include "domain/abi.h"
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "paging/gdt.h"

#define STUB_SIZE  16
#define EXCEPTIONS 32
#define GATES      (SYSCALL_VECTOR + 1)

#define GATE_RING3   0xee00UL /* interrupt gate that ring 3 may use by INT n */
#define GATE_OFFSETS 0xffff00000000ffffUL /* of its first word */

#define GDT_USER_DATA 0x00cff3000000ffff
#define GDT_USER_CODE 0x00affb000000ffff

struct ring3_gdt {
	u64 vellum[5]; /* as in paging/gdt.c: null, code, data, TSS */
	u64 data, code;
};
_Static_assert(offsetof(struct ring3_gdt, vellum[5]) == SEL_TSS + 16, "");
_Static_assert(offsetof(struct ring3_gdt, data) == (SEL_USER_DATA & ~3), "");
_Static_assert(offsetof(struct ring3_gdt, code) == (SEL_USER_CODE & ~3), "");

struct table_register {
	u16 limit;
	u64 base;
} __packed;

/* What an entry changes, as it was before. */
struct outside {
	bool valid; /* this CPU is between entry and exit */
	struct table_register gdt, idt;
	u64 cr0, cr3, cr4, efer, sysenter_cs;
	u64 dr6; /* the guest's, which a #DB would change */
};

/* enter.S finds a CPU's variables by where its GDT is. */
PERCPU(struct ring3_gdt, ring3_gdt);
PERCPU(u64, ring3_rsp); /* to go on with when ring 3 is left */
static PERCPU(struct outside, outside);

/* One for all CPUs: what differs between them is in the TSS. */
static u64 idt[GATES][2] __aligned(16);

/* enter.S */
extern const char ring3_stubs[];
void ring3_enter(struct trap_frame *regs, u64 *rsp0);

/* A gate like @like, a first word, that leads to @stub (SDM 3A 6.14.1). */
static void set_gate(uint vector, u64 like, u64 stub)
{
	idt[vector][0] =
		(like & ~GATE_OFFSETS) | (stub & 0xffff) | (stub >> 16) << 48;
	idt[vector][1] = stub >> 32;
}

/* The exceptions have the stacks that they have in Vellum. */
void domain_tables_init(void)
{
	u64 stub = (u64)ring3_stubs;
	struct table_register own;
	const u64(*gates)[2];

	asm volatile("sidt %0" : "=m"(own));
	gates = (const u64(*)[2])own.base;
	for (uint i = 0; i < EXCEPTIONS; i++, stub += STUB_SIZE)
		set_gate(i, gates[i][0], stub);
	set_gate(SYSCALL_VECTOR, (u64)SEL_CODE << 16 | GATE_RING3 << 32, stub);
}

/* The place in this CPU's TSS for the stack of ring 0 (SDM 3A 8.7). The TSS's
 * address is in pieces in its descriptor. */
static u64 *rsp0_of(const u64 *tss)
{
	u64 base =
		(tss[0] >> 16 & 0xffffff) | tss[0] >> 56 << 24 | tss[1] << 32;

	return (u64 *)(base + 4);
}

#define CPUID_7_EBX_SMEP BIT(7)
#define CPUID_7_EBX_SMAP BIT(20)
#define CPUID_7_ECX_UMIP BIT(2)

static u64 ring3_cr4(u64 now)
{
	static PERCPU(u64, guards);
	struct cpuid_regs c = {0};

	if (!*this_cpu(guards)) {
		if (cpuid(0, 0).eax >= 7)
			c = cpuid(7, 0);
		*this_cpu(guards) = (c.ebx & CPUID_7_EBX_SMEP ? CR4_SMEP : 0) |
				    (c.ebx & CPUID_7_EBX_SMAP ? CR4_SMAP : 0) |
				    (c.ecx & CPUID_7_ECX_UMIP ? CR4_UMIP : 0);
	}
	return (now & (CR4_PAE | CR4_MCE | CR4_VMXE)) | *this_cpu(guards);
}

static void load_gdt(const struct table_register *gdt)
{
	asm volatile("lgdt %0" : : "m"(*gdt));
}

static void load_idt(const struct table_register *table)
{
	asm volatile("lidt %0" : : "m"(*table));
}

/* Nothing of it faults: the bits are those that the CPU has. */
static void go_inside(struct outside *o, phys_t root)
{
	struct ring3_gdt *gdt = this_cpu(ring3_gdt);
	struct table_register gdtr = {sizeof(*gdt) - 1, (u64)gdt};
	struct table_register idtr = {sizeof(idt) - 1, (u64)idt};

	asm volatile("sgdt %0" : "=m"(o->gdt));
	asm volatile("sidt %0" : "=m"(o->idt));
	o->cr0 = read_cr0();
	o->cr3 = read_cr3();
	o->cr4 = read_cr4();
	o->efer = rdmsr(MSR_EFER);
	o->sysenter_cs = rdmsr(MSR_SYSENTER_CS);
	asm volatile("mov %%dr6, %0" : "=r"(o->dr6));
	o->valid = true;

	memcpy(gdt->vellum, (const void *)o->gdt.base, sizeof(gdt->vellum));
	gdt->data = GDT_USER_DATA;
	gdt->code = GDT_USER_CODE;
	load_gdt(&gdtr); /* first: the stubs rely on it */
	load_idt(&idtr);
	asm volatile("lldt %w0" : : "r"(0)); /* firmware may have left one */
	if (o->efer & EFER_SCE)
		wrmsr(MSR_EFER, o->efer & ~EFER_SCE);
	if (o->sysenter_cs)
		wrmsr(MSR_SYSENTER_CS, 0);
	write_cr0(o->cr0 | CR0_MP | CR0_TS | CR0_AM);
	write_cr4(ring3_cr4(o->cr4));
	write_cr3(root.v);
}

static void go_outside(struct outside *o)
{
	asm volatile("mov %0, %%dr6" : : "r"(o->dr6));
	write_cr3(o->cr3);
	write_cr4(o->cr4);
	write_cr0(o->cr0);
	if (o->sysenter_cs)
		wrmsr(MSR_SYSENTER_CS, o->sysenter_cs);
	if (o->efer & EFER_SCE)
		wrmsr(MSR_EFER, o->efer);
	load_idt(&o->idt);
	load_gdt(&o->gdt);
	o->valid = false;
}

/* CF, PF, AF, ZF, SF, DF and OF are a program's; no other flag is. */
#define RFLAGS_PROGRAM 0xcd5UL

u64 domain_enter(phys_t root, struct trap_frame *regs)
{
	struct outside *o = this_cpu(outside);
	u64 cr2;

	regs->cs = SEL_USER_CODE;
	regs->ss = SEL_USER_DATA;
	regs->rflags = (regs->rflags & RFLAGS_PROGRAM) | RFLAGS_FIXED;
	go_inside(o, root);
	ring3_enter(regs, rsp0_of(&this_cpu(ring3_gdt)->vellum[SEL_TSS / 8]));
	cr2 = read_cr2();
	go_outside(o);
	return cr2;
}

void domain_tables_reset(void)
{
	struct outside *o = this_cpu(outside);

	if (o->valid)
		go_outside(o);
}
