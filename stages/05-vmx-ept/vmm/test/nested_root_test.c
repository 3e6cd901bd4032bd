/*
 * Where the guest's reads go, for Vellum's own: nested_root_lookup().
 */
#include "heap/heap.h"
#include "lib/errno.h"
#include "vmm/mmio.h"
#include "vmm/nested_root.h"
#include "vmm/test/nested_host.h"

#define VMM_BASE (1 * GIB)
#define VMM_SIZE (4 * MIB)
#define LIMIT    BIT(39)

static struct nested_root root;

void *alloc(uint size)
{
	return malloc(size);
}

void free(void *p)
{
	libc_free(p);
}

static void enter_nothing(struct vcpu *vcpu, const struct vm_exit *exit)
{
}

static bool always(void)
{
	return true;
}

static struct mmio_page watched = {
	.page = {0xfee00000},
	.size = PAGE_SIZE,
	.wanted = always,
	.write = enter_nothing,
};

static const u8 ones[PAGE_SIZE] __aligned(PAGE_SIZE) = {0xff, 0xff};
static struct mmio_page taken = {
	.page = {0xfebe0000},
	.size = 3 * PAGE_SIZE,
	.shown = ones,
	.wanted = always,
	.write = enter_nothing,
};

static int start(void **state)
{
	mmio_watch(&watched);
	mmio_watch(&taken);
	host_machine(2 * GIB, 2 * GIB, VMM_BASE, VMM_SIZE);
	return nested_root_init(&root, &npt_2m, NULL, LIMIT);
}

static u64 at(u64 gpa)
{
	phys_t hpa;

	assert_int_equal(nested_root_lookup(&root, GPHYS(gpa), false, &hpa), 0);
	return hpa.v;
}

static void memory_is_where_the_guest_finds_it(void **state)
{
	assert_int_equal(at(0), 0);
	assert_int_equal(at(VMM_BASE - 1), VMM_BASE - 1);
	assert_int_equal(at(VMM_BASE + VMM_SIZE), VMM_BASE + VMM_SIZE);
	assert_int_equal(at(4 * GIB - 1), 4 * GIB - 1);
}

static void what_no_map_has_listed_is_mapped_on_the_way(void **state)
{
	uint pages = root.map->pages;

	assert_int_equal(at(7 * GIB + 12345), 7 * GIB + 12345);
	assert_true(root.map->pages > pages);
	assert_true(host_touch(root.map, 7 * GIB + 12345, true));
	assert_int_equal(at(LIMIT - 1), LIMIT - 1);
}

static void our_range_reads_as_the_blank_page(void **state)
{
	const u8 *blank = (const u8 *)at(VMM_BASE);

	assert_int_equal(at(VMM_BASE + VMM_SIZE - 1), (u64)blank + 4095);
	assert_int_equal(blank[0] | blank[4095], 0);
	assert_int_equal(nested_root_fault(&root, GPHYS(VMM_BASE + 8192), true),
			 0);
	assert_int_not_equal(at(VMM_BASE + 8192), (u64)blank);
}

static void there_is_an_end_of_addresses_and_of_pages(void **state)
{
	phys_t hpa;

	assert_int_equal(nested_root_lookup(&root, GPHYS(LIMIT), false, &hpa),
			 -EFAULT);
	assert_int_equal(nested_root_lookup(&root, GPHYS(~0UL), true, &hpa),
			 -EFAULT);
	host_pages_left = 0;
	assert_int_equal(nested_root_lookup(&root, GPHYS(9 * GIB), false, &hpa),
			 -ENOMEM);
	host_pages_left = -1;
	assert_int_equal(at(9 * GIB), 9 * GIB);
}

static void a_write_goes_where_the_guests_own_would(void **state)
{
	phys_t hpa, blank, scratch;

	assert_int_equal(nested_root_lookup(&root, GPHYS(5), true, &hpa), 0);
	assert_int_equal(hpa.v, 5);
	assert_int_equal(
		nested_root_lookup(&root, GPHYS(VMM_BASE), false, &blank), 0);
	assert_int_equal(
		nested_root_lookup(&root, GPHYS(VMM_BASE), true, &scratch), 0);
	assert_int_not_equal(scratch.v, blank.v);
	assert_int_equal(at(VMM_BASE), scratch.v);
	assert_int_equal(
		nested_root_lookup(&root, GPHYS(watched.page.v), true, &hpa),
		-EPERM);
	assert_int_equal(at(watched.page.v), watched.page.v);
}

/* In each of its pages, and nowhere beside them; in a map of new types, too. */
static void a_device_that_is_taken_away_shows_a_page_of_ours(void **state)
{
	static struct mtrr_state all_uncached = {.enabled = true};
	u64 end = taken.page.v + taken.size;
	phys_t hpa;

	for (uint round = 0; round < 2; round++) {
		for (u64 page = taken.page.v; page < end; page += PAGE_SIZE) {
			assert_int_equal(at(page), (u64)ones);
			assert_int_equal(at(page + 4095), (u64)ones + 4095);
			assert_int_equal(nested_root_lookup(&root, GPHYS(page),
							    true, &hpa),
					 -EPERM);
			assert_false(host_touch(root.map, page, true));
		}
		assert_int_equal(at(taken.page.v - 1), taken.page.v - 1);
		assert_int_equal(at(end), end);
		assert_true(host_touch(root.map, end, true));
		assert_int_equal(nested_root_retype(&root, &all_uncached), 0);
	}
}

/* Where it goes, what was mapped is forgotten, in the leaf of any size; where
 * it was, the guest finds what is there. */
static void a_device_that_moves_is_taken_away_at_the_new_place(void **state)
{
	u64 old = taken.page.v, new = 6 * GIB + 2 * MIB + PAGE_SIZE;

	assert_int_equal(at(new), new);
	taken.page.v = new;
	nested_maps_forget(GPHYS(new));
	nested_maps_forget(GPHYS(old));
	nested_root_renew(&root);
	assert_false(host_touch(root.map, new, false));
	assert_int_equal(at(new), (u64)ones);
	assert_int_equal(at(old), old);
	assert_int_equal(at(new - 1), new - 1);
	assert_int_equal(at(new + taken.size), new + taken.size);
	taken.page.v = old;
	nested_maps_forget(GPHYS(new));
	nested_maps_forget(GPHYS(old));
	nested_root_renew(&root);
	assert_int_equal(at(old), (u64)ones);
}

static void what_is_ours_is_not_forgotten(void **state)
{
	u64 first = at(VMM_BASE), second = at(VMM_BASE + SIZE_2M);

	nested_maps_forget(GPHYS(VMM_BASE));
	nested_maps_forget(GPHYS(LIMIT));
	nested_maps_forget(GPHYS(~0UL));
	assert_int_equal(at(VMM_BASE), first);
	assert_int_equal(at(VMM_BASE + SIZE_2M), second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_where_the_guest_finds_it),
		cmocka_unit_test(what_no_map_has_listed_is_mapped_on_the_way),
		cmocka_unit_test(our_range_reads_as_the_blank_page),
		cmocka_unit_test(a_write_goes_where_the_guests_own_would),
		cmocka_unit_test(
			a_device_that_is_taken_away_shows_a_page_of_ours),
		cmocka_unit_test(
			a_device_that_moves_is_taken_away_at_the_new_place),
		cmocka_unit_test(what_is_ours_is_not_forgotten),
		cmocka_unit_test(there_is_an_end_of_addresses_and_of_pages),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
