/*
 * What INIT does to a local APIC (SDM 3A 11.4.7.3), done from outside.
 *
 * Most of it is writing registers. But interrupts that have arrived (IRR), or
 * have been taken and not been ended (ISR), can't be written away, and an APIC
 * that is switched off keeps them. What is left is the way that they are made
 * for: take each, and end it. Nothing new comes meanwhile from this APIC's own
 * sources, which are masked first; what other CPUs send makes the loop longer,
 * up to its bound. Vectors 16 to 31 are left where they are: on their way they
 * would look like exceptions, 18 like a machine check, and no system gives them
 * to interrupts. Book: chapter 6, "INIT and the APIC".
 */
#include "lib/cpu.h"
#include "smp/interrupt.h"
#include "smp/lapic.h"

#define LVT_MASKED  0x10000
#define SVR_RESET   0xff
#define SVR_ENABLED 0x100

/* Holds back the vectors 0 to 31. */
#define TPR_NO_EXCEPTIONS 0x1f

/* Fields of the version register, and of AMD's LAPIC_EXT (APM 2 16.3.4). */
#define VERSION_LAST_LVT(version) ((version) >> 16 & 0xff)
#define VERSION_EXTENDED          BIT(31)
#define LAST_LVT_WITH_CMCI        6 /* SDM 3A 11.4.8 */
#define EXT_LVTS(ext)             ((ext) >> 16 & 0xff)

#define WORDS         8   /* of IRR and ISR, 32 vectors each */
#define REQUESTS_MOST 512 /* each vector in both */

static void mask_sources(void)
{
	u32 version = lapic_read(LAPIC_VERSION);

	lapic_write(LAPIC_TIMER_INIT, 0);
	for (uint lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
		lapic_write(lvt, LVT_MASKED);
	if (VERSION_LAST_LVT(version) >= LAST_LVT_WITH_CMCI)
		lapic_write(LAPIC_LVT_CMCI, LVT_MASKED);
	if (version & VERSION_EXTENDED)
		for (uint i = 0; i < EXT_LVTS(lapic_read(LAPIC_EXT)); i++)
			lapic_write(LAPIC_LVT_EXT + 16 * i, LVT_MASKED);
	lapic_write(LAPIC_TIMER_DIV, 0);
}

static bool has_vector(uint reg, uint first_word)
{
	for (uint i = first_word; i < WORDS; i++)
		if (lapic_read(reg + 16 * i))
			return true;
	return false;
}

/* An APIC that is switched off hands out nothing. */
static void take_requests(void)
{
	lapic_write(LAPIC_TPR, TPR_NO_EXCEPTIONS);
	lapic_write(LAPIC_SVR, SVR_ENABLED | SVR_RESET);
	for (uint i = 0; i < REQUESTS_MOST; i++) {
		if (!has_vector(LAPIC_ISR, 0) && !has_vector(LAPIC_IRR, 1))
			break;
		interrupt_take_one();
		lapic_write(LAPIC_EOI, 0);
	}
}

void lapic_reset(void)
{
	if (!(rdmsr(MSR_APIC_BASE) & APIC_BASE_ENABLED))
		return;
	mask_sources();
	if (!lapic_is_x2apic()) {
		lapic_write(LAPIC_LDR, 0);
		lapic_write(LAPIC_DFR, ~0U);
	}
	take_requests();
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_SVR, SVR_RESET);
	lapic_write(LAPIC_ESR, 0);
}
