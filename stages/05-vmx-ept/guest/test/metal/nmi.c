/*
 * Non-maskable interrupts: each that the local APIC sends must arrive once, and
 * none while the handler of another runs: the CPU blocks NMIs until IRET, and
 * keeps one that comes meanwhile (SDM 3A 6.7.1).
 */
#include "guest/test/metal/guest.h"

#define APIC_SVR  0xf0
#define APIC_ID   0x20
#define APIC_ICR0 0x300
#define APIC_ICR1 0x310
#define ICR_NMI   0x400
#define ICR_LEVEL 0x4000
#define ICR_BUSY  0x1000

#define ROUNDS 20

static volatile uint count, depth, deepest, more;
static volatile u32 *apic;

static void send_nmi(void)
{
	apic[APIC_ICR1 / 4] = apic[APIC_ID / 4];
	apic[APIC_ICR0 / 4] = ICR_NMI | ICR_LEVEL;
	while (apic[APIC_ICR0 / 4] & ICR_BUSY)
		cpu_pause();
}

/* Something that takes time, and exits while NMIs are blocked. */
static void dawdle(void)
{
	for (uint i = 0; i < 20; i++)
		cpuid(0, 0);
}

static void on_nmi(struct frame *frame)
{
	depth++;
	deepest = MAX(deepest, depth);
	count++;
	if (more) {
		more--;
		send_nmi();
		dawdle();
	}
	depth--;
}

static void send_and_count(uint nested)
{
	uint before = count;

	more = nested;
	send_nmi();
	dawdle();
	check(count - before == 1 + nested, "%u NMIs, %u arrived", 1 + nested,
	      count - before);
}

/* CLI does not keep an NMI away. */
static void send_with_interrupts_off(void)
{
	uint before = count;

	apic[APIC_ICR1 / 4] = apic[APIC_ID / 4];
	asm volatile("cli\n\t"
		     "movl %1, %0\n\t"
		     : "=m"(apic[APIC_ICR0 / 4])
		     : "r"((u32)(ICR_NMI | ICR_LEVEL)));
	dawdle();
	check(count - before == 1, "an NMI with interrupts off: %u arrived",
	      count - before);
}

GUEST_TEST(nmi)
{
	apic = (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);
	apic[APIC_SVR / 4] |= 0x100; /* software enable */
	count = depth = deepest = 0;
	set_handler(VECTOR_NMI, on_nmi);
	for (uint i = 0; i < ROUNDS; i++) {
		send_and_count(0);
		send_and_count(1);
		send_and_count(3);
	}
	send_with_interrupts_off();
	check(deepest == 1, "NMI handlers were nested %u deep", deepest);
	say("%u NMIs, %u deep", count, deepest);
	set_handler(VECTOR_NMI, NULL);
}
