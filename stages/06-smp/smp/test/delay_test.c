/*
 * The clocks: a machine where each read of a port, and of the TSC, takes its
 * time; a timer that may have 24 bits or 32, wrap, stop; a TSC that may change
 * its pace.
 */
#include "host.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "smp/cpus.h"
#include "smp/delay.h"
#include "smp/panic.h"

#define PORT    0x608
#define PM_HZ   3579545UL
#define READ_NS 700 /* of the port */
#define TSC_NS  10

static u64 now;         /* all in nanoseconds */
static u64 first_ticks; /* what the timer would say at 0, with more bits */
static u64 stops_at;    /* the timer */
static u64 held_at;     /* then nothing goes on for 6 seconds */
static u64 slow_until;  /* until then the TSC runs at half its pace */
static u32 junk;        /* in the bits that a timer of 24 does not have */
static u8 fadt[116];

static u64 ticks_at(u64 ns)
{
	return first_ticks + ns * PM_HZ / 1000000000;
}

u32 inl(u16 port)
{
	assert_int_equal(port, PORT);
	now += READ_NS;
	if (now >= held_at) {
		now += 6000000000;
		held_at = ~0UL;
	}
	return (u32)ticks_at(MIN(now, stops_at)) | junk;
}

/* 2 GHz. */
u64 rdtsc(void)
{
	now += TSC_NS;
	return now < slow_until ? now : slow_until + 2 * (now - slow_until);
}

int smp_find_table(const char *name, struct acpi_table *table)
{
	*table = (struct acpi_table){.data = fadt, .size = sizeof(fadt)};
	return strcmp(name, "FACP") ? -ENOENT : 0;
}

void smp_stop_if_panic(void)
{
}

/* A machine whose timer has so many @bits. */
static void start(uint bits, u64 ticks)
{
	now = slow_until = 0;
	first_ticks = ticks;
	stops_at = held_at = ~0UL;
	junk = bits == 32 ? 0 : 0xab000000;
	fadt[76] = PORT & 0xff;
	fadt[77] = PORT >> 8;
	fadt[91] = 4;
	fadt[113] = bits == 32; /* bit 8 of the flags at 112 */
	host_printed[0] = '\0';
	delay_init();
}

/* How long delay(@us) takes, in microseconds. */
static u64 takes(uint us)
{
	u64 before = now;

	delay(us);
	return (now - before) / 1000;
}

static void expect_about(u64 us, u64 wanted)
{
	assert_in_range(us, wanted, wanted + wanted / 100 + 5);
}

static void a_wait_is_as_long_as_was_asked_for(void **state)
{
	static const uint waits[] = {1, 10, 200, 10000, 4000000};

	for (uint bits = 24; bits <= 32; bits += 8) {
		start(bits, 1234567);
		for (uint i = 0; i < ARRAY_SIZE(waits); i++)
			expect_about(takes(waits[i]), waits[i]);
	}
}

/* The first two measure the TSC across it. */
static void a_wait_goes_on_where_the_timer_begins_anew(void **state)
{
	for (uint before = 0; before < 60000; before += 997) {
		start(24, 0x1000000 - before);
		assert_non_null(strstr(host_printed, " 24 bits"));
		assert_non_null(strstr(host_printed, " are 2000 TSC"));
		expect_about(takes(20000), 20000);
		start(32, 0x100000000 - before);
		assert_non_null(strstr(host_printed, " 32 bits"));
		assert_non_null(strstr(host_printed, " are 2000 TSC"));
		expect_about(takes(20000), 20000);
	}
}

/* The firmware holds the CPU (an SMI) for longer than 24 bits can tell. */
static void a_timer_of_32_bits_is_read_with_all_of_them(void **state)
{
	start(32, 0xffffff00);
	held_at = now + 100000;
	expect_about(takes(4000000), 6000000);
	expect_about(takes(1000), 1000);
}

/* A guest has switched it off: the TSC ends the wait, and not before its
 * time. */
static void who_knows_the_tsc_does_not_wait_for_a_timer_that_stops(void **s)
{
	start(24, 99);
	stops_at = now + 100000;
	assert_in_range(takes(10000), 10000, 21000);
	assert_in_range(takes(10000), 10000, 21000);
}

static void a_tsc_that_changes_its_pace_is_not_relied_upon(void **state)
{
	now = 0;
	start(24, 99);
	assert_null(strstr(host_printed, "not steady"));
	slow_until = now + 1000000;
	host_printed[0] = '\0';
	delay_init();
	assert_non_null(strstr(host_printed, "the TSC is not steady: "));
	stops_at = now;
	assert_true(takes(10) < 100000); /* by the number of reads */
	assert_null(strstr(host_printed, "cycles"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_is_as_long_as_was_asked_for),
		cmocka_unit_test(a_wait_goes_on_where_the_timer_begins_anew),
		cmocka_unit_test(a_timer_of_32_bits_is_read_with_all_of_them),
		cmocka_unit_test(
			who_knows_the_tsc_does_not_wait_for_a_timer_that_stops),
		cmocka_unit_test(
			a_tsc_that_changes_its_pace_is_not_relied_upon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
