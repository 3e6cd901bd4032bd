/*
 * INIT and start-up IPIs, as a machine has them: alone, in the wrong order, in
 * a storm; to others, to all, and to the boot CPU itself, which is the end.
 */
#include "guest/test/metal/guest.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "smp/test/metal/ap_code.h"

/*
 * TSC cycles, for what must happen, and for what must not. In Bochs, which is
 * where VMX is, they are instructions; in QEMU it is time that passes.
 */
#define PATIENCE (50 * A_WHILE)
#define A_WHILE  (below() == BELOW_VMX ? 2000000UL : 20000000UL)
#define STORM    500

#define INIT  (ICR_MODE_INIT | ICR_ASSERT)
#define SIPI  (ICR_MODE_SIPI | AP_PAGE_1 >> 12)
#define SIPI2 (ICR_MODE_SIPI | AP_PAGE_2 >> 12)

#define OTHERS (ICR_SHORTHAND_OTHER << 18)

static volatile u32 *apic;
static volatile struct ap_page *const page = (void *)AP_PAGE_1;
static volatile struct ap_page *const page2 = (void *)AP_PAGE_2;
static uint others;

static void send(u32 dest, u32 icr)
{
	apic[LAPIC_ICR_HIGH / 4] = dest << 24;
	apic[LAPIC_ICR_LOW / 4] = icr;
	while (apic[LAPIC_ICR_LOW / 4] & ICR_BUSY)
		cpu_pause();
}

static void pass_time(u64 cycles)
{
	u64 start = rdtsc();

	while (rdtsc() - start < cycles)
		cpu_pause();
}

/* Does *@value become @wanted in time? */
static bool becomes(volatile u32 *value, u32 wanted)
{
	u64 start = rdtsc();

	while (*value != wanted && rdtsc() - start < PATIENCE)
		cpu_pause();
	return *value == wanted;
}

static bool is_alive(volatile struct ap_page *p)
{
	u32 before = p->alive;
	u64 start = rdtsc();

	while (p->alive == before && rdtsc() - start < PATIENCE)
		cpu_pause();
	return p->alive != before;
}

/* Does nobody run there any more? An INIT takes its time, above all where a
 * CPU is a thread that waits for its turn. */
static bool is_still(volatile struct ap_page *p)
{
	u64 start = rdtsc();
	u32 before;

	do {
		before = p->alive;
		pass_time(A_WHILE);
	} while (p->alive != before && rdtsc() - start < PATIENCE);
	return p->alive == before;
}

static void prepare(void)
{
	apic = (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);
	apic[LAPIC_SVR / 4] |= 0x100; /* software enable */
	for (uint at = AP_PAGE_1; at <= AP_PAGE_2; at += PAGE_SIZE) {
		memset((void *)(u64)at, 0, PAGE_SIZE);
		memcpy((void *)(u64)at, ap_code, ap_code_end - ap_code);
	}
}

/*
 * CPU 1 started at @p for the second time: what did the INIT do to the
 * registers of its first life, at @page? (QEMU's, without Vellum, sets CR0.CD
 * and NW as at power-up; so are they still on a machine with Bochs' BIOS.)
 */
static void check_state(volatile struct ap_page *p)
{
	check(p->pat == AP_PAT_VALUE, "an INIT changed PAT to 0x%x", p->pat);
	check(p->star == AP_STAR_VALUE, "an INIT changed STAR to 0x%x",
	      p->star);
	check(p->sysenter_cs == AP_CALL_VALUE,
	      "an INIT changed SYSENTER_CS to 0x%x", p->sysenter_cs);
	check(p->cr0 == (CR0_CD | (page->cr0 & CR0_NW) | CR0_ET),
	      "CR0 is 0x%x after an INIT", p->cr0);
	check(!p->dr0, "DR0 is 0x%x after an INIT", p->dr0);
}

static void one_by_one(void)
{
	send(1, SIPI);
	check(is_still(page) && !page->starts,
	      "a start-up IPI without an INIT started a CPU");
	send(1, INIT);
	send(1, SIPI);
	check(becomes(&page->starts, 1), "INIT and start-up IPI: no start");
	check(is_alive(page), "CPU 1 does not run");
	if (below() != BELOW_NATIVE)
		check(page->leaf == 0x6c6c6556 && page->number == 1,
		      "CPU 1 runs without Vellum");
	send(1, SIPI);
	send(1, SIPI2);
	pass_time(A_WHILE);
	check(page->starts == 1 && !page2->starts,
	      "a start-up IPI started a CPU that was running");
	send(1, INIT);
	check(is_still(page), "an INIT did not stop CPU 1");
	send(1, INIT);
	send(1, SIPI2);
	send(1, SIPI);
	check(becomes(&page2->starts, 1) && page->starts == 1,
	      "not the first start-up IPI's vector counts");
	send(1, ICR_MODE_INIT | ICR_LEVEL); /* without assert: nothing */
	check(is_alive(page2), "INIT without assert stopped CPU 1");
	send(0x02, INIT | ICR_LOGICAL); /* its LDR is 0 since its INIT */
	check(is_alive(page2), "an INIT to nobody stopped CPU 1");
	send(1, INIT);
	check(is_still(page2), "an INIT did not stop CPU 1 again");
	check_state(page2);
}

/* NMIs are blocked in the handler of one; INITs are not. */
static void out_of_an_nmi_handler(void)
{
	u32 before = page->starts;

	set_nmi_vector();
	send(1, INIT);
	send(1, SIPI);
	check(becomes(&page->starts, before + 1) && is_alive(page),
	      "CPU 1 does not run");
	send(1, ICR_MODE_NMI | ICR_ASSERT);
	check(becomes(&page->nmis, 1), "an NMI did not arrive");
	check(is_alive(page), "the NMI handler does not run");
	send(1, ICR_MODE_NMI | ICR_ASSERT);
	pass_time(A_WHILE);
	check(page->nmis == 1, "an NMI came into the handler of another");
	send(1, INIT);
	check(is_still(page), "an INIT did not stop an NMI handler");
	send(1, ICR_MODE_NMI | ICR_ASSERT);
	check(is_still(page), "an NMI started a CPU that waits");
	send(1, SIPI);
	check(becomes(&page->starts, before + 2) && is_alive(page),
	      "CPU 1 does not run after its NMI handler");
	pass_time(A_WHILE);
	check(page->nmis == 1, "an NMI outlived an INIT");
	send(1, INIT);
	check(is_still(page), "an INIT did not stop CPU 1");
}

/* All but this one; how many come? */
static void all_others(void)
{
	u32 before = page->starts;

	send(0, INIT | OTHERS);
	send(0, SIPI | OTHERS);
	do {
		others = page->starts - before;
		pass_time(10 * A_WHILE);
	} while (page->starts - before != others);
	check(others > 0, "INIT and start-up IPI to all others: no start");
	check(is_alive(page), "the others do not run");
	say("%u CPUs started at once", others);
}

static u32 random_number(void)
{
	static u32 state = 1;

	state = state * 1664525 + 1013904223;
	return state >> 16;
}

static void storm(void)
{
	static const u32 icr[] = {INIT, SIPI, SIPI2, INIT | OTHERS,
				  SIPI | OTHERS};
	u32 before;

	for (uint i = 0; i < STORM; i++) {
		send(1 + random_number() % others,
		     icr[random_number() % ARRAY_SIZE(icr)]);
		if (random_number() % 8 == 0)
			pass_time(random_number());
	}
	send(0, INIT | OTHERS);
	check(is_still(page) && is_still(page2), "CPUs run after the storm");
	before = page->starts;
	send(0, SIPI | OTHERS);
	check(becomes(&page->starts, before + others),
	      "after the storm %u of %u CPUs start", page->starts - before,
	      others);
	send(0, INIT | OTHERS);
	check(is_still(page), "CPUs run after the last INIT");
	say("%u signals in a storm", STORM);
}

#define CMOS_INDEX      0x70
#define CMOS_DATA       0x71
#define CMOS_SHUTDOWN   0x0f
#define SHUTDOWN_JUMP   0x0a /* to the address at 0040:0067 */
#define SHUTDOWN_TARGET 0x467

/* GCC takes a pointer below 4 KiB that it can see for a mistake. */
static void set_shutdown_target(u64 address)
{
	volatile u16 *at = (void *)SHUTDOWN_TARGET;

	asm("" : "+r"(at));
	at[0] = address;
	at[1] = 0;
}

/* The reset vector: the BIOS looks into the CMOS, and goes on with us. */
static void init_to_the_boot_cpu(void)
{
	set_shutdown_target((u64)boot_cpu_again);
	outb(CMOS_INDEX, CMOS_SHUTDOWN);
	outb(CMOS_DATA, SHUTDOWN_JUMP);
	say("INIT to the boot CPU");
	send(apic[LAPIC_ID / 4] >> 24, INIT);
	pass_time(PATIENCE);
	check(false, "the boot CPU goes on after an INIT");
}

GUEST_TEST(signals)
{
	prepare();
	one_by_one();
	out_of_an_nmi_handler();
	all_others();
	storm();
	say("all but the boot CPU: ok");
	init_to_the_boot_cpu();
}
