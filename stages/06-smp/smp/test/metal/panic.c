/*
 * Vellum panics (its word panic-msr has it do so), while another CPU is in an
 * NMI handler that does not end.
 */
#include "guest/test/metal/guest.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "smp/test/metal/ap_code.h"

#define MSR_PANIC 0x1041

GUEST_TEST(panic)
{
	volatile u32 *apic = (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);

	memset((void *)AP_PAGE_1, 0, PAGE_SIZE);
	memcpy((void *)AP_PAGE_1, ap_code, ap_code_end - ap_code);
	apic[LAPIC_ICR_HIGH / 4] = 1 << 24;
	apic[LAPIC_ICR_LOW / 4] = ICR_MODE_INIT | ICR_ASSERT;
	apic[LAPIC_ICR_LOW / 4] = ICR_MODE_SIPI | AP_PAGE_1 >> 12;
	while (((volatile struct ap_page *)AP_PAGE_1)->alive < 1000)
		cpu_pause();
	set_nmi_vector();
	apic[LAPIC_ICR_LOW / 4] = ICR_MODE_NMI | ICR_ASSERT;
	while (!((volatile struct ap_page *)AP_PAGE_1)->nmis)
		cpu_pause();
	say("now");
	wrmsr(MSR_PANIC, 0);
	say("nothing happened");
}
