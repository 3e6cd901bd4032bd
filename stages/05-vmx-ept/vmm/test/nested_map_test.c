/*
 * Host tests of what a nested map maps: every 4 KiB page of a machine against a
 * model that knows nothing of tables, and the number of tables.
 */
#include "lib/errno.h"
#include "vmm/test/mtrr_model.h"
#include "vmm/test/nested_host.h"

#define LIMIT BIT(39)

/* What the model says of each page below the end of the test. */
#define MODEL_PAGES (16 * GIB / PAGE_SIZE)

enum {
	MODEL_HIDDEN = 0x40, /* not mapped to itself */
	MODEL_MUST = 0x80,   /* mapped from the start; else it may be */
	MODEL_TYPE = 0x0f,
};

static u8 model[MODEL_PAGES];
static bool uniform_2m[MODEL_PAGES * PAGE_SIZE / SIZE_2M];
static bool uniform_1g[MODEL_PAGES * PAGE_SIZE / SIZE_1G];

static bool is_ram(u64 page)
{
	for (uint i = 0; i < boot_info.map.count; i++) {
		const struct mem_range *r = &boot_info.map.range[i];

		if (r->type != MEM_RESERVED && r->base < page + PAGE_SIZE &&
		    page < r->base + r->size)
			return true;
	}
	return false;
}

/* Is the block of @size at @base all of one kind in the model? */
static bool model_uniform(u64 base, u64 size)
{
	const u8 *m = &model[base / PAGE_SIZE];

	for (u64 i = 0; i < size / PAGE_SIZE; i++)
		if ((m[i] & MODEL_HIDDEN) || (m[i] ^ m[0]) & MODEL_TYPE)
			return false;
	return true;
}

/* @mtrr is NULL: all is write-back. */
static void make_model(const struct mtrr_state *mtrr, u64 end)
{
	for (u64 page = 0; page < end; page += PAGE_SIZE) {
		u8 *m = &model[page / PAGE_SIZE];

		*m = mtrr ? model_type(mtrr, page) : CACHE_WB;
		if (page - boot_info.vmm_base.v < boot_info.vmm_size)
			*m = CACHE_WB | MODEL_HIDDEN;
		if (page < 4 * GIB || is_ram(page))
			*m |= MODEL_MUST;
	}
	for (u64 base = 0; base < end; base += SIZE_2M)
		uniform_2m[base / SIZE_2M] = model_uniform(base, SIZE_2M);
	for (u64 base = 0; base < end; base += SIZE_1G)
		uniform_1g[base / SIZE_1G] = model_uniform(base, SIZE_1G);
}

/* The largest leaf that can be around @gpa. */
static u64 model_leaf(const struct nested_map *map, u64 gpa)
{
	if (map->format->has_1g && uniform_1g[gpa / SIZE_1G])
		return SIZE_1G;
	return uniform_2m[gpa / SIZE_2M] ? SIZE_2M : PAGE_SIZE;
}

static u64 expected_bits(const struct nested_map *map, u8 m, u64 size)
{
	const struct nested_format *format = map->format;
	u64 bits = format->leaf;

	if (m & MODEL_HIDDEN)
		bits ^= format->no_exec;
	else
		bits |= format->write;
	if (size > PAGE_SIZE)
		bits |= format->large;
	if (format->has_type)
		bits |= (u64)(m & MODEL_TYPE) << format->type_shift;
	return bits;
}

/* Check the pages that the leaf at @gpa of @size maps, and return its end. */
static u64 check_leaf(const struct nested_map *map, u64 gpa, u64 size)
{
	static u64 blank;
	u64 entry, base = ALIGN_DOWN(gpa, size), page;
	phys_t hpa, last;
	bool needed = false;

	assert_int_equal(base, gpa);
	host_lookup(map, GPHYS(gpa), &hpa, &entry, NULL);
	host_lookup(map, GPHYS(gpa + size - 1), &last, NULL, NULL);
	assert_int_equal(last.v - hpa.v, size - 1);
	if (gpa == boot_info.vmm_base.v)
		blank = hpa.v;
	for (page = gpa; page < gpa + size; page += PAGE_SIZE) {
		u8 m = model[page / PAGE_SIZE];
		u64 to = (m & MODEL_HIDDEN) ? blank : gpa;

		needed |= m & MODEL_MUST;
		if (entry != (to | expected_bits(map, m, size)))
			fail_msg("page 0x%lx in a leaf of 0x%lx bytes: entry "
				 "0x%lx, model 0x%x",
				 page, size, entry, m);
	}
	if (hpa.v != ((model[gpa / PAGE_SIZE] & MODEL_HIDDEN) ? blank : gpa))
		fail_msg("0x%lx is mapped to 0x%lx", gpa, hpa.v);
	if (!needed)
		fail_msg("0x%lx is mapped and need not be", gpa);
	if (size != model_leaf(map, gpa))
		fail_msg("0x%lx: a leaf of 0x%lx could be 0x%lx", gpa, size,
			 model_leaf(map, gpa));
	return gpa + size;
}

/* Every page of [0, @end) against the model. */
static void check_map(const struct nested_map *map,
		      const struct mtrr_state *mtrr, u64 end)
{
	u64 gpa = 0, size;

	make_model(mtrr, end);
	while (gpa < end) {
		if (!host_lookup(map, GPHYS(gpa), NULL, NULL, &size)) {
			gpa = check_leaf(map, gpa, size);
			continue;
		}
		if (model[gpa / PAGE_SIZE] & MODEL_MUST)
			fail_msg("0x%lx is not mapped", gpa);
		gpa += PAGE_SIZE;
	}
	assert_int_equal(map->pages, host_live_pages);
}

static void build_and_check(const struct nested_format *format,
			    const struct mtrr_state *mtrr, u64 end)
{
	struct nested_map map;

	assert_int_equal(nested_map_build(&map, format, mtrr, LIMIT), 0);
	check_map(&map, mtrr, end);
	nested_map_free(&map);
	assert_int_equal(host_live_pages, 0);
}

/* Firmware of the usual kind: the hole from @hole to 4 GiB is uncached. */
static void mtrr_usual(struct mtrr_state *mtrr, u64 hole)
{
	mtrr_start(mtrr, 39, CACHE_WB);
	mtrr_usual_fixed(mtrr);
	while (hole < 4 * GIB) {
		mtrr_block(mtrr, hole, hole & -hole, CACHE_UC);
		hole += hole & -hole;
	}
}

/* As many PCs have it: uncached by default, RAM named, in GiB from 0. */
static void mtrr_default_uc(struct mtrr_state *mtrr, u64 hole, u64 ram_end)
{
	u64 base, size;

	mtrr_start(mtrr, 39, CACHE_UC);
	mtrr_usual_fixed(mtrr);
	for (base = 0; base < ram_end; base += size) {
		size = base ? base & -base : 4 * GIB;
		while (base + size > ram_end && size > 64 * MIB)
			size /= 2;
		mtrr_block(mtrr, base, size, CACHE_WB);
	}
	for (base = hole; base < 4 * GIB; base += base & -base)
		mtrr_block(mtrr, base, base & -base, CACHE_UC);
}

static void an_ept_has_the_types_of_a_small_machine(void **state)
{
	struct mtrr_state mtrr;

	mtrr_usual(&mtrr, 3 * GIB);
	host_machine(512 * MIB, 3 * GIB, 384 * MIB - 4 * MIB, 128 * MIB);
	build_and_check(&ept_1g, &mtrr, 6 * GIB);
	build_and_check(&ept_2m, &mtrr, 6 * GIB);
}

static void an_ept_has_the_types_of_a_machine_with_ram_above_4_gib(void **state)
{
	struct mtrr_state mtrr;

	mtrr_default_uc(&mtrr, 2304 * MIB, 14 * GIB + 704 * MIB);
	host_machine(12 * GIB + 960 * MIB, 2304 * MIB, 2304 * MIB - 132 * MIB,
		     128 * MIB);
	build_and_check(&ept_1g, &mtrr, 16 * GIB);
	build_and_check(&ept_2m, &mtrr, 16 * GIB);
}

static void ram_that_ends_within_a_gib_is_mapped(void **state)
{
	struct mtrr_state mtrr;

	mtrr_usual(&mtrr, 3 * GIB);
	host_machine(4 * GIB + 12 * KIB, 3 * GIB, 3 * GIB - 136 * MIB,
		     132 * MIB);
	build_and_check(&ept_1g, &mtrr, 8 * GIB);
	mtrr_block(&mtrr, 5 * GIB, 4 * KIB, CACHE_WT);
	build_and_check(&ept_1g, &mtrr, 8 * GIB);
	build_and_check(&ept_2m, &mtrr, 8 * GIB);
}

static void acpi_tables_above_4_gib_are_mapped_and_devices_are_not(void **state)
{
	static const struct mem_range ranges[] = {
		{5 * GIB, 64 * KIB, MEM_ACPI},
		{7 * GIB - 4 * KIB, 8 * KIB, MEM_NVS},
		{10 * GIB, GIB, MEM_RESERVED},
	};
	struct nested_map map;

	host_machine(GIB, 3 * GIB, 512 * MIB, 128 * MIB);
	for (uint i = 0; i < ARRAY_SIZE(ranges); i++)
		boot_info.map.range[boot_info.map.count++] = ranges[i];
	build_and_check(&ept_1g, NULL, 12 * GIB);
	assert_int_equal(nested_map_build(&map, &ept_2m, NULL, LIMIT), 0);
	check_map(&map, NULL, 12 * GIB);
	assert_int_equal(host_lookup(&map, GPHYS(10 * GIB), NULL, NULL, NULL),
			 -ENOENT);
	nested_map_free(&map);
}

static void disabled_mtrrs_make_all_but_our_range_uncached(void **state)
{
	struct mtrr_state mtrr;

	mtrr_usual(&mtrr, 3 * GIB);
	mtrr.enabled = false;
	host_machine(GIB, 3 * GIB, 512 * MIB, 128 * MIB);
	build_and_check(&ept_1g, &mtrr, 5 * GIB);
}

static void fixed_ranges_need_not_be_enabled(void **state)
{
	struct mtrr_state mtrr;

	mtrr_usual(&mtrr, 3 * GIB);
	mtrr.fixed_enabled = false;
	host_machine(GIB, 3 * GIB, 512 * MIB, 128 * MIB);
	build_and_check(&ept_1g, &mtrr, 5 * GIB);
	build_and_check(&ept_2m, &mtrr, 5 * GIB);
}

static void types_change_just_beside_2_mib_and_1_gib_boundaries(void **state)
{
	static const u64 edges[] = {2 * MIB, 4 * MIB, GIB, 2 * GIB, 5 * GIB};
	struct mtrr_state mtrr;

	for (uint i = 0; i < ARRAY_SIZE(edges); i++) {
		mtrr_start(&mtrr, 39, CACHE_WB);
		mtrr_block(&mtrr, edges[i], 4 * KIB, CACHE_WC);
		mtrr_block(&mtrr, edges[i] - 4 * KIB, 4 * KIB, CACHE_WT);
		mtrr_block(&mtrr, edges[i] + GIB, 2 * MIB, CACHE_UC);
		mtrr_block(&mtrr, edges[i] + GIB - 4 * MIB, 2 * MIB, CACHE_WP);
		host_machine(6 * GIB, 3 * GIB, 256 * MIB, 4 * MIB);
		build_and_check(&ept_1g, &mtrr, 8 * GIB);
		build_and_check(&ept_2m, &mtrr, 8 * GIB);
	}
}

static void blocks_of_one_type_side_by_side_make_large_leaves(void **state)
{
	struct mtrr_state mtrr;
	u64 size;

	mtrr_start(&mtrr, 39, CACHE_UC);
	for (size = 2 * GIB; size >= 256 * MIB; size /= 2)
		mtrr_block(&mtrr, 4 * GIB - 2 * size, size, CACHE_WB);
	mtrr_block(&mtrr, 4 * GIB - 256 * MIB, 256 * MIB, CACHE_WB);
	mtrr_block(&mtrr, GIB, 16 * KIB, CACHE_WB);
	host_machine(GIB, 3 * GIB, 512 * MIB, 128 * MIB);
	build_and_check(&ept_1g, &mtrr, 5 * GIB);
}

static void our_range_may_lie_anywhere_below_4_gib(void **state)
{
	static const struct {
		u64 base, size;
	} ranges[] = {
		{4 * GIB - 4 * MIB, 4 * MIB},
		{4 * GIB - 128 * MIB, 128 * MIB},
		{4 * MIB, 4 * MIB},
		{2 * GIB - 4 * MIB, 8 * MIB}, /* over a GiB boundary */
		{GIB, GIB},
		{GIB - 4 * MIB, GIB + 8 * MIB},
		{3 * GIB - 260 * MIB, 256 * MIB},
	};
	struct mtrr_state mtrr;

	mtrr_usual(&mtrr, 3584 * MIB);
	for (uint i = 0; i < ARRAY_SIZE(ranges); i++) {
		host_machine(4 * GIB, 3584 * MIB, ranges[i].base,
			     ranges[i].size);
		build_and_check(&ept_1g, &mtrr, 5 * GIB);
		build_and_check(&npt_2m, NULL, 5 * GIB);
	}
}

static void an_npt_is_write_back_and_as_coarse_as_can_be(void **state)
{
	host_machine(10 * GIB, 3 * GIB, 3 * GIB - 132 * MIB, 128 * MIB);
	build_and_check(&npt_1g, NULL, 13 * GIB);
	build_and_check(&npt_2m, NULL, 13 * GIB);
}

static void an_npt_is_split_where_given_types_change(void **state)
{
	struct mtrr_state mtrr;

	mtrr_usual(&mtrr, 3584 * MIB);
	host_machine(10 * GIB, 3584 * MIB, 3 * GIB - 132 * MIB, 128 * MIB);
	build_and_check(&npt_1g, &mtrr, 13 * GIB);
	build_and_check(&npt_2m, &mtrr, 13 * GIB);
}

static void holes_in_masks_are_followed(void **state)
{
	struct mtrr_state mtrr;

	mtrr_usual(&mtrr, 3 * GIB);
	mtrr_masked(&mtrr, 0, ~(GIB | (64 * MIB - 1)), CACHE_UC);
	mtrr_masked(&mtrr, 5 * GIB, ~(8 * MIB | (4 * KIB - 1)), CACHE_UC);
	host_machine(6 * GIB, 3 * GIB, 256 * MIB, 128 * MIB);
	build_and_check(&ept_1g, &mtrr, 8 * GIB);
	build_and_check(&ept_2m, &mtrr, 8 * GIB);
}

static u64 random_vmm_base(u64 low, u64 size)
{
	return (host_random((low - size) / (4 * MIB) - 1) + 1) * 4 * MIB;
}

static void random_mtrrs_and_machines_agree_with_the_model(void **state)
{
	u64 count = host_operations(12);
	const struct nested_format *formats[] = {&ept_1g, &ept_2m, &npt_1g};
	struct mtrr_state mtrr;

	host_seed();
	while (count--) {
		u64 low = (256 + host_random(3840 - 256)) * MIB;
		u64 high = host_random(2) ? host_random(2048) * MIB : 0;
		u64 size = (1 + host_random(32)) * 4 * MIB;

		host_machine(low + high, low, random_vmm_base(low, size), size);
		mtrr_random(&mtrr, 33);
		build_and_check(formats[count % ARRAY_SIZE(formats)], &mtrr,
				7 * GIB);
	}
}

/* Pages of a map; tables and all. */
static uint pages_of(const struct nested_format *format,
		     const struct mtrr_state *mtrr)
{
	struct nested_map map;
	uint pages;

	assert_int_equal(nested_map_build(&map, format, mtrr, LIMIT), 0);
	pages = map.pages;
	assert_int_equal(pages, host_live_pages);
	nested_map_free(&map);
	return pages;
}

static void a_usual_machine_takes_eight_pages_at_most(void **state)
{
	static const struct {
		u64 ram, hole; /* MiB */
	} machines[] = {{512, 3072},   {1024, 3072},  {2048, 3072},
			{4096, 3072},  {4096, 2048},  {8192, 3072},
			{8192, 3584},  {16384, 2304}, {16384, 2560},
			{32768, 1920}, {65536, 3072}, {65536, 2304}};
	struct mtrr_state usual, uc;

	print_message("RAM MiB, hole at: pages of EPT (WB default, UC default),"
		      " NPT, NPT split; EPT without 1 GiB\n");
	for (uint i = 0; i < ARRAY_SIZE(machines); i++) {
		u64 ram = machines[i].ram * MIB, hole = machines[i].hole * MIB;
		u64 low = MIN(ram, hole), top = 4 * GIB + ram - low;
		uint n[5];

		host_machine(ram, low, low - 132 * MIB, 128 * MIB);
		mtrr_usual(&usual, hole);
		mtrr_default_uc(&uc, hole, ram > low ? top : 4 * GIB);
		n[0] = pages_of(&ept_1g, &usual);
		n[1] = pages_of(&ept_1g, &uc);
		n[2] = pages_of(&npt_1g, NULL);
		n[3] = pages_of(&npt_1g, &usual);
		n[4] = pages_of(&ept_2m, &usual);
		print_message("%6lu %5lu: %2u %2u  %2u %2u; %3u\n",
			      machines[i].ram, machines[i].hole, n[0], n[1],
			      n[2], n[3], n[4]);
		for (uint k = 0; k < 4; k++)
			assert_true(n[k] <= 8);
	}
}

static void out_of_memory_at_any_page_leaves_nothing_behind(void **state)
{
	const struct nested_format *formats[] = {&ept_1g, &ept_2m, &npt_1g};
	struct mtrr_state mtrr;
	struct nested_map map;

	mtrr_usual(&mtrr, 2304 * MIB);
	host_machine(6 * GIB, 2304 * MIB, 2304 * MIB - 132 * MIB, 128 * MIB);
	for (uint i = 0; i < ARRAY_SIZE(formats); i++) {
		uint needed = pages_of(formats[i], &mtrr);

		for (uint n = 0; n < needed; n++) {
			host_pages_left = n;
			assert_int_equal(nested_map_build(&map, formats[i],
							  &mtrr, LIMIT),
					 -ENOMEM);
			assert_int_equal(host_live_pages, 0);
		}
		host_pages_left = -1;
	}
}

static void a_range_that_is_not_whole_2_mib_is_refused(void **state)
{
	struct nested_map map;

	host_machine(GIB, 3 * GIB, 512 * MIB + PAGE_SIZE, 128 * MIB);
	assert_int_equal(nested_map_build(&map, &ept_1g, NULL, LIMIT), -EINVAL);
	host_machine(GIB, 3 * GIB, 512 * MIB, 127 * MIB);
	assert_int_equal(nested_map_build(&map, &ept_1g, NULL, LIMIT), -EINVAL);
	assert_int_equal(host_live_pages, 0);
}

static void the_limit_is_what_four_levels_reach(void **state)
{
	struct nested_map map;

	host_machine(GIB, 3 * GIB, 512 * MIB, 128 * MIB);
	assert_int_equal(nested_map_build(&map, &ept_1g, NULL, BIT(52)), 0);
	assert_int_equal(map.limit, BIT(48));
	nested_map_free(&map);
}

static void ram_beyond_the_limit_is_not_mapped(void **state)
{
	struct nested_map map;

	host_machine(GIB, 3 * GIB, 512 * MIB, 128 * MIB);
	boot_info.map.range[boot_info.map.count++] =
		(struct mem_range){63 * GIB, -(63 * GIB), MEM_RAM};
	assert_int_equal(nested_map_build(&map, &ept_1g, NULL, 64 * GIB), 0);
	assert_int_equal(
		host_lookup(&map, GPHYS(64 * GIB - 1), NULL, NULL, NULL), 0);
	assert_int_equal(host_lookup(&map, GPHYS(64 * GIB), NULL, NULL, NULL),
			 -ENOENT);
	nested_map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ept_has_the_types_of_a_small_machine),
		cmocka_unit_test(
			an_ept_has_the_types_of_a_machine_with_ram_above_4_gib),
		cmocka_unit_test(ram_that_ends_within_a_gib_is_mapped),
		cmocka_unit_test(
			acpi_tables_above_4_gib_are_mapped_and_devices_are_not),
		cmocka_unit_test(
			disabled_mtrrs_make_all_but_our_range_uncached),
		cmocka_unit_test(fixed_ranges_need_not_be_enabled),
		cmocka_unit_test(
			types_change_just_beside_2_mib_and_1_gib_boundaries),
		cmocka_unit_test(
			blocks_of_one_type_side_by_side_make_large_leaves),
		cmocka_unit_test(our_range_may_lie_anywhere_below_4_gib),
		cmocka_unit_test(an_npt_is_write_back_and_as_coarse_as_can_be),
		cmocka_unit_test(an_npt_is_split_where_given_types_change),
		cmocka_unit_test(holes_in_masks_are_followed),
		cmocka_unit_test(
			random_mtrrs_and_machines_agree_with_the_model),
		cmocka_unit_test(a_usual_machine_takes_eight_pages_at_most),
		cmocka_unit_test(
			out_of_memory_at_any_page_leaves_nothing_behind),
		cmocka_unit_test(a_range_that_is_not_whole_2_mib_is_refused),
		cmocka_unit_test(the_limit_is_what_four_levels_reach),
		cmocka_unit_test(ram_beyond_the_limit_is_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
