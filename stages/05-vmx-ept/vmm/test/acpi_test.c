/*
 * The way to ACPI's tables when they are sound, broken, and random. Tables
 * lie in a buffer that stands for physical memory; each map() hands out a copy
 * of exactly the bytes that were asked for, so that the address sanitizer sees
 * a read past them.
 */
#include "boot/boot_info.h"
#include "host.h"
#include "lib/errno.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "vmm/acpi.h"

#define MEMORY 4096

/* What the machine's own map would need; nothing here asks it. */
struct boot_info boot_info;
bool space_entered;

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	return NULL;
}

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

/* A root with both lists; MADT, of @madt_size bytes, in both, FADT in one. */
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
	table(FADT, "FACP", 116);
	table(MADT, "APIC", madt_size);
}

/* Root to @signature; the table's size, or the error. */
static int find(const char *signature)
{
	struct acpi_root root;
	struct acpi_table found;
	int error = acpi_read_root(map, RSDP, &root);

	if (!error)
		error = acpi_find(map, &root, signature, &found);
	return error ? error : (int)found.size;
}

static void tables_are_found_by_name(void **state)
{
	struct acpi_root root;

	machine(48);
	assert_int_equal(find("APIC"), 48);
	assert_int_equal(find("FACP"), 116);
	assert_int_equal(find("DSDT"), -ENOENT);
	assert_int_equal(acpi_read_root(map, RSDP, &root), 0);
	assert_string_equal(root.oem, "MAKER ");
}

static void the_rsdt_serves_where_the_xsdt_is_bad(void **state)
{
	machine(48);
	memory[XSDT + 40] ^= 1;
	assert_int_equal(find("APIC"), 48);
	assert_int_equal(find("FACP"), -ENOENT);
}

/* The guest may believe it, so we want to know it. */
static void a_table_with_a_bad_sum_is_found_and_called_doubtful(void **state)
{
	struct acpi_table found;

	machine(48);
	assert_int_equal(acpi_read_table(map, MADT, "APIC", &found), 0);
	assert_false(found.doubtful);
	memory[MADT + 20] ^= 1;
	assert_int_equal(find("APIC"), 48);
	assert_int_equal(acpi_read_table(map, MADT, "APIC", &found), 0);
	assert_true(found.doubtful);
	assert_int_equal(acpi_read_table(map, MADT, "FACP", &found), -ENOENT);
}

static void a_sound_table_comes_before_a_doubtful_one(void **state)
{
	struct acpi_root root;
	struct acpi_table found;

	machine(48);
	memcpy(memory + MADT + 0x100, memory + MADT, 48);
	memory[MADT + 20] ^= 1;
	put(RSDT + 36, MADT + 0x100, 4);
	table(RSDT, "RSDT", 40);
	assert_int_equal(acpi_read_root(map, RSDP, &root), 0);
	assert_int_equal(acpi_find(map, &root, "APIC", &found), 0);
	assert_int_equal(found.phys, MADT + 0x100);
	assert_int_equal(acpi_find_next(map, &root, "APIC", 0, &found), 0);
	assert_true(found.doubtful);
	assert_int_equal(acpi_find_next(map, &root, "APIC", 1, &found), 0);
	assert_false(found.doubtful);
	assert_int_equal(acpi_find_next(map, &root, "APIC", 2, &found),
			 -ENOENT);
}

static void a_length_that_cannot_be_leaves_the_header(void **state)
{
	machine(44);
	put(MADT + 4, 0xffffffff, 4);
	assert_int_equal(find("APIC"), ACPI_HEADER_SIZE);
	put(MADT + 4, 10, 4);
	assert_int_equal(find("APIC"), ACPI_HEADER_SIZE);
}

static void a_doubtful_list_is_read_further_than_it_says(void **state)
{
	machine(48);
	put(XSDT + 4, 36, 4);
	assert_int_equal(find("FACP"), 116);
	put(XSDT + 4, 0, 4);
	assert_int_equal(find("FACP"), 116);
}

static void the_root_pointer_is_found_by_scan(void **state)
{
	machine(44);
	assert_int_equal(acpi_scan(memory, MEMORY, true), RSDP);
	assert_int_equal(acpi_scan(memory, RSDP + 19, true), -ENOENT);
	assert_int_equal(acpi_scan(memory + 8, MEMORY - 8, true), -ENOENT);
	memory[RSDP + 10] ^= 1;
	assert_int_equal(acpi_scan(memory, MEMORY, true), -ENOENT);
	assert_int_equal(acpi_scan(memory, MEMORY, false), RSDP);
	assert_int_equal(find("FACP"), 116);
}

static void a_doubtful_root_pointer_may_have_both_lists(void **state)
{
	machine(44);
	memory[RSDP + 15] = 0; /* the revision: its sum is wrong now */
	assert_int_equal(find("FACP"), 116);
}

/* Whatever the bytes, the parser ends, and reads nothing that it must not. */
static void damaged_tables_do_no_harm(void **state)
{
	for (uint round = 0; round < host_operations(20000); round++) {
		forget_copies(NULL);
		machine(48);
		for (uint i = host_random(8); i; i--)
			memory[host_random(0x400)] = host_random(256);
		if (host_random(2))
			seal(XSDT, 52, XSDT + 9);
		find("APIC");
	}
}

int main(void)
{
	host_seed();
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, forget_copies)
		T(tables_are_found_by_name),
		T(the_rsdt_serves_where_the_xsdt_is_bad),
		T(a_table_with_a_bad_sum_is_found_and_called_doubtful),
		T(a_sound_table_comes_before_a_doubtful_one),
		T(a_length_that_cannot_be_leaves_the_header),
		T(a_doubtful_list_is_read_further_than_it_says),
		T(the_root_pointer_is_found_by_scan),
		T(a_doubtful_root_pointer_may_have_both_lists),
		T(damaged_tables_do_no_harm),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
