/*
 * The page table code on the host: tables lie in an array here, and what they
 * map is compared with a list of what was asked for.
 */
#include "paging/address.h"
#include "paging/early.h"
#include "paging/pagetable.h"

#include "boot/layout.h"
#include "host.h"
#include "lib/errno.h"
#include "paging/address.h"
#include "paging/early.h"

#define POOL      600
#define POOL_PHYS 0x7000000UL

static u64 pool[POOL][PT_ENTRIES];
static uint used, available;

int table_alloc(phys_t *phys)
{
	if (used == available)
		return -ENOMEM;
	memset(pool[used], 0, PAGE_SIZE);
	*phys = PHYS(POOL_PHYS + PAGE_SIZE * used++);
	return 0;
}

void *vmm_phys_to_virt(phys_t phys)
{
	u64 index = (phys.v - POOL_PHYS) / PAGE_SIZE;

	assert_true(phys.v % PAGE_SIZE == 0 && index < used);
	return pool[index];
}

static struct pagetable new_tables(uint levels, uint max_leaf)
{
	struct pagetable pt = {
		.levels = levels, .max_leaf = max_leaf, .nx = PTE_NX};

	used = 0;
	available = POOL;
	assert_int_equal(table_alloc(&pt.root), 0);
	pt.tables = 1;
	return pt;
}

static void assert_maps(const struct pagetable *pt, u64 virt, u64 phys,
			uint level, u64 bits)
{
	u64 offset = virt & (level_size(level) - 1), entry;
	uint found;

	entry = pt_lookup(pt, virt, &found);
	assert_int_equal(found, level);
	assert_int_equal((entry & PTE_ADDRESS) + offset, phys);
	assert_int_equal(entry & ~PTE_ADDRESS,
			 bits | (level > LEVEL_4K ? PTE_PS : 0));
}

static void rights_become_entry_bits(void **state)
{
	struct pagetable pt = new_tables(4, LEVEL_1G);

	assert_int_equal(pt_bits(&pt, MAP_READ), PTE_P | PTE_NX);
	assert_int_equal(pt_bits(&pt, MAP_EXEC), PTE_P);
	assert_int_equal(pt_bits(&pt, MAP_WRITE), PTE_P | PTE_W | PTE_NX);
	assert_int_equal(pt_bits(&pt, MAP_DEVICE),
			 PTE_P | PTE_NX | PTE_PCD | PTE_PWT);
	assert_int_equal(pt_bits(&pt, MAP_WRITE_COMBINING) & ~PTE_NX,
			 PTE_P | PTE_PWT);
	pt.nx = 0;
	assert_int_equal(pt_bits(&pt, MAP_WRITE), PTE_P | PTE_W);
}

/* From one page below a GiB to one page above the next: each size once. */
static void the_largest_pages_that_fit_are_used(void **state)
{
	struct pagetable pt = new_tables(4, LEVEL_1G);
	u64 virt = DIRECT_VIRT + GIB - SIZE_2M - PAGE_SIZE;
	u64 phys = GIB - SIZE_2M - PAGE_SIZE;
	u64 size = GIB + 2 * (SIZE_2M + PAGE_SIZE), bits = PTE_P | PTE_NX;

	assert_int_equal(pt_map(&pt, virt, PHYS(phys), size, bits), 0);
	assert_int_equal(pt.leaves[LEVEL_1G], 1);
	assert_int_equal(pt.leaves[LEVEL_2M], 2);
	assert_int_equal(pt.leaves[LEVEL_4K], 2);
	assert_int_equal(pt.tables, used);
	assert_maps(&pt, virt, phys, LEVEL_4K, bits);
	assert_maps(&pt, virt + PAGE_SIZE, GIB - SIZE_2M, LEVEL_2M, bits);
	assert_maps(&pt, DIRECT_VIRT + 2 * GIB - 1, 2 * GIB - 1, LEVEL_1G,
		    bits);
	assert_maps(&pt, virt + size - 1, phys + size - 1, LEVEL_4K, bits);
	assert_int_equal(pt_lookup(&pt, virt - 1, NULL), 0);
	assert_int_equal(pt_lookup(&pt, virt + size, NULL), 0);
}

static void no_page_is_larger_than_the_cpu_allows(void **state)
{
	struct pagetable pt = new_tables(4, LEVEL_2M);

	assert_int_equal(pt_map(&pt, 0, PHYS(0), 2 * GIB, PTE_P), 0);
	assert_int_equal(pt.leaves[LEVEL_1G], 0);
	assert_int_equal(pt.leaves[LEVEL_2M], 1024);
}

static void a_physical_address_out_of_step_gets_small_pages(void **state)
{
	struct pagetable pt = new_tables(4, LEVEL_1G);

	assert_int_equal(pt_map(&pt, 0, PHYS(PAGE_SIZE), SIZE_2M, PTE_P), 0);
	assert_int_equal(pt.leaves[LEVEL_4K], 512);
}

static void five_levels_work_like_four(void **state)
{
	struct pagetable pt = new_tables(5, LEVEL_1G);
	u64 last = 0xfffffffffffff000;

	assert_int_equal(pt_map(&pt, last, PHYS(MIB), PAGE_SIZE, PTE_P), 0);
	assert_int_equal(pt.tables, 5);
	assert_maps(&pt, last, MIB, LEVEL_4K, PTE_P);
	assert_int_equal(pt_lookup(&pt, 0, NULL), 0);
}

static void what_is_mapped_is_not_mapped_again(void **state)
{
	struct pagetable pt = new_tables(4, LEVEL_1G);

	assert_int_equal(pt_map(&pt, SIZE_2M, PHYS(0), SIZE_2M, PTE_P), 0);
	assert_int_equal(pt_map(&pt, SIZE_2M, PHYS(0), SIZE_2M, PTE_P),
			 -EEXIST);
	assert_int_equal(pt_map(&pt, 0, PHYS(0), GIB, PTE_P), -EEXIST);
	assert_int_equal(
		pt_map(&pt, 2 * SIZE_2M - PAGE_SIZE, PHYS(0), SIZE_2M, PTE_P),
		-EEXIST);
	assert_int_equal(pt_lookup(&pt, SIZE_2M, NULL) & PTE_ADDRESS, 0);
}

static void without_memory_for_a_table_an_error_is_returned(void **state)
{
	for (available = 1; available < 4; available++) {
		uint limit = available;
		struct pagetable pt = new_tables(4, LEVEL_1G);

		available = limit;
		assert_int_equal(pt_map(&pt, 0, PHYS(0), PAGE_SIZE, PTE_P),
				 -ENOMEM);
		assert_int_equal(pt_lookup(&pt, 0, NULL), 0);
		assert_null(pt_entry(&pt, 0, LEVEL_4K));
	}
}

static void a_split_page_maps_what_it_did_before(void **state)
{
	struct pagetable pt = new_tables(4, LEVEL_1G);
	u64 bits = PTE_P | PTE_W | PTE_NX, at = 5 * SIZE_2M + 7 * PAGE_SIZE;
	u64 *entry;

	assert_int_equal(pt_map(&pt, 0, PHYS(GIB), GIB, bits), 0);
	entry = pt_entry(&pt, at, LEVEL_4K);
	assert_non_null(entry);
	for (u64 virt = 0; virt < GIB; virt += PAGE_SIZE)
		assert_maps(&pt, virt, GIB + virt,
			    virt / SIZE_2M == 5 ? LEVEL_4K : LEVEL_2M, bits);
	*entry = PTE_GUARD;
	assert_int_equal(pt_lookup(&pt, at + 5, NULL), PTE_GUARD);
	assert_maps(&pt, at - 1, GIB + at - 1, LEVEL_4K, bits);
	assert_maps(&pt, at + PAGE_SIZE, GIB + at + PAGE_SIZE, LEVEL_4K, bits);
}

static void a_split_without_memory_leaves_the_large_page(void **state)
{
	struct pagetable pt = new_tables(4, LEVEL_2M);

	assert_int_equal(pt_map(&pt, 0, PHYS(0), SIZE_2M, PTE_P), 0);
	available = used;
	assert_null(pt_entry(&pt, 0, LEVEL_4K));
	assert_maps(&pt, 0, 0, LEVEL_2M, PTE_P);
}

/* Areas of random size and distance, then every edge is looked up. */
static void random_areas_are_found_where_they_were_mapped(void **state)
{
	struct {
		u64 virt, phys, size;
	} area[24];

	host_seed();
	for (u64 n = host_operations(200); n; n--) {
		struct pagetable pt = new_tables(4 + n % 2, 1 + n % 3);
		u64 at = PAGE_SIZE;

		for (uint i = 0; i < ARRAY_SIZE(area); i++) {
			u64 size = PAGE_SIZE * (1 + host_random(2000));
			u64 phys = PAGE_SIZE * host_random(1 << 24);

			if (host_random(2)) /* in step: large pages fit */
				phys = (phys & ~(GIB - 1)) | (at & (GIB - 1));
			area[i].virt = at;
			area[i].phys = phys;
			area[i].size = size;
			assert_int_equal(
				pt_map(&pt, at, PHYS(phys), size, PTE_P), 0);
			at += size + PAGE_SIZE * (1 + host_random(1000));
		}
		for (uint i = 0; i < ARRAY_SIZE(area); i++) {
			u64 v = area[i].virt, last = area[i].size - 1, entry;
			uint level;

			entry = pt_lookup(&pt, v + last, &level);
			assert_int_equal(
				(entry & PTE_ADDRESS) +
					((v + last) & (level_size(level) - 1)),
				area[i].phys + last);
			entry = pt_lookup(&pt, v, &level);
			assert_int_equal((entry & PTE_ADDRESS) +
						 (v & (level_size(level) - 1)),
					 area[i].phys);
			assert_int_equal(pt_lookup(&pt, v - 1, NULL), 0);
			assert_int_equal(pt_lookup(&pt, v + last + 1, NULL), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_become_entry_bits),
		cmocka_unit_test(the_largest_pages_that_fit_are_used),
		cmocka_unit_test(no_page_is_larger_than_the_cpu_allows),
		cmocka_unit_test(
			a_physical_address_out_of_step_gets_small_pages),
		cmocka_unit_test(five_levels_work_like_four),
		cmocka_unit_test(what_is_mapped_is_not_mapped_again),
		cmocka_unit_test(
			without_memory_for_a_table_an_error_is_returned),
		cmocka_unit_test(a_split_page_maps_what_it_did_before),
		cmocka_unit_test(a_split_without_memory_leaves_the_large_page),
		cmocka_unit_test(random_areas_are_found_where_they_were_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
