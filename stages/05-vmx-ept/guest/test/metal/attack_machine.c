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

/* For attack_wake.S, which goes through real mode to sleep, and comes back
 * here, whether the machine has slept or not. */
extern const char attack_wake[];
extern u16 sleep_at;
extern u8 sleep_size, wakes;
extern u32 sleep_value;
void fall_asleep(void);
void leave_long_mode(void (*real_code)(void));

#define CMOS_INDEX       0x70
#define CMOS_DATA        0x71
#define RTC_B            0x0b
#define RTC_C            0x0c
#define RTC_AIE          0x20 /* the alarm; three bytes say "each second" */
#define PM1_STATUS       (-4) /* from PM1 control, in the PIIX4 */
#define PM1_ENABLE       (-2)
#define PM1_RTC          BIT(10)
#define PM1_WAK          BIT(15)
#define SLP_S3           (1U << 10 | 0x2000)
#define FACS_VECTOR      12
#define FACS_WIDE_VECTOR 24

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

/* At the next tick of the clock, each second, the machine would wake. */
static void set_alarm(u16 port)
{
	for (u8 alarm = 1; alarm <= 5; alarm += 2)
		write_cmos(alarm, 0xff);
	outb(CMOS_INDEX, RTC_C);
	inb(CMOS_DATA); /* the last alarm is over */
	write_cmos(RTC_B, 0x02 | RTC_AIE);
	outw(port + PM1_ENABLE, PM1_RTC);
	outw(port + PM1_STATUS, PM1_WAK | PM1_RTC);
}

/* Say so with @size bytes at @at. Does the guest find itself awake? */
static bool ask_for_sleep(u16 port, int at, u8 size, u32 value)
{
	set_alarm(port);
	sleep_at = port + at;
	sleep_size = size;
	sleep_value = value;
	leave_long_mode(fall_asleep);
	return inw(port + PM1_STATUS) & PM1_WAK;
}

/* Bytes, words and more at PM1 control and beside it all say: sleep. */
static bool ask_in_all_ways(u16 port)
{
	bool awake = ask_for_sleep(port, 1, 1, SLP_S3 >> 8);

	awake &= ask_for_sleep(port, 0, 2, SLP_S3);
	awake &= ask_for_sleep(port, 1, 2, SLP_S3 >> 8);
	awake &= ask_for_sleep(port, 0, 4, SLP_S3);
	awake &= ask_for_sleep(port, -2, 4, SLP_S3 << 16 | PM1_RTC);
	return awake;
}

/*
 * First with two waking vectors, of which this firmware calls the one of 32
 * bits, and another might call the one of 64: that is refused by all stages.
 * Then with the first alone, as systems do: that may be a sleep, of which the
 * guest wakes with Vellum below it.
 */
static enum verdict sleep(const struct attack *a)
{
	const u8 *fadt = find_acpi("FACP");
	u16 port = sleep_port();
	volatile u32 *facs;
	bool awake;

	if (!fadt || !port) {
		note("no ACPI here");
		return AS_ON_HARDWARE;
	}
	facs = (u32 *)(u64) * (u32 *)(fadt + 36);
	facs[FACS_VECTOR / 4] = facs[FACS_WIDE_VECTOR / 4] =
		(u32)(u64)attack_wake;
	awake = ask_in_all_ways(port);
	facs[FACS_WIDE_VECTOR / 4] = 0;
	awake &= ask_for_sleep(port, 0, 2, SLP_S3);
	write_cmos(RTC_B, 0x02);
	outw(port + PM1_STATUS, PM1_WAK | PM1_RTC);
	facs[FACS_VECTOR / 4] = 0;
	note("awake: %s%s",
	     awake || wakes ? "as if it had slept" : "it did not",
	     wakes ? ", once with Vellum below" : "");
	return REFUSED;
}

ATTACKS = {
	{"junk in hypercalls", call_with_junk, SHOWN_BY("05-attack-hypercall")},
	{"a string to the sleep port", string_to_sleep_port,
	 SHOWN_BY("05-attack-string")},
	{"sleep state S3", sleep, SHOWN_BY("05-attack-sleep")},
};
