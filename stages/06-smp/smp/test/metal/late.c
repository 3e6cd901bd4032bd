/*
 * A CPU that is plugged in while the guest runs: at first its start reaches
 * nobody, later it reaches the CPU. All the while, the memory that the guest
 * was told to leave alone below 1 MiB, where Vellum has the code with which
 * that CPU begins, is written over again and again.
 */
#include "guest/test/metal/guest.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "smp/test/metal/ap_code.h"

#define LATE_ID 2

#define BDA_EBDA 0x40e /* segment */
#define HLT      0xf4

static volatile u32 *apic;
static volatile struct ap_page *const page = (void *)AP_PAGE_1;
static u64 low, low_end;

/* GCC takes a pointer below 4 KiB that it can see for a mistake. */
static u16 bios_data(u64 address)
{
	volatile u16 *at = (void *)address;

	asm("" : "+r"(at));
	return *at;
}

static void send(u32 icr)
{
	memset((void *)low, HLT, low_end - low);
	apic[LAPIC_ICR_HIGH / 4] = LATE_ID << 24;
	apic[LAPIC_ICR_LOW / 4] = icr;
}

static void start_it(void)
{
	send(ICR_MODE_INIT | ICR_ASSERT);
	send(ICR_MODE_SIPI | AP_PAGE_1 >> 12);
	send(ICR_MODE_SIPI | AP_PAGE_1 >> 12);
	for (uint i = 0; i < 1000000 && !page->starts; i++)
		cpu_pause();
}

GUEST_TEST(late)
{
	apic = (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);
	low = bios_data(0x413) * KIB;
	low_end = bios_data(BDA_EBDA) << 4;
	memset((void *)page, 0, PAGE_SIZE);
	memcpy((void *)page, ap_code, ap_code_end - ap_code);
	start_it();
	check(!page->starts, "a CPU that is not there was started");
	check(count_in_log("smp: the guest's start of the CPU with APIC ID 2 "
			   "is dropped") == 1,
	      "the log does not say that nobody has come");
	say("nobody has come");
	while (!page->starts)
		start_it();
	check(page->leaf == 0x6c6c6556 && page->number == LATE_ID,
	      "it runs without Vellum");
	check(count_in_log("smp: CPU 2 (APIC ID 2) has come") == 1,
	      "the log does not say that it has come");
	say("CPU %u has come", page->number);
}
