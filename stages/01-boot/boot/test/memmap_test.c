/*
 * The memory map against the nonsense that firmware returns.
 */
#include "boot/memmap.h"
#include "host.h"

static struct mem_map map;

static int clear(void **state)
{
	map.count = 0;
	host_printed[0] = '\0';
	return 0;
}

static void assert_range(uint i, u64 base, u64 size, u32 type)
{
	assert_true(i < map.count);
	assert_int_equal(map.range[i].base, base);
	assert_int_equal(map.range[i].size, size);
	assert_int_equal(map.range[i].type, type);
}

static void unsorted_entries_are_sorted(void **state)
{
	mem_map_add(&map, 0x300000, 0x1000, MEM_RAM);
	mem_map_add(&map, 0x100000, 0x1000, MEM_RAM);
	mem_map_add(&map, 0x200000, 0x1000, MEM_ACPI);
	mem_map_finish(&map);
	assert_int_equal(map.count, 3);
	assert_range(0, 0x100000, 0x1000, MEM_RAM);
	assert_range(1, 0x200000, 0x1000, MEM_ACPI);
	assert_range(2, 0x300000, 0x1000, MEM_RAM);
}

static void adjoining_entries_of_one_type_are_joined(void **state)
{
	mem_map_add(&map, 0x101000, 0x1000, MEM_RAM);
	mem_map_add(&map, 0x100000, 0x1000, MEM_RAM);
	mem_map_finish(&map);
	assert_int_equal(map.count, 1);
	assert_range(0, 0x100000, 0x2000, MEM_RAM);
}

static void where_entries_overlap_what_is_not_ram_wins(void **state)
{
	mem_map_add(&map, 0x100000, 0x10000, MEM_RAM);
	mem_map_add(&map, 0x104000, 0x1000, MEM_RESERVED);
	mem_map_finish(&map);
	assert_int_equal(map.count, 3);
	assert_range(0, 0x100000, 0x4000, MEM_RAM);
	assert_range(1, 0x104000, 0x1000, MEM_RESERVED);
	assert_range(2, 0x105000, 0xb000, MEM_RAM);
	assert_non_null(strstr(host_printed, "overlap"));
}

static void an_entry_of_size_zero_is_named_and_ignored(void **state)
{
	mem_map_add(&map, 0x100000, 0, MEM_RAM);
	mem_map_finish(&map);
	assert_int_equal(map.count, 0);
	assert_non_null(strstr(host_printed, "0x100000 has size 0"));
}

static void an_entry_that_overflows_is_named_and_cut(void **state)
{
	mem_map_add(&map, 0xfffffffffff00000, 0x200000, MEM_RESERVED);
	mem_map_finish(&map);
	assert_range(0, 0xfffffffffff00000, 0xfffff, MEM_RESERVED);
	assert_non_null(strstr(host_printed, "overflows"));
}

static void an_entry_may_begin_at_zero(void **state)
{
	mem_map_add(&map, 0, 0x9fc00, MEM_RAM);
	mem_map_finish(&map);
	assert_int_equal(map.count, 1);
	assert_range(0, 0, 0x9fc00, MEM_RAM);
}

static void unknown_types_are_kept(void **state)
{
	mem_map_add(&map, 0x100000, 0x1000, 12);
	mem_map_finish(&map);
	assert_range(0, 0x100000, 0x1000, 12);
}

static void too_many_entries_lose_ram_and_never_gain_it(void **state)
{
	for (uint i = 0; i < BOOT_MEM_RANGES; i++)
		mem_map_add(&map, i * 0x10000UL, 0x8000, MEM_RAM);
	mem_map_add(&map, 0x7000000, 0x8000, MEM_RAM);
	mem_map_add(&map, 0x4000, 0x8000, MEM_RESERVED);
	mem_map_finish(&map);
	assert_non_null(strstr(host_printed, "more than 128 entries"));
	assert_range(0, 0, 0x8000, MEM_RESERVED);
	for (uint i = 0; i < map.count; i++)
		assert_true(map.range[i].base < 0x7000000);
}

/* Brute force: is the byte at @at RAM by the entries as they were added? */
static bool is_ram(const struct mem_range *e, uint n, u64 at)
{
	bool ram = false;

	for (uint i = 0; i < n; i++)
		if (at >= e[i].base && at - e[i].base < e[i].size) {
			if (e[i].type != MEM_RAM)
				return false;
			ram = true;
		}
	return ram;
}

static void random_maps_agree_with_a_byte_by_byte_model(void **state)
{
	struct mem_range e[20];

	host_seed();
	for (uint round = 0; round < 300; round++) {
		uint n = 1 + host_random(ARRAY_SIZE(e));

		map.count = 0;
		for (uint i = 0; i < n; i++) {
			e[i] = (struct mem_range){host_random(200),
						  host_random(50),
						  1 + host_random(5)};
			mem_map_add(&map, e[i].base, e[i].size, e[i].type);
		}
		mem_map_finish(&map);
		for (u64 at = 0; at < 260; at++)
			assert_int_equal(is_ram(e, n, at),
					 is_ram(map.range, map.count, at));
		for (uint i = 1; i < map.count; i++)
			assert_true(map.range[i - 1].base +
					    map.range[i - 1].size <=
				    map.range[i].base);
		host_printed[0] = '\0';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, clear)
		T(unsorted_entries_are_sorted),
		T(adjoining_entries_of_one_type_are_joined),
		T(where_entries_overlap_what_is_not_ram_wins),
		T(an_entry_of_size_zero_is_named_and_ignored),
		T(an_entry_that_overflows_is_named_and_cut),
		T(an_entry_may_begin_at_zero),
		T(unknown_types_are_kept),
		T(too_many_entries_lose_ram_and_never_gain_it),
		T(random_maps_agree_with_a_byte_by_byte_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
