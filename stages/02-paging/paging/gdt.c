/*
 * Each CPU's GDT and TSS, and the stacks for the exceptions that cannot trust
 * the stack they interrupt.
 *
 * In 64-bit mode segments hardly matter: a code and a data segment that cover
 * everything. The TSS matters for its interrupt stack table (IST), which gives
 * an exception a stack of its own (SDM 3A 6.14.5): #DF, because it usually
 * means that the stack is gone; NMI and #MC, because they come at any moment.
 *
 *	one CPU's stacks, each over a page that is not mapped:
 *	| guard | NMI stack | guard | #DF stack | guard | #MC stack |
 *
 * All of it is per-CPU data, so a further CPU gets its own through the very
 * same code. Book: chapter 2, "A stack that can be trusted".
 */
#include "paging/gdt.h"

#include "boot/layout.h"
#include "console/backtrace.h"
#include "console/panic.h"
#include "lib/percpu.h"
#include "paging/paging.h"

#define IST_STACK_SIZE PAGE_SIZE

#define GDT_CODE64 0x00af9b000000ffff /* 64-bit, ring 0, accessed */
#define GDT_DATA   0x00cf93000000ffff
#define GDT_TSS    0x0000890000000000 /* available 64-bit TSS */

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* [0] is IST 1 */
	u64 reserved2;
	u16 reserved3;
	u16 iomap; /* offset of the I/O bitmap; at the limit: none */
} __packed;
_Static_assert(sizeof(struct tss) == 104, "SDM 3A 8.7");

struct gdt {
	u64 null, code, data;
	u64 tss[2];
};
_Static_assert(offsetof(struct gdt, code) == SEL_CODE, "selector");
_Static_assert(offsetof(struct gdt, data) == SEL_DATA, "selector");
_Static_assert(offsetof(struct gdt, tss) == SEL_TSS, "selector");

struct ist_stack {
	u8 guard[PAGE_SIZE];
	u8 stack[IST_STACK_SIZE];
} __aligned(PAGE_SIZE);

PERCPU(struct gdt, gdt);
PERCPU(struct tss, tss);
PERCPU(struct ist_stack[IST_COUNT], ist_stacks);

/* trap_entry.S */
void gdt_load(const void *gdt, u16 limit);

static void guard_ist_stacks(void)
{
	struct ist_stack *s = *this_cpu(ist_stacks);

	for (uint i = 0; i < IST_COUNT; i++)
		if (paging_make_guard(s[i].guard))
			panic("no memory for guard pages");
}

void gdt_setup(void)
{
	struct ist_stack *s = *this_cpu(ist_stacks);
	struct gdt *gdt = this_cpu(gdt);
	struct tss *tss = this_cpu(tss);
	u64 base = (u64)tss;

	for (uint i = 0; i < IST_COUNT; i++)
		tss->ist[i] = (u64)(s[i].stack + IST_STACK_SIZE);
	tss->iomap = sizeof(*tss);

	gdt->code = GDT_CODE64;
	gdt->data = GDT_DATA;
	gdt->tss[0] = GDT_TSS | (sizeof(*tss) - 1) | (base & 0xffffff) << 16 |
		      (base >> 24 & 0xff) << 56;
	gdt->tss[1] = base >> 32;
	gdt_load(gdt, sizeof(*gdt) - 1);

	if (paging_root().v) /* CPU 0 comes here before it has our tables */
		guard_ist_stacks();
}

void guard_stacks(void)
{
	if (paging_make_guard(stack_guard))
		panic("no memory for guard pages");
	guard_ist_stacks();
	backtrace_is_guard = paging_is_guard;
}
