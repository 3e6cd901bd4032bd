/*
 * The local APIC, for Vellum's own use: reading, writing, sending.
 */
#include "smp/lapic.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/paging.h"

#define MSR_X2APIC_FIRST 0x800

#define CPUID_1_EDX_APIC BIT(9)

/* Reads of the register, of 100 cycles and more each: an interrupt is on its
 * way for some microseconds. */
#define BUSY_MOST 100000

static volatile u32 *registers;
static phys_t page;

int lapic_init(void)
{
	u64 base;

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_APIC))
		return -ENODEV;
	base = rdmsr(MSR_APIC_BASE);
	if (!(base & APIC_BASE_ENABLED))
		return -ENODEV;
	page = PHYS(base & APIC_BASE_ADDRESS);
	registers = map_phys(page, PAGE_SIZE, MAP_WRITE | MAP_DEVICE);
	return registers ? 0 : -ENODEV;
}

phys_t lapic_page(void)
{
	return page;
}

volatile void *lapic_registers(void)
{
	return registers;
}

bool lapic_is_x2apic(void)
{
	return rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;
}

u32 lapic_read(uint offset)
{
	if (lapic_is_x2apic())
		return rdmsr(MSR_X2APIC_FIRST + offset / 16);
	return registers[offset / 4];
}

void lapic_write(uint offset, u32 value)
{
	if (lapic_is_x2apic())
		wrmsr(MSR_X2APIC_FIRST + offset / 16, value);
	else
		registers[offset / 4] = value;
}

u32 lapic_id(void)
{
	u32 id = lapic_read(LAPIC_ID);

	return lapic_is_x2apic() ? id : id >> 24;
}

static void wait_until_sent(void)
{
	for (uint i = 0; i < BUSY_MOST; i++) {
		if (!(registers[LAPIC_ICR_LOW / 4] & ICR_BUSY))
			return;
		cpu_pause();
	}
}

void lapic_send(u32 dest, u32 icr)
{
	u64 mode = rdmsr(MSR_APIC_BASE);
	u32 high;

	if (!(mode & APIC_BASE_ENABLED))
		return; /* where its registers were, "busy" is all ones */
	if (mode & APIC_BASE_X2APIC) {
		asm volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC_ICR, (u64)dest << 32 | icr);
		return;
	}
	wait_until_sent();
	high = registers[LAPIC_ICR_HIGH / 4];
	registers[LAPIC_ICR_HIGH / 4] = dest << 24;
	registers[LAPIC_ICR_LOW / 4] = icr;
	wait_until_sent();
	registers[LAPIC_ICR_HIGH / 4] = high;
}

/*
 * Destinations of interprocessor interrupts (SDM 3A 11.6.2, 11.12.9, 11.12.10).
 *
 *	shorthand: self, all, all others; or, without one,
 *	physical:  an APIC ID, or all ones for everybody
 *	logical:   a set of CPUs; each has the name that its LDR gives it
 *	  flat     8 names, one bit each
 *	  cluster  a number of 4 bits, then 4 names, one bit each
 *	  x2APIC   a number of 16 bits, then 16 names; the LDR follows the ID
 */
#define DFR_MODEL(dfr) ((dfr) >> 28)
#define DFR_FLAT       0xf

static bool logical_xapic(u32 dest, const struct ipi_target *t)
{
	u32 name = t->ldr >> 24;

	if (dest == 0xff)
		return true;
	if (DFR_MODEL(t->dfr) == DFR_FLAT)
		return name & dest;
	if (dest >> 4 != 0xf && dest >> 4 != name >> 4)
		return false;
	return name & dest & 0xf;
}

static bool logical_x2apic(u32 dest, const struct ipi_target *t)
{
	if (dest == 0xffffffff)
		return true;
	return dest >> 16 == t->id >> 4 && (dest & 1U << (t->id & 15));
}

bool ipi_addresses(u32 icr, u32 dest, bool x2apic, bool is_sender,
		   const struct ipi_target *target)
{
	switch (ICR_SHORTHAND(icr)) {
	case ICR_SHORTHAND_SELF:
		return is_sender;
	case ICR_SHORTHAND_ALL:
		return true;
	case ICR_SHORTHAND_OTHER:
		return !is_sender;
	}
	if (icr & ICR_LOGICAL)
		return x2apic ? logical_x2apic(dest, target)
			      : logical_xapic(dest, target);
	if (dest == (x2apic ? 0xffffffff : 0xff))
		return true;
	return dest == target->id;
}
