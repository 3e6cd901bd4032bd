/*
 * The ACPI parser on sound tables, on broken ones, and on random bytes. Tables
 * lie in a buffer that stands for physical memory; each map() hands out a copy
 * of exactly the bytes that were asked for, so that the address sanitizer sees
 * a read past them.
 */
#include "host.h"
#include "lib/errno.h"
#include "smp/acpi.h"

#define MEMORY 4096

static u8 memory[MEMORY];
static void *copies[4096];
static uint copy_count;

static const void *map(u64 phys, u64 size)
{
	u8 *copy;

	if (phys > MEMORY || size > MEMORY - phys)
		return NULL;
	copy = malloc(size);
	memcpy(copy, memory + phys, size);
	if (copy_count == ARRAY_SIZE(copies))
		fail();
	copies[copy_count++] = copy;
	return copy;
}

static int forget_copies(void **state)
{
	while (copy_count)
		libc_free(copies[--copy_count]);
	memset(memory, 0, sizeof(memory));
	return 0;
}

static void put(u32 at, u64 value, uint bytes)
{
	memcpy(memory + at, &value, bytes);
}

static void seal(u32 at, u32 size, u32 sum_at)
{
	u8 sum = 0;

	memory[sum_at] = 0;
	for (u32 i = 0; i < size; i++)
		sum += memory[at + i];
	memory[sum_at] = -sum;
}

static void table(u32 at, const char *signature, u32 size)
{
	memcpy(memory + at, signature, 4);
	put(at + 4, size, 4);
	seal(at, size, at + 9);
}

#define RSDP 0x10
#define XSDT 0x100
#define RSDT 0x200
#define MADT 0x300
#define FADT 0x800

/* A root with both lists, a MADT of @size bytes, a FADT. */
static void machine(u32 madt_size)
{
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memcpy(memory + RSDP + 9, "MAKER ", 6);
	memory[RSDP + 15] = 2;
	put(RSDP + 16, RSDT, 4);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, XSDT, 8);
	seal(RSDP, 20, RSDP + 8);
	seal(RSDP, 36, RSDP + 32);
	put(XSDT + 36, FADT, 8);
	put(XSDT + 44, MADT, 8);
	table(XSDT, "XSDT", 52);
	put(RSDT + 36, MADT, 4);
	table(RSDT, "RSDT", 40);
	put(FADT + 76, 0x608, 4);
	memory[FADT + 91] = 4;
	table(FADT, "FACP", 116);
	table(MADT, "APIC", madt_size);
}

static u32 lapic(u32 at, u8 id, u32 flags)
{
	memory[at] = 0;
	memory[at + 1] = 8;
	memory[at + 3] = id;
	put(at + 4, flags, 4);
	return at + 8;
}

static u32 x2apic(u32 at, u32 id, u32 flags)
{
	memory[at] = 9;
	memory[at + 1] = 16;
	put(at + 4, id, 4);
	put(at + 8, flags, 4);
	return at + 16;
}

/* Root to MADT; the number of CPUs, or the error. */
static int read_cpus(u32 *ids, uint max)
{
	struct acpi_root root;
	struct acpi_table madt;
	uint found;
	int error = acpi_read_root(map, RSDP, &root);

	if (!error)
		error = acpi_find(map, &root, "APIC", &madt);
	if (!error)
		error = acpi_read_madt(&madt, ids, max, &found);
	return error ? error : (int)found;
}

static void enabled_cpus_are_found_once_each(void **state)
{
	u32 at = MADT + 44, ids[8];

	at = lapic(at, 0, 1);
	at = lapic(at, 2, 1);
	at = lapic(at, 4, 0); /* not enabled */
	at = lapic(at, 6, 2); /* may be plugged in later */
	at = lapic(at, 0xff, 1);
	memory[at] = 1; /* an I/O APIC */
	memory[at + 1] = 12;
	at = x2apic(at + 12, 2, 1); /* again */
	at = x2apic(at, 300, 1);
	at = x2apic(at, 0xffffffff, 1);
	machine(at - MADT);
	assert_int_equal(read_cpus(ids, 8), 3);
	assert_int_equal(ids[0], 0);
	assert_int_equal(ids[1], 2);
	assert_int_equal(ids[2], 300);
	assert_int_equal(read_cpus(ids, 2), -E2BIG);
}

static void the_rsdt_serves_where_the_xsdt_is_bad(void **state)
{
	u32 ids[8], end = lapic(MADT + 44, 7, 1);

	machine(end - MADT);
	memory[XSDT + 40] ^= 1;
	assert_int_equal(read_cpus(ids, 8), 1);
	assert_int_equal(ids[0], 7);
}

static void a_bad_sum_is_not_believed(void **state)
{
	u32 ids[8], end = lapic(MADT + 44, 7, 1);

	machine(end - MADT);
	memory[MADT + 20] ^= 1;
	assert_int_equal(read_cpus(ids, 8), -ENOENT);
	memory[RSDP + 10] ^= 1;
	assert_int_equal(read_cpus(ids, 8), -EINVAL);
}

static void an_entry_without_length_ends_the_list(void **state)
{
	struct acpi_root root;
	struct acpi_table madt;
	u32 ids[8], at = lapic(MADT + 44, 1, 1);
	uint found;

	machine(at + 8 - MADT); /* eight zeros follow */
	assert_int_equal(acpi_read_root(map, RSDP, &root), 0);
	assert_int_equal(acpi_find(map, &root, "APIC", &madt), 0);
	assert_int_equal(acpi_read_madt(&madt, ids, 8, &found), -EINVAL);
	assert_int_equal(found, 1);
}

static void an_entry_longer_than_the_table_is_refused(void **state)
{
	u32 ids[8], at = lapic(MADT + 44, 1, 1);

	memory[at] = 0;
	memory[at + 1] = 200;
	machine(at + 2 - MADT);
	assert_int_equal(read_cpus(ids, 8), -EINVAL);
}

static void lengths_that_cannot_be_are_refused(void **state)
{
	u32 ids[8];

	machine(44);
	put(MADT + 4, 0xffffffff, 4);
	assert_int_equal(read_cpus(ids, 8), -ENOENT);
	put(MADT + 4, 10, 4);
	assert_int_equal(read_cpus(ids, 8), -ENOENT);
	table(MADT, "APIC", 36); /* shorter than its fixed part */
	assert_int_equal(read_cpus(ids, 8), 0);
}

static void the_root_pointer_is_found_by_scan(void **state)
{
	machine(44);
	assert_int_equal(acpi_scan(memory, MEMORY), RSDP);
	assert_int_equal(acpi_scan(memory, RSDP + 19), -ENOENT);
	assert_int_equal(acpi_scan(memory + 8, MEMORY - 8), -ENOENT);
}

static void the_timer_port_comes_from_the_fadt(void **state)
{
	struct acpi_root root;
	struct acpi_table fadt;

	machine(44);
	assert_int_equal(acpi_read_root(map, RSDP, &root), 0);
	assert_string_equal(root.oem, "MAKER ");
	assert_int_equal(acpi_find(map, &root, "FACP", &fadt), 0);
	assert_int_equal(acpi_pm_timer(&fadt), 0x608);
	fadt.size = 91;
	assert_int_equal(acpi_pm_timer(&fadt), 0);
}

/* Whatever the bytes, the parser ends, and reads nothing that it must not. */
static void damaged_tables_do_no_harm(void **state)
{
	u32 ids[8];

	for (uint round = 0; round < host_operations(20000); round++) {
		u32 at = MADT + 44;

		forget_copies(NULL);
		for (uint i = 0; i < 6; i++)
			at = host_random(2) ? lapic(at, host_random(256), 1)
					    : x2apic(at, host_random(1000), 1);
		machine(at - MADT);
		for (uint i = host_random(4); i; i--)
			memory[host_random(0x400)] = host_random(256);
		for (uint i = MADT; i < at; i++)
			if (host_random(32) == 0)
				memory[i] = host_random(256);
		seal(MADT, MIN(at - MADT, 1024U), MADT + 9);
		read_cpus(ids, 8);
	}
}

int main(void)
{
	host_seed();
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, forget_copies)
		T(enabled_cpus_are_found_once_each),
		T(the_rsdt_serves_where_the_xsdt_is_bad),
		T(a_bad_sum_is_not_believed),
		T(an_entry_without_length_ends_the_list),
		T(an_entry_longer_than_the_table_is_refused),
		T(lengths_that_cannot_be_are_refused),
		T(the_root_pointer_is_found_by_scan),
		T(the_timer_port_comes_from_the_fadt),
		T(damaged_tables_do_no_harm),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
