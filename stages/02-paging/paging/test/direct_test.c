/*
 * direct_next_run() against a model that looks at each page.
 */
#include "paging/direct.h"

#include "random_map.h"

#define LIMIT (64 * MIB)

static bool is_memory(u32 type)
{
	return type == MEM_RAM || type == MEM_ACPI || type == MEM_NVS;
}

static void memory_of_all_kinds_that_touches_makes_one_run(void **state)
{
	const struct mem_map map = {4,
				    {{0, 0x9fc00, MEM_RAM},
				     {MIB, 7 * MIB + 5, MEM_RAM},
				     {8 * MIB + 5, 0x1000, MEM_ACPI},
				     {8 * MIB + 0x1005, 0x2000, MEM_NVS}}};
	u64 start, end;
	uint i = 0;

	assert_true(direct_next_run(&map, LIMIT, &i, &start, &end));
	assert_int_equal(start, MIB);
	assert_int_equal(end, 8 * MIB + 0x4000);
	assert_false(direct_next_run(&map, LIMIT, &i, &start, &end));
}

static void what_lies_above_the_limit_is_cut(void **state)
{
	const struct mem_map map = {
		2, {{32 * MIB, -32 * MIB - 1, MEM_RAM}, {-1UL, 1, MEM_RAM}}};
	u64 start, end;
	uint i = 0;

	assert_true(direct_next_run(&map, LIMIT, &i, &start, &end));
	assert_int_equal(start, 32 * MIB);
	assert_int_equal(end, LIMIT);
	assert_false(direct_next_run(&map, LIMIT, &i, &start, &end));
}

static bool in_model(const struct mem_map *map, u64 page)
{
	return page >= MIB && page < LIMIT &&
	       bytes_of(map, page, page + PAGE_SIZE, is_memory);
}

static void any_map_gives_the_pages_that_the_model_gives(void **state)
{
	static struct mem_map map;

	host_seed();
	for (u64 n = host_operations(50); n; n--) {
		u64 page = 0, start, end;
		uint i = 0;

		random_map(&map, 1 + host_random(16 * MIB));
		while (direct_next_run(&map, LIMIT, &i, &start, &end)) {
			assert_true(start < end && start >= page);
			assert_true((start | end) % PAGE_SIZE == 0);
			for (; page < start; page += PAGE_SIZE)
				assert_false(in_model(&map, page));
			for (; page < end; page += PAGE_SIZE)
				assert_true(in_model(&map, page));
			/* the next run, if any, must not touch this one */
			assert_false(in_model(&map, page));
		}
		for (; page < LIMIT; page += PAGE_SIZE)
			assert_false(in_model(&map, page));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			memory_of_all_kinds_that_touches_makes_one_run),
		cmocka_unit_test(what_lies_above_the_limit_is_cut),
		cmocka_unit_test(any_map_gives_the_pages_that_the_model_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
