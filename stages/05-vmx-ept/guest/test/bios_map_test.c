/*
 * The guest's memory map: what is taken is gone, all else stays, and the three
 * BIOS interfaces agree. Compared byte range by byte range with a model.
 */
#include "guest/bios_map.h"
#include "host.h"

static struct guest_map guest;

/* Type of the byte at @at, 0 where nothing is. */
static u32 machine_type(const struct mem_map *map, u64 at)
{
	for (uint i = 0; i < map->count; i++)
		if (at - map->range[i].base < map->range[i].size)
			return map->range[i].type;
	return 0;
}

static u32 guest_type(u64 at)
{
	u32 type = 0;

	for (uint i = 0; i < guest.count; i++)
		if (at - guest.entry[i].base < guest.entry[i].size) {
			assert_int_equal(type, 0); /* no two entries */
			type = guest.entry[i].type;
		}
	return type;
}

static u32 expected_type(const struct mem_map *map,
			 const struct mem_range *taken, uint n, u64 at)
{
	for (uint i = 0; i < n; i++)
		if (at - taken[i].base < taken[i].size)
			return taken[i].type;
	return machine_type(map, at);
}

/* Build, and compare around every boundary there is. */
static void build(const struct mem_map *map, const struct mem_range *taken,
		  uint n)
{
	guest_map_build(&guest, map, taken, n);
	for (uint i = 0; i < map->count + n; i++) {
		const struct mem_range *r = i < map->count
						    ? &map->range[i]
						    : &taken[i - map->count];
		u64 at[] = {r->base - 1, r->base, r->base + 1,
			    r->base + r->size - 1, r->base + r->size};

		for (uint k = 0; k < ARRAY_SIZE(at); k++)
			assert_int_equal(guest_type(at[k]),
					 expected_type(map, taken, n, at[k]));
	}
	for (uint i = 0; i < guest.count; i++) {
		assert_true(guest.entry[i].size);
		if (i)
			assert_true(guest.entry[i].base >
				    guest.entry[i - 1].base);
	}
}

static const struct mem_map pc = {
	.count = 6,
	.range = {{0, 0x9fc00, MEM_RAM},
		  {0x9fc00, 0x400, MEM_RESERVED},
		  {MIB, 511 * MIB, MEM_RAM},
		  {512 * MIB, MIB, 42},
		  {0xfffc0000, 0x40000, MEM_RESERVED},
		  {4 * GIB, GIB, MEM_RAM}},
};

static void a_pc_loses_two_ranges_and_nothing_else(void **state)
{
	struct mem_range taken[] = {{0x9e800, 0x1400, MEM_RESERVED},
				    {380 * MIB, 128 * MIB, MEM_RESERVED}};

	build(&pc, taken, 2);
	assert_int_equal(guest.count, 9);
	assert_int_equal(guest_type(512 * MIB), 42);
	assert_int_equal(guest_map_e801_low(&guest), 15 * 1024);
	assert_int_equal(guest_map_e801_high(&guest), (380 - 16) * 16);
	assert_int_equal(guest_map_ah88(&guest), 63 * 1024);
	assert_int_equal(guest_map_ram_end(&guest, 4 * GIB), 5 * GIB);
}

static void nothing_taken_leaves_the_map_as_it_is(void **state)
{
	build(&pc, NULL, 0);
	assert_int_equal(guest.count, pc.count);
	for (uint i = 0; i < pc.count; i++) {
		assert_int_equal(guest.entry[i].base, pc.range[i].base);
		assert_int_equal(guest.entry[i].size, pc.range[i].size);
		assert_int_equal(guest.entry[i].type, pc.range[i].type);
	}
}

static void a_small_machine_counts_in_kib(void **state)
{
	struct mem_map map = {1, {{0, 24 * MIB, MEM_RAM}}};
	struct mem_range taken[] = {{8 * MIB, 4 * MIB, MEM_RESERVED}};

	build(&map, taken, 1);
	assert_int_equal(guest_map_e801_low(&guest), 7 * 1024);
	assert_int_equal(guest_map_e801_high(&guest), 0);
	assert_int_equal(guest_map_ah88(&guest), 7 * 1024);
	taken[0].base = 20 * MIB;
	build(&map, taken, 1);
	assert_int_equal(guest_map_e801_low(&guest), 15 * 1024);
	assert_int_equal(guest_map_e801_high(&guest), 4 * 16);
	assert_int_equal(guest_map_ah88(&guest), 19 * 1024);
}

static void no_memory_above_one_mib_is_zero(void **state)
{
	struct mem_map map = {1, {{0, 0xa0000, MEM_RAM}}};

	build(&map, NULL, 0);
	assert_int_equal(guest_map_e801_low(&guest), 0);
	assert_int_equal(guest_map_e801_high(&guest), 0);
	assert_int_equal(guest_map_ah88(&guest), 0);
}

static void adjoining_entries_count_as_one(void **state)
{
	struct mem_map map = {
		2, {{0, 2 * MIB, MEM_RAM}, {2 * MIB, 6 * MIB, MEM_RAM}}};

	build(&map, NULL, 0);
	assert_int_equal(guest_map_ah88(&guest), 7 * 1024);
}

static void memory_up_to_the_end_of_the_address_space_is_kept(void **state)
{
	struct mem_map map = {1, {{MIB, -MIB, MEM_RAM}}};
	struct mem_range taken[] = {{-4096UL, 4096, MEM_RESERVED}};

	build(&map, taken, 1);
	assert_int_equal(guest.count, 2);
	assert_int_equal(guest_map_e801_high(&guest), 0xff00);
	assert_int_equal(guest_map_ah88(&guest), 63 * 1024);
}

static void a_taken_range_may_cover_whole_entries(void **state)
{
	struct mem_range taken[] = {{0x9f000, 600 * MIB, MEM_RESERVED}};

	build(&pc, taken, 1);
	assert_int_equal(guest.count, 4);
}

/* The map decides, whatever its shape; what is cut off at the end does not. */
static void room_is_found_only_in_ram(void **state)
{
	struct mem_map map = {3,
			      {{0x1000, 0x97000, MEM_RAM},
			       {0x98000, 0x8000, MEM_RESERVED},
			       {MIB, MIB, MEM_RAM}}};

	assert_int_equal(guest_room(&map, 639 * KIB, 3 * KIB), 0x97400);
	assert_int_equal(guest_room(&map, 0x97400, KIB), 0x97000);
	assert_int_equal(guest_room(&map, 0x20000 + KIB, KIB), 0x20000);
	assert_int_equal(guest_room(&map, 0x20000, KIB), 0);
	assert_int_equal(guest_room(&map, 639 * KIB, MIB), 0);
	map.range[0] = (struct mem_range){0x30100, 0x800, MEM_RAM};
	assert_int_equal(guest_room(&map, 639 * KIB, KIB), 0x30400);
	assert_int_equal(guest_room(&map, 639 * KIB, 2 * KIB), 0);
	map.range[0] = (struct mem_range){0, 0x20400, MEM_RAM};
	map.range[1].type = MEM_RAM;
	assert_int_equal(guest_room(&map, 0x98000, KIB), 0x20000);
	assert_int_equal(guest_room(&map, 0x9f000, KIB), 0x9ec00);
}

static void random_maps_agree_with_the_model(void **state)
{
	u64 rounds = host_operations(2000);

	host_seed();
	for (u64 round = 0; round < rounds; round++) {
		static struct mem_map map;
		struct mem_range taken[2];
		u64 at = 0;

		map.count = host_random(BOOT_MEM_RANGES + 1);
		for (uint i = 0; i < map.count; i++) {
			at += host_random(3) * 0x400;
			map.range[i].base = at;
			map.range[i].size = 1 + host_random(0x2000);
			map.range[i].type = 1 + host_random(7);
			at += map.range[i].size;
		}
		taken[0] = (struct mem_range){host_random(0x40000),
					      1 + host_random(0x8000), 2};
		taken[1] = (struct mem_range){taken[0].base + taken[0].size +
						      host_random(0x1000),
					      1 + host_random(0x8000), 2};
		build(&map, taken, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pc_loses_two_ranges_and_nothing_else),
		cmocka_unit_test(nothing_taken_leaves_the_map_as_it_is),
		cmocka_unit_test(a_small_machine_counts_in_kib),
		cmocka_unit_test(no_memory_above_one_mib_is_zero),
		cmocka_unit_test(adjoining_entries_count_as_one),
		cmocka_unit_test(
			memory_up_to_the_end_of_the_address_space_is_kept),
		cmocka_unit_test(a_taken_range_may_cover_whole_entries),
		cmocka_unit_test(room_is_found_only_in_ram),
		cmocka_unit_test(random_maps_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
