/*
 * EFI memory maps, as firmware gives them and as it should not.
 */
#include "efi/efi_map.h"

#include "boot/memmap.h"
#include "host.h"

#define ENTRIES 256
#define STEP    48 /* what EDK II uses: 8 bytes more than the structure */

static u8 entries[ENTRIES * STEP];
static uint count;
static struct mem_map map;

static int clear(void **state)
{
	memset(entries, 0, sizeof(entries));
	count = 0;
	map.count = 0;
	host_printed[0] = '\0';
	return 0;
}

static void add(u32 type, u64 start, u64 pages)
{
	struct efi_memory_descriptor d = {
		.type = type,
		.physical_start = start,
		.pages = pages,
	};

	memcpy(entries + STEP * count++, &d, sizeof(d));
}

static int parse(void)
{
	return efi_map_parse(&map, entries, count * STEP, STEP);
}

static void assert_range(uint i, u64 base, u64 size, u32 type)
{
	assert_true(i < map.count);
	assert_int_equal(map.range[i].base, base);
	assert_int_equal(map.range[i].size, size);
	assert_int_equal(map.range[i].type, type);
}

static void what_boot_services_use_is_ram(void **state)
{
	add(EFI_BOOT_SERVICES_CODE, 0, 1);
	add(EFI_CONVENTIONAL_MEMORY, 0x1000, 0x9f);
	add(EFI_LOADER_DATA, 0x100000, 0x10);
	add(EFI_LOADER_CODE, 0x110000, 0x10);
	add(EFI_BOOT_SERVICES_DATA, 0x120000, 0x10);
	assert_int_equal(parse(), 0);
	assert_int_equal(map.count, 2);
	assert_range(0, 0, 0xa0000, MEM_RAM);
	assert_range(1, 0x100000, 0x30000, MEM_RAM);
}

static void what_the_firmware_keeps_is_not_ram(void **state)
{
	add(EFI_CONVENTIONAL_MEMORY, 0, 1);
	add(EFI_RESERVED_MEMORY, 0x1000, 1);
	add(5, 0x2000, 1); /* runtime services, code and data */
	add(6, 0x3000, 1);
	add(EFI_UNUSABLE_MEMORY, 0x4000, 1);
	add(EFI_ACPI_RECLAIM_MEMORY, 0x5000, 1);
	add(EFI_ACPI_MEMORY_NVS, 0x6000, 1);
	add(11, 0x7000, 1); /* a device */
	add(14, 0x8000, 1); /* persistent memory */
	add(0x80000001, 0x9000, 1);
	assert_int_equal(parse(), 0);
	assert_int_equal(map.count, 6);
	assert_range(1, 0x1000, 0x3000, MEM_RESERVED);
	assert_range(2, 0x4000, 0x1000, MEM_BAD);
	assert_range(3, 0x5000, 0x1000, MEM_ACPI);
	assert_range(4, 0x6000, 0x1000, MEM_NVS);
	assert_range(5, 0x7000, 0x3000, MEM_RESERVED);
}

static void more_entries_than_fit_are_joined_first(void **state)
{
	for (uint i = 0; i < ENTRIES; i++)
		add(i % 2 ? EFI_BOOT_SERVICES_CODE : EFI_BOOT_SERVICES_DATA,
		    i * PAGE_SIZE, 1);
	assert_int_equal(parse(), 0);
	assert_int_equal(map.count, 1);
	assert_range(0, 0, ENTRIES * PAGE_SIZE, MEM_RAM);
	assert_string_equal(host_printed, "");
}

static void an_entry_past_the_end_of_memory_is_cut_by_name(void **state)
{
	add(EFI_CONVENTIONAL_MEMORY, 0x100000, 1UL << 52);
	assert_int_equal(parse(), 0);
	assert_non_null(strstr(host_printed, "0x100000"));
	assert_range(0, 0x100000, -0x100000UL - 1, MEM_RAM);
}

static void an_entry_without_pages_is_named_and_ignored(void **state)
{
	add(EFI_CONVENTIONAL_MEMORY, 0x5000, 0);
	add(EFI_CONVENTIONAL_MEMORY, 0x9000, 1);
	assert_int_equal(parse(), 0);
	assert_non_null(strstr(host_printed, "0x5000 has size 0"));
	assert_int_equal(map.count, 1);
	assert_range(0, 0x9000, 0x1000, MEM_RAM);
}

static void entries_shorter_than_the_structure_are_refused(void **state)
{
	add(EFI_CONVENTIONAL_MEMORY, 0, 1);
	assert_int_equal(efi_map_parse(&map, entries, STEP, 39), -EINVAL);
	assert_int_equal(efi_map_parse(&map, entries, STEP, 0), -EINVAL);
}

static void stray_bytes_after_the_map_are_named(void **state)
{
	add(EFI_CONVENTIONAL_MEMORY, 0, 1);
	assert_int_equal(efi_map_parse(&map, entries, STEP + 7, STEP), 0);
	assert_non_null(strstr(host_printed, "7 stray bytes"));
	assert_int_equal(map.count, 1);
}

static void a_map_without_ram_is_an_error(void **state)
{
	add(EFI_RESERVED_MEMORY, 0, 1);
	assert_int_equal(parse(), -ENOMEM);
}

static void random_bytes_make_a_map_in_order(void **state)
{
	host_seed();
	for (uint round = 0; round < 500; round++) {
		clear(state);
		for (uint i = 0; i < sizeof(entries); i++)
			entries[i] = host_random(3) ? 0 : host_random(256);
		efi_map_parse(&map, entries, host_random(sizeof(entries)),
			      40 + host_random(16));
		assert_true(map.count <= BOOT_MEM_RANGES);
		for (uint i = 0; i < map.count; i++) {
			const struct mem_range *r = &map.range[i];

			assert_true(r->base + r->size > r->base);
			assert_true(!i || r[-1].base + r[-1].size <= r->base);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, clear)
		T(what_boot_services_use_is_ram),
		T(what_the_firmware_keeps_is_not_ram),
		T(more_entries_than_fit_are_joined_first),
		T(an_entry_past_the_end_of_memory_is_cut_by_name),
		T(an_entry_without_pages_is_named_and_ignored),
		T(entries_shorter_than_the_structure_are_refused),
		T(stray_bytes_after_the_map_are_named),
		T(a_map_without_ram_is_an_error),
		T(random_bytes_make_a_map_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
