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
		mem_map_add(&map, MIB + i * 0x10000UL, 0x8000, MEM_RAM);
	mem_map_add(&map, MIB + 0x4000, 0x8000, MEM_RESERVED);
	mem_map_finish(&map);
	assert_non_null(strstr(host_printed, "more than 128 ranges"));
	assert_true(map.count <= BOOT_MEM_RANGES);
	for (uint i = 0; i < map.count; i++) {
		const struct mem_range *r = &map.range[i];

		if (r->type == MEM_RAM)
			assert_true(r->base >= MIB + 0xc000 ||
				    r->base + r->size <= MIB + 0x4000);
	}
}

static void large_ram_is_kept_wherever_it_comes_in_the_list(void **state)
{
	for (uint large = 0; large <= 2000; large += 500) {
		map.count = 0;
		for (uint i = 0; i <= 2000; i++) {
			u64 at = 16 * MIB + i * 0x2000UL;

			if (i == large) {
				mem_map_add(&map, 4 * GIB, 60 * GIB, MEM_RAM);
				mem_map_add(&map, 0, 0x9fc00, MEM_RAM);
			}
			mem_map_add(&map, at, 0x1000, MEM_RESERVED);
			mem_map_add(&map, at + 0x1000, 0x1000, MEM_RAM);
		}
		mem_map_finish(&map);
		assert_true(map.count <= BOOT_MEM_RANGES);
		assert_true(mem_map_is_ram(&map, 4 * GIB, 60 * GIB));
		assert_true(mem_map_is_ram(&map, 0, 0x9fc00));
		assert_true(mem_map_ram(&map) < 60 * GIB + 9 * MIB);
	}
}

/* As in the middle of a large piece of RAM; each hole twice the one before. */
static void the_smallest_pieces_are_given_up(void **state)
{
	u64 at = 16 * MIB, all = 0;

	for (uint i = 0; i < 70; i++) {
		u64 size = 0x1000UL * (i + 1);

		mem_map_add(&map, at, 0x1000, MEM_RESERVED);
		mem_map_add(&map, at + 0x1000, size, MEM_RAM);
		at += 0x1000 + size;
		all += size;
	}
	mem_map_finish(&map);
	/* 140 ranges: six pairs too many, of 4 KiB to 24 KiB. */
	assert_int_equal(map.count, BOOT_MEM_RANGES);
	assert_int_equal(mem_map_ram(&map), all - 21 * 0x1000);
	assert_range(0, 16 * MIB, 0x1c000, MEM_RESERVED);
}

static void what_is_ram_is_asked_for_a_whole_range(void **state)
{
	mem_map_add(&map, 0x100000, 0x1000, MEM_RAM);
	mem_map_add(&map, 0x101000, 0x1000, MEM_RAM);
	mem_map_add(&map, 0x102000, 0x1000, MEM_ACPI);
	mem_map_finish(&map);
	assert_true(mem_map_is_ram(&map, 0x100000, 0x2000));
	assert_true(mem_map_is_ram(&map, 0x101fff, 1));
	assert_false(mem_map_is_ram(&map, 0xfffff, 2));
	assert_false(mem_map_is_ram(&map, 0x101fff, 2));
	assert_false(mem_map_is_ram(&map, 0x100000, -1UL));
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
		T(large_ram_is_kept_wherever_it_comes_in_the_list),
		T(the_smallest_pieces_are_given_up),
		T(what_is_ram_is_asked_for_a_whole_range),
		T(random_maps_agree_with_a_byte_by_byte_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
