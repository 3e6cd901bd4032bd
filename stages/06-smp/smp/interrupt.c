/*
 * Letting interrupts into Vellum, for the one purpose of getting rid of them.
 *
 * Vellum's IDT ends after the exceptions, and stays so. This one has the same
 * gates for these, and behind them one handler for all that can be interrupts:
 * it returns. Book: chapter 6, "INIT and the APIC".
 */
#include "smp/interrupt.h"

#include "lib/string.h"
#include "paging/gdt.h"
#include "vmm/vcpu.h"

#define VECTORS        256
#define EXCEPTIONS     32
#define GATE_INTERRUPT 0x8e00UL /* present, ring 0, interrupts off inside */

/* A gate is two words (SDM 3A 6.14.1). The same for all CPUs: each of them
 * writes what is there. */
static u64 gates[VECTORS][2] __aligned(16);

static void fill_gates(void)
{
	u64 handler = (u64)interrupt_drop;
	struct idt_place own;

	asm volatile("sidt %0" : "=m"(own));
	memcpy(gates, (void *)own.base, EXCEPTIONS * sizeof(gates[0]));
	for (uint i = EXCEPTIONS; i < VECTORS; i++) {
		gates[i][0] = (handler & 0xffff) | (u64)SEL_CODE << 16 |
			      GATE_INTERRUPT << 32 | (handler >> 16) << 48;
		gates[i][1] = handler >> 32;
	}
}

/* With SVM nothing comes in before vcpu_ops.listen. */
void interrupt_take_one(void)
{
	const struct idt_place place = {sizeof(gates) - 1, (u64)gates};

	fill_gates();
	if (vcpu_ops->listen)
		vcpu_ops->listen(true);
	interrupt_window(&place);
	if (vcpu_ops->listen)
		vcpu_ops->listen(false);
}
