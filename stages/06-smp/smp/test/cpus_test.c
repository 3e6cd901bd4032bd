/*
 * The list of CPUs when it is sound, when it is broken, and after random
 * changes. Each table is a copy of exactly its bytes, so that the address
 * sanitizer sees a read past them.
 */
#include "heap/heap.h"
#include "host.h"
#include "lib/errno.h"
#include "smp/cpus.h"
#include "smp/delay.h"
#include "smp/lapic.h"
#include "smp/panic.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define SIZE_MOST 1024
#define ENTRIES   44 /* offset of the first */

static u8 bytes[SIZE_MOST];

static int forget(void **state)
{
	memset(bytes, 0, sizeof(bytes));
	return 0;
}

static void put(u32 at, u64 value, uint size)
{
	memcpy(bytes + at, &value, size);
}

/* Read @size of the bytes as a MADT; the number of CPUs, or the error. */
static int read_cpus(u32 size, u32 *ids, uint max, uint *found)
{
	u8 *copy = malloc(size);
	struct acpi_table madt = {memcpy(copy, bytes, size), size};
	int error = madt_read(&madt, ids, max, found);

	libc_free(copy);
	return error ? error : (int)*found;
}

static u32 lapic(u32 at, u8 id, u32 flags)
{
	bytes[at] = 0;
	bytes[at + 1] = 8;
	bytes[at + 3] = id;
	put(at + 4, flags, 4);
	return at + 8;
}

static u32 x2apic(u32 at, u32 id, u32 flags)
{
	bytes[at] = 9;
	bytes[at + 1] = 16;
	put(at + 4, id, 4);
	put(at + 8, flags, 4);
	return at + 16;
}

static void enabled_cpus_are_found_once_each(void **state)
{
	u32 at = ENTRIES, ids[8];
	uint found;

	at = lapic(at, 0, 1);
	at = lapic(at, 2, 1);
	at = lapic(at, 4, 0); /* not enabled */
	at = lapic(at, 6, 2); /* may be plugged in later */
	at = lapic(at, 0xff, 1);
	bytes[at] = 1; /* an I/O APIC */
	bytes[at + 1] = 12;
	at = x2apic(at + 12, 2, 1); /* again */
	at = x2apic(at, 300, 1);
	at = x2apic(at, 0xffffffff, 1);
	assert_int_equal(read_cpus(at, ids, 8, &found), 3);
	assert_int_equal(ids[0], 0);
	assert_int_equal(ids[1], 2);
	assert_int_equal(ids[2], 300);
	assert_int_equal(read_cpus(at, ids, 2, &found), -E2BIG);
	assert_int_equal(found, 2);
}

static void an_entry_without_length_ends_the_list(void **state)
{
	u32 ids[8], at = lapic(ENTRIES, 1, 1);
	uint found;

	assert_int_equal(read_cpus(at + 8, ids, 8, &found), -EINVAL);
	assert_int_equal(found, 1);
}

static void an_entry_longer_than_the_table_is_refused(void **state)
{
	u32 ids[8], at = lapic(ENTRIES, 1, 1);
	uint found;

	bytes[at + 1] = 200;
	assert_int_equal(read_cpus(at + 2, ids, 8, &found), -EINVAL);
	assert_int_equal(found, 1);
}

static void a_short_entry_is_no_cpu(void **state)
{
	u32 ids[8];
	uint found;

	lapic(ENTRIES, 1, 1);
	bytes[ENTRIES + 1] = 6;
	assert_int_equal(read_cpus(ENTRIES + 6, ids, 8, &found), 0);
}

static void a_table_that_is_all_header_has_no_cpu(void **state)
{
	u32 ids[8];
	uint found;

	assert_int_equal(read_cpus(36, ids, 8, &found), 0);
	assert_int_equal(read_cpus(ENTRIES, ids, 8, &found), 0);
	assert_int_equal(read_cpus(ENTRIES + 1, ids, 8, &found), 0);
}

static void the_timer_port_comes_from_the_fadt(void **state)
{
	struct acpi_table fadt = {bytes, 116};

	put(76, 0x608, 4);
	bytes[91] = 4;
	assert_int_equal(fadt_pm_timer(&fadt), 0x608);
	fadt.size = 91;
	assert_int_equal(fadt_pm_timer(&fadt), 0);
}

/* The machine on which smp_find_cpus() runs: its MADT is the bytes up to here,
 * and its own APIC ID is this. */
static u32 madt_size, own_id;

void *alloc(uint n)
{
	return malloc(n);
}

void free(void *p)
{
	libc_free(p);
}

int lapic_init(void)
{
	return 0;
}

u32 lapic_id(void)
{
	return own_id;
}

void smp_stop_if_panic(void)
{
}

const void *acpi_map(u64 address, u64 size)
{
	return NULL;
}

int acpi_machine_root(struct acpi_root *root)
{
	*root = (struct acpi_root){.oem = "VELLUM"};
	return madt_size ? 0 : -ENOENT;
}

int acpi_find(acpi_map_fn *map, const struct acpi_root *root,
	      const char *signature, struct acpi_table *table)
{
	*table = (struct acpi_table){bytes, madt_size};
	return strcmp(signature, "APIC") ? -ENOENT : 0;
}

static void the_cpu_that_booted_is_cpu_0(void **state)
{
	u32 at = lapic(ENTRIES, 4, 1);

	own_id = 6;
	at = lapic(at, 6, 1);
	madt_size = lapic(at, 8, 1);
	smp_find_cpus();
	assert_int_equal(smp_count, 3);
	assert_int_equal(smp_cpus[0].apic_id, 6);
	assert_int_equal(smp_cpus[1].apic_id, 4);
	assert_int_equal(smp_cpus[2].apic_id, 8);
	assert_string_equal(smp_oem, "VELLUM");
	libc_free(smp_cpus);
}

static void without_a_list_there_is_one_cpu(void **state)
{
	smp_count = 1;
	madt_size = 0;
	smp_find_cpus();
	assert_int_equal(smp_count, 1);
	libc_free(smp_cpus);
	madt_size = ENTRIES; /* all header */
	smp_find_cpus();
	assert_int_equal(smp_count, 1);
	libc_free(smp_cpus);
}

/* Change what is there as a fuzzer would: bits, bytes, and the length. */
static u32 damage(u32 size)
{
	for (uint i = host_random(6); i; i--)
		bytes[ENTRIES + host_random(size - ENTRIES)] =
			host_random(2) ? host_random(256) : host_random(20);
	return host_random(4) ? size : 36 + host_random(size - 36 + 1);
}

static void damaged_tables_do_no_harm(void **state)
{
	for (uint round = 0; round < host_operations(20000); round++) {
		u32 at = ENTRIES;
		u8 *copy;

		forget(NULL);
		for (uint i = 1 + host_random(40); i; i--)
			at = host_random(2) ? lapic(at, host_random(256), 1)
					    : x2apic(at, host_random(1000), 1);
		at = damage(at);
		copy = malloc(at);
		memcpy(copy, bytes, at);
		LLVMFuzzerTestOneInput(copy, at);
		libc_free(copy);
	}
}

/* The output of the interval timer never rises; the test ends all the same. */
static void a_timer_that_stands_still_is_not_waited_for_without_end(void **arg)
{
	host_cpu_reset();
	host_set_port(0x61, 0, 1);
	delay(1000);
	assert_int_equal(host_port(0x61, 1), 0); /* the speaker as it was */
}

int main(void)
{
	host_seed();
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, forget)
		T(enabled_cpus_are_found_once_each),
		T(an_entry_without_length_ends_the_list),
		T(an_entry_longer_than_the_table_is_refused),
		T(a_short_entry_is_no_cpu),
		T(a_table_that_is_all_header_has_no_cpu),
		T(the_cpu_that_booted_is_cpu_0),
		T(without_a_list_there_is_one_cpu),
		T(the_timer_port_comes_from_the_fadt),
		T(damaged_tables_do_no_harm),
		T(a_timer_that_stands_still_is_not_waited_for_without_end),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
