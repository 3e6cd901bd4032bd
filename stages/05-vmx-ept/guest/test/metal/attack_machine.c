/*
 * The attack guest's attempts by way of the machine around the CPU: sleep, of
 * which a machine wakes without Vellum, and Vellum's own hypercalls.
 */
#include "guest/test/metal/attack.h"
#include "lib/string.h"

/* Junk to every command, and commands that are none. */
static enum verdict call_with_junk(const struct attack *a)
{
	static const u64 junk[] = {6,       1000,    0xffffffff, BIT(31),
				   BIT(32), BIT(63), ~0UL,       0x40000000};
	struct hypercall h;
	uint taken = 0;

	for (uint i = 0; i < ARRAY_SIZE(junk); i++) {
		for (u64 command = 0; command < 6; command++)
			hypercall(&h, command, junk[i]);
		if (hypercall(&h, junk[i], ~0UL) && (s64)h.rax >= 0)
			taken++;
	}
	note("%u of %lu commands", taken, ARRAY_SIZE(junk));
	return taken ? ESCAPED : REFUSED;
}

static void out_string(void *port)
{
	static const u16 zero;

	asm volatile("outsw" : : "a"(0), "d"(port), "S"(&zero) : "memory");
}

/* OUTS to the sleep port, which is watched byte by byte. */
static enum verdict string_to_sleep_port(const struct attack *a)
{
	u64 port = sleep_port();
	int vector;

	if (!port)
		return AS_ON_HARDWARE;
	vector = try(out_string, (void *)port);
	note("%s", fault_name(vector));
	return vector == NO_FAULT ? ESCAPED : REFUSED;
}

/* Comes back here in real mode, if the machine has slept (attack_wake.S). */
extern const char attack_wake[];

#define CMOS_INDEX  0x70
#define CMOS_DATA   0x71
#define RTC_B       0x0b
#define RTC_AIE     0x20 /* the alarm, with three bytes for "each second" */
#define PM1_STATUS  (-4) /* from PM1 control, in the PIIX4 */
#define PM1_ENABLE  (-2)
#define PM1_RTC     BIT(10)
#define PM1_WAK     BIT(15)
#define SLP_S3      (1U << 10 | 0x2000)
#define FACS_VECTOR 12

static void write_cmos(u8 index, u8 value)
{
	outb(CMOS_INDEX, index);
	outb(CMOS_DATA, value);
}

/* The table with this name in the RSDT; NULL. */
static const u8 *find_acpi(const char *name)
{
	for (const u8 *p = (u8 *)0xe0000; p < (u8 *)0x100000; p += 16) {
		const u32 *rsdt;

		if (memcmp(p, "RSD PTR ", 8))
			continue;
		rsdt = (u32 *)(u64)(*(u32 *)(p + 16));
		for (uint i = 9; i < rsdt[1] / 4; i++)
			if (!memcmp((u8 *)(u64)rsdt[i], name, 4))
				return (u8 *)(u64)rsdt[i];
	}
	return NULL;
}

/* Bytes, words and more at PM1 control and beside it all say: sleep. */
static void ask_for_sleep(u16 port)
{
	outb(port + 1, SLP_S3 >> 8);
	outw(port, SLP_S3);
	outw(port + 1, SLP_S3 >> 8);
	outl(port, SLP_S3);
	outl(port - 2, SLP_S3 << 16 | PM1_RTC);
}

static enum verdict sleep(const struct attack *a)
{
	const u8 *fadt = find_acpi("FACP");
	u16 port = sleep_port();

	if (!fadt || !port) {
		note("no ACPI here");
		return AS_ON_HARDWARE;
	}
	*(u32 *)((u64) * (u32 *)(fadt + 36) + FACS_VECTOR) =
		(u32)(u64)attack_wake;
	for (u8 alarm = 1; alarm <= 5; alarm += 2)
		write_cmos(alarm, 0xff);
	write_cmos(RTC_B, 0x02 | RTC_AIE);
	outw(port + PM1_ENABLE, PM1_RTC);
	ask_for_sleep(port);
	note("awake: %s", inw(port + PM1_STATUS) & PM1_WAK
				  ? "as if it had slept"
				  : "it did not");
	write_cmos(RTC_B, 0x02);
	outw(port + PM1_STATUS, PM1_WAK | PM1_RTC);
	*(u32 *)((u64) * (u32 *)(fadt + 36) + FACS_VECTOR) = 0;
	return REFUSED;
}

ATTACKS = {
	{"junk in hypercalls", call_with_junk, SHOWN_BY("05-attack-hypercall")},
	{"a string to the sleep port", string_to_sleep_port,
	 SHOWN_BY("05-attack-string")},
	{"sleep state S3", sleep, SHOWN_BY("05-attack-sleep")},
};
