/*
 * The tables of IOMMUs, walked as the units do it: what is let through arrives
 * where it was sent, what is not let through does not, and that to the page.
 */
#include "iommu/unit.h"
#include "lib/errno.h"
#include "memory.h"
#include "paging/pagetable.h"

const struct dma_format vtd = {3, 0, 3, BIT(7)};
const struct dma_format amdvi = {BIT(0) | 3UL << 61, 9, BIT(0) | 3UL << 61, 0};
static const struct dma_format *const formats[] = {&vtd, &amdvi};

static struct dma_map map;

/* Is @address reached? Then for both, and where it is. */
static bool walk(uint levels, u64 address)
{
	u64 root = dma_map_root(&map, levels).v, to = ~address;
	uint rights = 0;

	if (root)
		rights = map.format == &vtd
				 ? walk_vtd(root, levels, map.max_leaf, address,
					    &to)
				 : walk_amdvi(root, levels, address, &to);
	if (!rights)
		return false;
	assert_int_equal(rights, MAY_READ | MAY_WRITE);
	assert_int_equal(to, address);
	return true;
}

static void build(const struct dma_format *format, uint max_leaf, u64 top,
		  const struct dma_range *ranges, uint count)
{
	memory_reset(600);
	map = (struct dma_map){.format = format,
			       .max_leaf = max_leaf,
			       .ranges = ranges,
			       .count = count,
			       .top = top};
	assert_int_equal(dma_map_build(&map), 0);
	assert_int_equal(map.pages, memory_pages);
}

/* The definition of what is reached, in one line each. */
static bool in_ranges(u64 address)
{
	for (uint i = 0; i < map.count; i++)
		if (address >= map.ranges[i].base &&
		    address < map.ranges[i].end)
			return true;
	return false;
}

static bool is_reached(u64 address)
{
	return map.top ? address < map.top && !in_ranges(address)
		       : in_ranges(address);
}

static void assert_around(u64 address)
{
	for (int i = -1; i <= 1; i++) {
		u64 a = address + i * (address % 2 ? 1 : PAGE_SIZE);

		assert_int_equal(walk(4, address + i), is_reached(address + i));
		assert_int_equal(walk(4, a), is_reached(a));
		if (address < 1UL << 39)
			assert_int_equal(walk(3, a),
					 a < 1UL << 39 && is_reached(a));
	}
}

static void without_ranges_all_below_the_top_is_reached(void **state)
{
	static const u64 tops[] = {4 * GIB,   9 * GIB,    512 * GIB,
				   513 * GIB, 1024 * GIB, 1UL << 48};

	for (uint f = 0; f < ARRAY_SIZE(formats); f++)
		for (uint i = 0; i < ARRAY_SIZE(tops); i++) {
			build(formats[f], LEVEL_1G, tops[i], NULL, 0);
			assert_int_equal(map.pages, 1 + (tops[i] + 512 * GIB -
							 1) / (512 * GIB));
			assert_around(tops[i]);
			assert_around(tops[i] / 2);
			assert_around(1UL << 48);
			assert_around(GIB);
			assert_true(walk(4, 0));
			assert_true(walk(4, tops[i] - 1));
			assert_false(walk(4, tops[i]));
			assert_false(walk(4, ~0UL));
			if (tops[i] < GIB * 512)
				assert_false(walk(3, 1UL << 39));
		}
}

/* Edges on all kinds of boundaries, and next to them. */
static void a_range_is_left_out_to_the_page(void **state)
{
	static const u64 edges[] = {
		0,
		0x1000,
		2 * MIB - 0x1000,
		2 * MIB,
		2 * MIB + 0x1000,
		GIB - 2 * MIB,
		GIB - 0x1000,
		GIB,
		GIB + 0x1000,
		GIB + 2 * MIB,
		2 * GIB,
		3 * GIB + 5 * MIB + 0x3000,
		4 * GIB,
		512 * GIB - 0x1000,
		512 * GIB,
		512 * GIB + 0x1000,
		1024 * GIB,
	};
	struct dma_range range;

	for (uint f = 0; f < ARRAY_SIZE(formats); f++)
		for (uint i = 0; i < ARRAY_SIZE(edges); i++)
			for (uint j = i + 1; j < ARRAY_SIZE(edges); j++) {
				range = (struct dma_range){edges[i], edges[j]};
				build(formats[f], LEVEL_1G, 1024 * GIB, &range,
				      1);
				for (uint k = 0; k < ARRAY_SIZE(edges); k++)
					assert_around(edges[k]);
				build(formats[f], LEVEL_1G, 0, &range, 1);
				for (uint k = 0; k < ARRAY_SIZE(edges); k++)
					assert_around(edges[k]);
			}
}

static void small_leaves_are_used_where_a_unit_knows_no_large_ones(void **state)
{
	static const struct dma_range range = {MIB, 17 * MIB};

	for (uint f = 0; f < ARRAY_SIZE(formats); f++) {
		build(formats[f], LEVEL_2M, 4 * GIB, &range, 1);
		assert_int_equal(map.pages, 2 + 4 + 2);
		assert_around(range.base);
		assert_around(range.end);
		assert_around(3 * GIB);
		build(formats[f], LEVEL_4K, GIB, &range, 1);
		assert_around(range.base);
		assert_around(range.end);
		assert_around(GIB);
		assert_int_equal(map.pages, 3 + 512 - 7);
	}
}

static int by_base(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Ranges as they come, and addresses at their edges and anywhere. */
static void what_is_reached_is_what_the_definition_says(void **state)
{
	struct dma_range ranges[8];
	u64 edges[16];

	host_seed();
	for (u64 n = host_operations(300); n; n--) {
		uint count = host_random(9);

		for (uint i = 0; i < 2 * count; i++)
			edges[i] = host_random(2 * GIB >> (3 * (i % 8))) << 12;
		qsort(edges, 2 * count, sizeof(*edges), by_base);
		for (uint i = 0; i < count; i++)
			ranges[i] = (struct dma_range){edges[2 * i],
						       edges[2 * i + 1]};
		build(formats[host_random(2)], LEVEL_1G,
		      host_random(2) << (32 + host_random(17)), ranges, count);
		for (uint i = 0; i < 2 * count; i++)
			assert_around(edges[i]);
		for (uint i = 0; i < 100; i++)
			assert_around(host_random(1UL << (20 + i % 29)));
	}
}

static void a_page_that_is_closed_in_part_is_closed(void **state)
{
	static const struct dma_range range = {0x5800, 0x6400};

	for (uint f = 0; f < ARRAY_SIZE(formats); f++) {
		build(formats[f], LEVEL_1G, 4 * GIB + 0x800, &range, 1);
		assert_true(walk(4, 0x4fff));
		assert_false(walk(4, 0x5000));
		assert_false(walk(4, 0x6fff));
		assert_true(walk(4, 0x7000));
		assert_true(walk(4, 4 * GIB - 1));
		assert_false(walk(4, 4 * GIB));
		build(formats[f], LEVEL_1G, 0, &range, 1);
		for (u64 a = 0; a < 0x10000; a += 0x400)
			assert_false(walk(4, a));
	}
}

static void a_map_of_nothing_leads_nowhere(void **state)
{
	for (uint f = 0; f < ARRAY_SIZE(formats); f++) {
		build(formats[f], LEVEL_1G, 0, NULL, 0);
		assert_int_equal(map.pages, 1);
		assert_int_equal(dma_map_root(&map, 3).v, 0);
		assert_false(walk(4, 0));
		assert_false(walk(4, GIB));
	}
}

/*
 * Our range, the low page, and registers of two units, as on a desktop. To that
 * come Intel's root and context tables, three at most. Only units that know no
 * leaves of 1 GiB have more than 16 pages, if we have a card of our own.
 */
static void for_8_gib_a_dozen_pages_are_enough(void **state)
{
	static const struct dma_range closed[] = {
		{0xfed90000, 0xfed91000},
		{0xfed91000, 0xfed92000},
		{0x1bc00000, 0x1bc00000 + 64 * MIB},
		{0x8f000, 0x90000},
	};
	static const struct dma_range rings = {0x1c345000, 0x1c365000};
	uint pages;

	for (uint f = 0; f < ARRAY_SIZE(formats); f++)
		for (uint leaf = LEVEL_2M; leaf <= LEVEL_1G; leaf++) {
			build(formats[f], leaf,
			      leaf == LEVEL_1G ? 512 * GIB : 9 * GIB, closed,
			      ARRAY_SIZE(closed));
			pages = map.pages;
			for (uint i = 0; i < ARRAY_SIZE(closed); i++) {
				assert_around(closed[i].base);
				assert_around(closed[i].end);
			}
			build(formats[f], leaf, 0, &rings, 1);
			assert_int_equal(map.pages, 4);
			assert_around(rings.base);
			assert_around(rings.end);
			assert_int_equal(pages, leaf == LEVEL_1G ? 6 : 13);
		}
}

static void without_memory_it_is_said(void **state)
{
	static const struct dma_range range = {0x1000, 0x2000};

	for (uint pages = 0;; pages++) {
		memory_reset(pages);
		map = (struct dma_map){.format = &vtd,
				       .max_leaf = LEVEL_1G,
				       .ranges = &range,
				       .count = 1,
				       .top = 4 * GIB};
		if (!dma_map_build(&map))
			break;
		assert_int_equal(memory_pages, pages);
	}
	assert_int_equal(memory_pages, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_ranges_all_below_the_top_is_reached),
		cmocka_unit_test(a_range_is_left_out_to_the_page),
		cmocka_unit_test(
			small_leaves_are_used_where_a_unit_knows_no_large_ones),
		cmocka_unit_test(what_is_reached_is_what_the_definition_says),
		cmocka_unit_test(a_page_that_is_closed_in_part_is_closed),
		cmocka_unit_test(a_map_of_nothing_leads_nowhere),
		cmocka_unit_test(for_8_gib_a_dozen_pages_are_enough),
		cmocka_unit_test(without_memory_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
