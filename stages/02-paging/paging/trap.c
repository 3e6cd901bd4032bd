/*
 * Exceptions: the IDT, and who gets to hear of what.
 *
 * Vellum runs with interrupts off, always: the devices are the guest's, and so
 * are their interrupts. What arrives here is an exception, and that means one
 * of three things, tried in this order:
 *
 *	guarded() is under way	it ends with -EFAULT		(guarded.c)
 *	a handler is set	NMI, from stage 05 on
 *	neither			a bug of ours: registers, panic	(trap_report.c)
 *
 * Book: chapter 2, "Exceptions".
 */
#include "paging/trap.h"

#include "boot/layout.h"
#include "lib/cpu.h"
#include "lib/init.h"
#include "lib/percpu.h"
#include "paging/cpu_tables.h"
#include "paging/trap_internal.h"

#define STUB_SIZE        16
#define GATE_INTERRUPT64 0x8e /* present, ring 0, interrupts off inside */

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "SDM 3A 6.14.1");

/*
 * One IDT for all CPUs: what differs between them is in the TSS. It ends after
 * the exceptions; a higher vector, which must not happen, is a #GP.
 */
static struct idt_gate idt[TRAP_VECTORS] __aligned(16);
static bool (*handlers[TRAP_VECTORS])(struct trap_frame *);

/* trap_entry.S */
extern const char trap_stubs[];

void trap_set_handler(uint vector, bool (*handler)(struct trap_frame *))
{
	__atomic_store_n(&handlers[vector], handler, __ATOMIC_RELEASE);
}

void trap_dispatch(struct trap_frame *frame)
{
	bool (*handler)(struct trap_frame *) = handlers[frame->vector];

	if (guarded_recover(frame))
		return;
	if (handler && handler(frame))
		return;
	trap_panic(frame);
}

static u8 ist_of(uint vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DF:
		return IST_DF;
	case VECTOR_MC:
		return IST_MC;
	default:
		return 0;
	}
}

static void fill_idt(void)
{
	for (uint i = 0; i < TRAP_VECTORS; i++) {
		u64 stub = (u64)trap_stubs + i * STUB_SIZE;

		idt[i] = (struct idt_gate){
			.offset_low = (u16)stub,
			.selector = SEL_CODE,
			.ist = ist_of(i),
			.type = GATE_INTERRUPT64,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = stub >> 32,
		};
	}
}

/* Every CPU, first thing: from here on a mistake is reported, not fatal. */
static void trap_init(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed idtr = {sizeof(idt) - 1, (u64)idt};

	cpu_tables_load();
	if (*this_cpu(cpu_number) == 0)
		fill_idt();
	asm volatile("lidt %0" : : "m"(idtr));
}

INIT(trap, 10, trap_init);

struct descriptor_bases trap_descriptor_bases(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed gdtr, idtr;

	asm volatile("sgdt %0" : "=m"(gdtr));
	asm volatile("sidt %0" : "=m"(idtr));
	return (struct descriptor_bases){
		.gdt = gdtr.base,
		.idt = idtr.base,
		.tss = cpu_tables_tss(),
		.gdt_limit = gdtr.limit,
		.idt_limit = idtr.limit,
	};
}
