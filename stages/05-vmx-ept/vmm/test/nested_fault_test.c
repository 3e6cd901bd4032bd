/*
 * Host tests of what changes a nested map after it is built: first touches,
 * writes to our range, new memory types. Entries get their accessed and dirty
 * bits in between, as on the machine.
 */
#include "lib/errno.h"
#include "vmm/test/nested_host.h"

#define VMM_BASE  (2 * GIB - 132 * MIB)
#define VMM_SIZE  (128 * MIB)
#define VMM_PAGES (VMM_SIZE / PAGE_SIZE)
#define HOLE      (3 * GIB)
#define LIMIT     BIT(39)

static struct mtrr_state mtrr;
static struct nested_map map;

/* Uncached from 3 GiB to 4 GiB, and 4 KiB of it at 6.5 GiB. */
static int start(const struct nested_format *format)
{
	memset(&mtrr, 0, sizeof(mtrr));
	mtrr.enabled = true;
	mtrr.default_type = CACHE_WB;
	mtrr.address_mask = LIMIT - 1;
	mtrr.variable_count = 2;
	mtrr.variable[0].base = HOLE | CACHE_UC;
	mtrr.variable[0].mask = (~(GIB - 1) & (LIMIT - 1)) | MTRR_MASK_VALID;
	mtrr.variable[1].base = (6 * GIB + 512 * MIB) | CACHE_UC;
	mtrr.variable[1].mask = (~0xfffUL & (LIMIT - 1)) | MTRR_MASK_VALID;
	host_machine(4 * GIB, HOLE, VMM_BASE, VMM_SIZE);
	host_printed[0] = '\0';
	return nested_map_build(&map, format, &mtrr, LIMIT);
}

static int start_ept(void **state)
{
	return start(&ept_1g);
}

static int start_npt(void **state)
{
	return start(&npt_2m);
}

static int stop(void **state)
{
	assert_false(spin_is_locked(&map.lock));
	assert_int_equal(map.pages, host_live_pages);
	nested_map_free(&map);
	assert_int_equal(host_live_pages, 0);
	host_pages_left = -1;
	return 0;
}

static u64 hpa_of(u64 gpa)
{
	phys_t hpa;

	assert_int_equal(host_lookup(&map, GPHYS(gpa), &hpa, NULL, NULL), 0);
	return hpa.v;
}

static u64 entry_of(u64 gpa)
{
	u64 entry;

	assert_int_equal(host_lookup(&map, GPHYS(gpa), NULL, &entry, NULL), 0);
	return host_fixed_bits(&map, entry);
}

static u64 leaf_of(u64 gpa)
{
	u64 size;

	assert_int_equal(host_lookup(&map, GPHYS(gpa), NULL, NULL, &size), 0);
	return size;
}

/* What the vCPU does: touch, and after an exit let the map be mended. */
static void guest_access(u64 gpa, bool write)
{
	if (host_touch(&map, gpa, write))
		return;
	assert_int_equal(nested_map_fault(&map, GPHYS(gpa), write), 0);
	assert_true(host_touch(&map, gpa, write));
}

static void device_memory_is_mapped_at_first_touch(void **state)
{
	const u64 bar = 256 * GIB + 0x123456;
	uint pages = map.pages;

	assert_int_equal(host_lookup(&map, GPHYS(bar), NULL, NULL, NULL),
			 -ENOENT);
	guest_access(bar, false);
	assert_int_equal(hpa_of(bar), bar);
	assert_int_equal(leaf_of(bar), SIZE_1G);
	assert_int_equal(map.pages, pages);
	assert_true(host_touch(&map, 257 * GIB - 1, true));
	assert_false(host_touch(&map, 257 * GIB, false));
}

/* Never the page itself, whatever the guest does; also after new types. */
static void a_page_of_ours_below_1_mib_is_hidden(void **state)
{
	const u64 low = 0x9e000;

	stop(NULL);
	boot_info.low = (struct mem_range){low, PAGE_SIZE, MEM_RESERVED};
	assert_int_equal(nested_map_build(&map, map.format, &mtrr, LIMIT), 0);
	assert_int_not_equal(hpa_of(low), low);
	assert_false(host_touch(&map, low, true));
	assert_int_equal(nested_map_fault(&map, GPHYS(low), false), -EPERM);
	guest_access(low, true);
	assert_int_not_equal(hpa_of(low), low);
	assert_int_equal(hpa_of(low - 1), low - 1);
	assert_int_equal(hpa_of(low + PAGE_SIZE), low + PAGE_SIZE);
	assert_int_equal(nested_map_retype(&map, &mtrr), 0);
	assert_int_not_equal(hpa_of(low), low);
	boot_info.low.size = 0;
}

static void a_first_touch_beside_another_type_maps_less(void **state)
{
	const u64 odd = 6 * GIB + 512 * MIB;

	guest_access(odd - SIZE_2M, true);
	assert_int_equal(leaf_of(odd - SIZE_2M), SIZE_2M);
	guest_access(odd + PAGE_SIZE, true);
	assert_int_equal(leaf_of(odd + PAGE_SIZE), PAGE_SIZE);
	guest_access(odd, true);
	assert_int_equal(entry_of(odd) & 0x38, CACHE_UC << 3);
	assert_int_equal(entry_of(odd + PAGE_SIZE) & 0x38, CACHE_WB << 3);
	assert_false(host_touch(&map, odd + 2 * PAGE_SIZE, false));
}

static void a_fault_where_all_is_well_changes_nothing(void **state)
{
	u64 entry = entry_of(MIB);
	uint pages = map.pages;

	assert_int_equal(nested_map_fault(&map, GPHYS(MIB), true), 0);
	assert_int_equal(entry_of(MIB), entry);
	assert_int_equal(map.pages, pages);
	guest_access(300 * GIB, true);
	assert_int_equal(nested_map_fault(&map, GPHYS(300 * GIB), true), 0);
}

static void beyond_the_limit_there_is_nothing(void **state)
{
	assert_int_equal(nested_map_fault(&map, GPHYS(LIMIT), false), -EFAULT);
	assert_int_equal(nested_map_fault(&map, GPHYS(~0UL), true), -EFAULT);
	guest_access(LIMIT - 1, true);
	assert_int_equal(hpa_of(LIMIT - 1), LIMIT - 1);
}

static void a_first_touch_without_memory_can_be_tried_again(void **state)
{
	const u64 odd = 6 * GIB + 512 * MIB;
	uint pages = map.pages, failures = 0;

	for (host_pages_left = 0;; host_pages_left = 1) {
		int error = nested_map_fault(&map, GPHYS(odd), true);

		if (!error)
			break;
		assert_int_equal(error, -ENOMEM);
		assert_true(++failures < 3); /* it takes two tables */
	}
	assert_int_equal(failures, 2);
	assert_int_equal(map.pages, pages + 2);
	assert_int_equal(hpa_of(odd), odd);
}

static void the_blank_page_is_blank_and_everywhere(void **state)
{
	const u8 *blank = (const u8 *)hpa_of(VMM_BASE);

	for (u64 i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(blank[i], 0);
	for (u64 i = 0; i < VMM_PAGES; i++) {
		const u64 gpa = VMM_BASE + i * PAGE_SIZE;

		assert_int_equal(hpa_of(gpa), (u64)blank);
		assert_true(host_touch(&map, gpa, false));
		assert_false(host_touch(&map, gpa, true));
	}
	assert_int_equal(map.hidden_writes, 0);
}

static void the_first_write_to_a_page_of_ours_moves_it_to_scratch(void **state)
{
	const u64 gpa = VMM_BASE + 5 * MIB + 0x123;
	const u64 blank = hpa_of(VMM_BASE);
	uint pages = map.pages;
	u64 scratch;

	assert_true(host_touch(&map, gpa, false));
	guest_access(gpa, true);
	scratch = ALIGN_DOWN(hpa_of(gpa), PAGE_SIZE);
	assert_int_not_equal(scratch, blank);
	assert_int_equal(entry_of(gpa),
			 (entry_of(VMM_BASE) & PAGE_MASK) | map.format->write |
				 (entry_of(VMM_BASE) & BIT(63)) | scratch);
	assert_int_equal(map.hidden_writes, 1);
	assert_int_equal(map.pages, pages + 1);

	for (u64 i = 0; i < VMM_PAGES; i++)
		if (VMM_BASE + i * PAGE_SIZE != ALIGN_DOWN(gpa, PAGE_SIZE))
			assert_int_equal(hpa_of(VMM_BASE + i * PAGE_SIZE),
					 blank);

	/* once more, from a CPU that still had the old entry */
	assert_int_equal(nested_map_fault(&map, GPHYS(gpa), true), 0);
	assert_int_equal(map.hidden_writes, 1);
	assert_non_null(strstr(host_printed, "0x78100123"));
}

static void writing_all_of_our_range_costs_a_table_per_2_mib(void **state)
{
	uint pages = map.pages;
	u64 scratch = 0;

	for (u64 i = 0; i < VMM_PAGES; i++)
		guest_access(VMM_BASE + i * PAGE_SIZE + i % PAGE_SIZE, true);
	assert_int_equal(map.hidden_writes, VMM_PAGES);
	assert_int_equal(map.pages, pages + VMM_SIZE / SIZE_2M);
	scratch = hpa_of(VMM_BASE);
	for (u64 i = 0; i < VMM_PAGES; i++)
		assert_int_equal(hpa_of(VMM_BASE + i * PAGE_SIZE), scratch);
	assert_int_equal(hpa_of(VMM_BASE - 1), VMM_BASE - 1);
	assert_int_equal(hpa_of(VMM_BASE + VMM_SIZE), VMM_BASE + VMM_SIZE);
}

static void only_the_first_few_pages_written_to_are_logged(void **state)
{
	uint lines = 0;

	for (u64 i = 0; i < 100; i++)
		guest_access(VMM_BASE + i * PAGE_SIZE, true);
	for (const char *c = host_printed; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 8);
	assert_int_equal(map.hidden_writes, 100);
}

static void a_fetch_from_our_range_is_refused(void **state)
{
	assert_int_equal(nested_map_fault(&map, GPHYS(VMM_BASE), false),
			 -EPERM);
	guest_access(VMM_BASE, true);
	assert_int_equal(nested_map_fault(&map, GPHYS(VMM_BASE), false),
			 -EPERM);
	assert_int_equal(map.hidden_writes, 1);
}

static void a_write_to_our_range_without_memory_can_be_tried_again(void **state)
{
	host_pages_left = 0;
	assert_int_equal(nested_map_fault(&map, GPHYS(VMM_BASE), true),
			 -ENOMEM);
	assert_int_equal(map.hidden_writes, 0);
	assert_false(host_touch(&map, VMM_BASE, true));
	host_pages_left = -1;
	guest_access(VMM_BASE, true);
	assert_int_equal(map.hidden_writes, 1);
}

static void retyping_keeps_the_root_and_what_was_written_to(void **state)
{
	const u64 root = map.root.v, blank = hpa_of(VMM_BASE);
	u64 scratch;

	guest_access(VMM_BASE + 7 * PAGE_SIZE, true);
	guest_access(VMM_BASE + VMM_SIZE - 1, true);
	scratch = hpa_of(VMM_BASE + 7 * PAGE_SIZE);
	guest_access(300 * GIB, true);

	mtrr.default_type = CACHE_WT;
	mtrr.variable[0].base = GIB | CACHE_UC;
	assert_int_equal(nested_map_retype(&map, &mtrr), 0);

	assert_int_equal(map.root.v, root);
	assert_int_equal(hpa_of(VMM_BASE), blank);
	assert_int_equal(hpa_of(VMM_BASE + 7 * PAGE_SIZE), scratch);
	assert_true(host_touch(&map, VMM_BASE + 7 * PAGE_SIZE, true));
	assert_true(host_touch(&map, VMM_BASE + VMM_SIZE - 1, true));
	assert_false(host_touch(&map, VMM_BASE, true));
	assert_int_equal(map.hidden_writes, 2);
	guest_access(300 * GIB, true);
	guest_access(VMM_BASE, true);
	assert_int_equal(map.hidden_writes, 3);
	if (!map.format->has_type)
		return;
	assert_int_equal(entry_of(0) & 0x38, CACHE_WT << 3);
	assert_int_equal(entry_of(GIB) & 0x38, CACHE_UC << 3);
	assert_int_equal(entry_of(HOLE) & 0x38, CACHE_WT << 3);
	assert_int_equal(entry_of(300 * GIB) & 0x38, CACHE_WT << 3);
	assert_int_equal(entry_of(VMM_BASE) & 0x38, CACHE_WB << 3);
}

/* The fault takes its types from the map, not from the MTRRs of the moment. */
static void a_first_touch_after_retyping_has_the_new_type(void **state)
{
	mtrr.variable[1].base = (6 * GIB + 512 * MIB) | CACHE_WC;
	assert_int_equal(nested_map_retype(&map, &mtrr), 0);
	mtrr.enabled = false;
	guest_access(6 * GIB + 512 * MIB, true);
	assert_int_equal(entry_of(6 * GIB + 512 * MIB) & 0x38, CACHE_WC << 3);
	assert_int_equal(nested_map_retype(&map, NULL), 0);
	assert_int_equal(entry_of(HOLE) & 0x38, CACHE_WB << 3);
}

static void retyping_again_and_again_takes_no_more_pages(void **state)
{
	uint pages;

	guest_access(VMM_BASE, true);
	pages = map.pages;
	for (int i = 0; i < 20; i++) {
		mtrr.default_type = i % 2 ? CACHE_WB : CACHE_UC;
		assert_int_equal(nested_map_retype(&map, &mtrr), 0);
		assert_int_equal(map.pages, host_live_pages);
	}
	assert_int_equal(map.pages, pages);
}

static void retyping_without_memory_changes_nothing(void **state)
{
	static const u64 places[] = {0,        GIB,     HOLE,
				     VMM_BASE, 5 * GIB, 300 * GIB};
	u64 before[ARRAY_SIZE(places)];
	uint pages, n, i;

	guest_access(VMM_BASE, true);
	guest_access(5 * GIB, true);
	guest_access(300 * GIB, true);
	pages = map.pages;
	for (i = 0; i < ARRAY_SIZE(places); i++)
		before[i] = entry_of(places[i]);
	mtrr.default_type = CACHE_WP;
	for (n = 0;; n++) {
		host_pages_left = n;
		if (!nested_map_retype(&map, &mtrr))
			break;
		assert_int_equal(map.pages, pages);
		assert_int_equal(host_live_pages, pages);
		for (i = 0; i < ARRAY_SIZE(places); i++)
			assert_int_equal(entry_of(places[i]), before[i]);
	}
	host_pages_left = -1;
	assert_true(n >= 3);
	if (map.format->has_type)
		assert_int_equal(entry_of(0) & 0x38, CACHE_WP << 3);
}

#define WITH_EPT(test) cmocka_unit_test_setup_teardown(test, start_ept, stop)
#define WITH_BOTH(test)                                     \
	WITH_EPT(test),                                     \
	{                                                   \
#test " (NPT)", test, start_npt, stop, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_EPT(device_memory_is_mapped_at_first_touch),
		WITH_BOTH(a_page_of_ours_below_1_mib_is_hidden),
		WITH_EPT(a_first_touch_beside_another_type_maps_less),
		WITH_BOTH(a_fault_where_all_is_well_changes_nothing),
		WITH_BOTH(beyond_the_limit_there_is_nothing),
		WITH_EPT(a_first_touch_without_memory_can_be_tried_again),
		WITH_BOTH(the_blank_page_is_blank_and_everywhere),
		WITH_BOTH(
			the_first_write_to_a_page_of_ours_moves_it_to_scratch),
		WITH_BOTH(writing_all_of_our_range_costs_a_table_per_2_mib),
		WITH_BOTH(only_the_first_few_pages_written_to_are_logged),
		WITH_BOTH(a_fetch_from_our_range_is_refused),
		WITH_BOTH(
			a_write_to_our_range_without_memory_can_be_tried_again),
		WITH_BOTH(retyping_keeps_the_root_and_what_was_written_to),
		WITH_EPT(a_first_touch_after_retyping_has_the_new_type),
		WITH_BOTH(retyping_again_and_again_takes_no_more_pages),
		WITH_BOTH(retyping_without_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
