/*
 * Nested page tables of very many CPUs, with the real code: what they cost, and
 * that they stay right while the guest changes the MTRRs of one after another.
 */
#include "heap/heap.h"
#include "host.h"
#include "lib/errno.h"
#include "vmm/nested_root.h"
#include "vmm/test/nested_host.h"

#define CPUS 1024

void *alloc(uint n)
{
	return malloc(n);
}

void free(void *p)
{
	libc_free(p);
}

static struct nested_root roots[CPUS];
static struct mtrr_state types;

static int machine_of_64_gib(void **state)
{
	host_machine(64 * GIB, 2 * GIB, 2 * GIB - 128 * MIB, 128 * MIB);
	mtrr_all_write_back(&types);
	types.enabled = true;
	types.address_mask = BIT(46) - 1;
	return 0;
}

static void build(uint from, uint to, const struct nested_format *format)
{
	for (uint i = from; i < to; i++)
		assert_int_equal(
			nested_root_init(&roots[i], format, &types, BIT(46)),
			0);
}

/* There is no nested_root_free: CPUs never go away. Each test stays. */
static u64 entry_of(const struct nested_root *root, u64 gpa)
{
	struct nested_map view = *root->map;
	u64 entry = 0;

	view.root = root->table;
	host_lookup(&view, GPHYS(gpa), NULL, &entry, NULL);
	return entry;
}

static void a_cpu_costs_one_page(void **state)
{
	u32 before = host_live_pages, first;
	uint pages;

	build(0, 1, &ept_2m);
	first = host_live_pages - before;
	build(1, CPUS, &ept_2m);
	pages = host_live_pages - before;
	assert_int_equal(pages, first + CPUS - 1);
	print_message("%u CPUs: %u pages, %u of them shared\n", CPUS, pages,
		      first - 1);
	assert_true((pages - CPUS) / CPUS + 1 <= 8); /* 32 KiB */
}

static void device_memory_found_by_one_is_found_by_all(void **state)
{
	u64 high = 5UL << 40; /* no CPU's root has an entry for that */

	assert_int_equal(entry_of(&roots[1], high), 0);
	assert_int_equal(nested_root_fault(&roots[1], GPHYS(high), false), 0);
	assert_int_not_equal(entry_of(&roots[1], high), 0);
	assert_int_equal(nested_root_fault(&roots[2], GPHYS(high), false), 0);
	assert_int_equal(entry_of(&roots[2], high), entry_of(&roots[1], high));
}

static uint type_of(u64 entry)
{
	return entry >> 3 & 7;
}

/* Each CPU in turn, as a guest does it; twice, there and back. */
static void cpus_move_to_new_types_one_by_one(void **state)
{
	struct mtrr_state wb = types, uc = types;
	u32 before = host_live_pages;
	const struct mtrr_state *to[] = {&uc, &wb};

	uc.default_type = CACHE_UC;
	wb.default_type = CACHE_WB;
	for (uint i = 0; i < CPUS; i++)
		assert_int_equal(nested_root_retype(&roots[i], &wb), 0);
	before = host_live_pages;
	for (uint round = 0; round < 2; round++)
		for (uint i = 0; i < CPUS; i++) {
			u64 at = 3 * GIB;

			assert_int_equal(
				nested_root_retype(&roots[i], to[round]), 0);
			assert_int_equal(type_of(entry_of(&roots[i], at)),
					 to[round]->default_type);
			if (i + 1 < CPUS)
				assert_int_equal(
					type_of(entry_of(&roots[i + 1], at)),
					to[!round]->default_type);
		}
	assert_true(host_live_pages <= before);
}

static void cpus_that_can_do_different_things_share_no_map(void **state)
{
	static struct nested_root large, narrow, other;

	assert_int_equal(nested_root_init(&large, &ept_1g, &types, BIT(46)), 0);
	assert_int_equal(nested_root_init(&narrow, &ept_1g, &types, BIT(39)),
			 0);
	assert_int_equal(nested_root_init(&other, &ept_1g, &types, BIT(46)), 0);
	assert_ptr_not_equal(large.map, roots[9].map);
	assert_ptr_not_equal(large.map, narrow.map);
	assert_ptr_equal(large.map, other.map);
	assert_int_equal(nested_root_fault(&narrow, GPHYS(BIT(40)), false),
			 -EFAULT);
	assert_int_equal(nested_root_fault(&large, GPHYS(BIT(40)), false), 0);
}

static void no_memory_for_new_types_leaves_the_old(void **state)
{
	struct mtrr_state wc = types;
	u64 entry = entry_of(&roots[7], 3 * GIB);

	wc.default_type = CACHE_WC;
	host_pages_left = 3;
	assert_int_not_equal(nested_root_retype(&roots[7], &wc), 0);
	host_pages_left = -1;
	assert_int_equal(entry_of(&roots[7], 3 * GIB), entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cpu_costs_one_page),
		cmocka_unit_test(device_memory_found_by_one_is_found_by_all),
		cmocka_unit_test(cpus_move_to_new_types_one_by_one),
		cmocka_unit_test(
			cpus_that_can_do_different_things_share_no_map),
		cmocka_unit_test(no_memory_for_new_types_leaves_the_old),
	};

	return cmocka_run_group_tests(tests, machine_of_64_gib, NULL);
}
