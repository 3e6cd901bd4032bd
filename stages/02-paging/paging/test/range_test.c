/*
 * range_choose() against maps made by hand and against a model that looks at
 * every 4 MiB block below 4 GiB.
 */
#include "paging/range.h"

#include "lib/errno.h"
#include "random_map.h"

#define SIZE   (128 * MIB)
#define BLOCK  RANGE_ALIGN
#define BLOCKS (4 * GIB / BLOCK)

#define MAP(...)                                                          \
	(&(struct mem_map){                                               \
		.count = ARRAY_SIZE(((struct mem_range[]){__VA_ARGS__})), \
		.range = {__VA_ARGS__}})

static void assert_base(const struct mem_map *map, u64 expected)
{
	phys_t base = {0};
	u64 found;

	assert_int_equal(range_choose(map, NULL, SIZE, &base, &found), 0);
	assert_int_equal(base.v, expected);
}

static void assert_found(const struct mem_map *map, u64 expected)
{
	phys_t base;
	u64 found = 1;

	assert_int_equal(range_choose(map, NULL, SIZE, &base, &found), -ENOMEM);
	assert_int_equal(found, expected);
}

static void the_top_of_memory_is_chosen(void **state)
{
	assert_base(MAP({0, 0x9fc00, MEM_RAM}, {MIB, 0x1fee0000, MEM_RAM},
			{0x1ffe0000, 0x20000, MEM_RESERVED}),
		    0x1fc00000 - SIZE);
}

static void memory_above_4_gib_is_not_chosen(void **state)
{
	assert_base(
		MAP({MIB, 0xbff00000, MEM_RAM}, {4 * GIB, 64 * GIB, MEM_RAM}),
		0xc0000000 - SIZE);
	assert_base(MAP({MIB, 64 * GIB, MEM_RAM}), 4 * GIB - SIZE);
	assert_found(MAP({4 * GIB, 64 * GIB, MEM_RAM}), 0);
}

static void a_high_piece_that_is_too_small_is_passed_over(void **state)
{
	assert_base(
		MAP({MIB, 255 * MIB, MEM_RAM}, {300 * MIB, 127 * MIB, MEM_RAM}),
		256 * MIB - SIZE);
}

static void adjoining_pieces_count_as_one(void **state)
{
	assert_base(MAP({0, 200 * MIB + 1, MEM_RAM},
			{200 * MIB + 1, 56 * MIB - 1, MEM_RAM}),
		    256 * MIB - SIZE);
	assert_found(MAP({MIB, 127 * MIB, MEM_RAM}, {128 * MIB, 1, MEM_ACPI},
			 {128 * MIB + 1, 100 * MIB, MEM_RAM}),
		     124 * MIB);
}

static void the_first_mib_is_not_chosen(void **state)
{
	assert_found(MAP({0, 128 * MIB, MEM_RAM}), 124 * MIB);
	assert_base(MAP({0, 132 * MIB, MEM_RAM}), 4 * MIB);
}

static void too_little_memory_tells_the_largest_aligned_piece(void **state)
{
	assert_found(MAP({0, 0x9fc00, MEM_RAM}, {MIB, 0x5ee0000, MEM_RAM}),
		     88 * MIB);
	assert_found(MAP({MIB, 2 * MIB, MEM_RAM}), 0);
	assert_found(&(struct mem_map){.count = 0}, 0);
}

static void a_range_that_ends_the_address_space_is_no_trouble(void **state)
{
	assert_base(MAP({MIB, -MIB, MEM_RAM}), 4 * GIB - SIZE);
	assert_found(MAP({-MIB, MIB, MEM_RAM}), 0);
	assert_found(MAP({0xffffffff, 2, MEM_RAM}), 0);
}

static void what_the_loader_brought_is_not_overlapped(void **state)
{
	static const struct {
		struct mem_range avoid;
		u64 expected; /* 0: there is no place */
	} cases[] = {
		{{0, 0, 0}, 128 * MIB},
		{{255 * MIB, MIB, MEM_RAM}, 124 * MIB},
		{{128 * MIB, 1, MEM_RAM}, 0},
		{{124 * MIB - 1, 1, MEM_RAM}, 128 * MIB},
		{{127 * MIB, 64 * KIB, MEM_RAM}, 128 * MIB},
		{{512 * MIB, MIB, MEM_RAM}, 128 * MIB},
		{{MIB, 3 * MIB, MEM_RAM}, 128 * MIB},
	};
	const struct mem_map *map = MAP({MIB, 255 * MIB, MEM_RAM});

	for (uint i = 0; i < ARRAY_SIZE(cases); i++) {
		phys_t base = {0};
		u64 found = 0;

		range_choose(map, &cases[i].avoid, SIZE, &base, &found);
		assert_int_equal(base.v, cases[i].expected);
	}
}

static bool is_ram(u32 type)
{
	return type == MEM_RAM;
}

/* Slow and plain: which blocks are all RAM, and what runs do they make? */
static u64 model(const struct mem_map *map, u64 size, u64 *largest)
{
	u64 run = 0, best = 0;

	*largest = 0;
	for (u64 i = 1; i < BLOCKS; i++) {
		u64 at = i * BLOCK;

		if (bytes_of(map, at, at + BLOCK, is_ram) == BLOCK)
			run++;
		else
			run = 0;
		*largest = MAX(*largest, run * BLOCK);
		if (run * BLOCK >= size)
			best = at + BLOCK - size;
	}
	return best;
}

static void any_map_gives_what_the_model_gives(void **state)
{
	static struct mem_map map;

	host_seed();
	for (u64 n = host_operations(300); n; n--) {
		u64 size = BLOCK * (1 + host_random(64)), found = 0, largest;
		phys_t base = {0};
		u64 expected;
		int error;

		random_map(&map, 1 + host_random(GIB));
		expected = model(&map, size, &largest);
		error = range_choose(&map, NULL, size, &base, &found);
		assert_int_equal(error, expected ? 0 : -ENOMEM);
		assert_int_equal(base.v, expected);
		if (error)
			assert_int_equal(found, largest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_top_of_memory_is_chosen),
		cmocka_unit_test(memory_above_4_gib_is_not_chosen),
		cmocka_unit_test(a_high_piece_that_is_too_small_is_passed_over),
		cmocka_unit_test(adjoining_pieces_count_as_one),
		cmocka_unit_test(the_first_mib_is_not_chosen),
		cmocka_unit_test(
			too_little_memory_tells_the_largest_aligned_piece),
		cmocka_unit_test(
			a_range_that_ends_the_address_space_is_no_trouble),
		cmocka_unit_test(what_the_loader_brought_is_not_overlapped),
		cmocka_unit_test(any_map_gives_what_the_model_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
