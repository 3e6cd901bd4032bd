/*
 * Host tests of page/page.h, the page layer as others see it, with memory of
 * the C library under it.
 */
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "page/fail.h"
#include "page/page.h"
#include "page/test/host_pages.h"

#define PAGES 8192
#define USED  100

static int start(void **state)
{
	host_pages(PAGES, USED);
	host_printed[0] = '\0';
	return 0;
}

/* What must hold after a panic of this layer: the lock is open, all sound. */
static int stop(void **state)
{
	assert_false(spin_is_locked(&vmm_pool.lock));
	assert_int_equal(mm_check(), 0);
	return 0;
}

static void the_reserve_is_set_aside_and_not_counted_as_available(void **state)
{
	struct page_stats stats;

	assert_int_equal(num_of_available_pages(),
			 PAGES - USED - NUM_OF_PANICMEM_PAGES);
	get_page_stats(&stats);
	assert_int_equal(stats.pages, PAGES);
	assert_int_equal(stats.reserved, USED);
	assert_int_equal(stats.available, num_of_available_pages());
}

static void the_blocks_in_the_statistics_add_up(void **state)
{
	struct page_stats stats;
	uint sum = 0;

	assert_int_equal(alloc_pages(NULL, NULL, 77), 0);
	get_page_stats(&stats);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		sum += stats.blocks[order] << order;
	assert_int_equal(sum, stats.available);
}

static void virtual_and_physical_address_are_of_the_same_page(void **state)
{
	void *virt;
	phys_t phys;

	assert_int_equal(alloc_page(&virt, &phys), 0);
	assert_int_equal(phys.v - HOST_PHYS, (u64)virt - (u64)vmm_pool.virt);
	assert_int_equal(page_phys(virt).v, phys.v);
	assert_int_equal(page_phys((char *)virt + 5).v, phys.v + 5);
	memset(virt, 0xaa, PAGE_SIZE);
}

static void either_result_may_be_left_out(void **state)
{
	uint before = num_of_available_pages();
	void *virt;
	phys_t phys;

	assert_int_equal(alloc_pages(&virt, NULL, 3), 0);
	assert_int_equal(alloc_pages(NULL, &phys, 5), 0);
	assert_int_equal(alloc_page(NULL, NULL), 0);
	assert_int_equal(num_of_available_pages(), before - 9);
	free_page(virt);
	free_page_phys(phys);
	assert_int_equal(num_of_available_pages(), before - 1);
}

static void blocks_are_aligned_to_the_next_power_of_two(void **state)
{
	for (int n = 1; n <= MAX_ALLOC_PAGES; n = n * 3 / 2 + 1) {
		void *virt;

		assert_int_equal(alloc_pages(&virt, NULL, n), 0);
		assert_int_equal((u64)virt % (PAGE_SIZE << order_of(n)), 0);
		assert_int_equal(pages_of_block(virt), n);
		free_page(virt);
	}
}

static void a_block_is_freed_as_a_whole_by_either_address(void **state)
{
	uint before = num_of_available_pages();
	void *virt;
	phys_t phys;

	assert_int_equal(alloc_pages(&virt, &phys, 100), 0);
	free_page(virt);
	assert_int_equal(num_of_available_pages(), before);
	assert_int_equal(alloc_pages(&virt, &phys, 100), 0);
	free_page_phys(phys);
	assert_int_equal(num_of_available_pages(), before);
}

static void out_of_memory_is_returned_and_leaves_the_results_alone(void **state)
{
	void *virt = state;
	phys_t phys = PHYS(7);

	while (alloc_page(NULL, NULL) == 0)
		;
	assert_int_equal(num_of_available_pages(), 0);
	assert_int_equal(alloc_page(&virt, &phys), -ENOMEM);
	assert_int_equal(alloc_pages(&virt, &phys, 4096), -ENOMEM);
	assert_int_equal(alloc_pages(&virt, &phys, 4097), -ENOMEM);
	assert_int_equal(alloc_pages(&virt, &phys, INT32_MAX), -ENOMEM);
	assert_int_equal(alloc_pages(&virt, &phys, 0), -EINVAL);
	assert_int_equal(alloc_pages(&virt, &phys, -1), -EINVAL);
	assert_ptr_equal(virt, state);
	assert_int_equal(phys.v, 7);
}

static void the_reserve_can_be_freed_once(void **state)
{
	void *virt;

	while (alloc_page(NULL, NULL) == 0)
		;
	mm_free_panicmem();
	assert_int_equal(num_of_available_pages(), NUM_OF_PANICMEM_PAGES);
	assert_int_equal(alloc_page(&virt, NULL), 0);
	mm_free_panicmem();
	assert_int_equal(num_of_available_pages(), NUM_OF_PANICMEM_PAGES - 1);
	assert_int_equal(alloc_pages(NULL, NULL, 128), 0);
}

static void after_a_panic_only_the_cpu_that_panicked_can_allocate(void **state)
{
	uint before = num_of_available_pages();
	void *virt;
	phys_t phys;

	assert_int_equal(alloc_pages(&virt, NULL, 9), 0);
	*this_cpu(cpu_number) = 3;
	mm_free_panicmem();
	*this_cpu(cpu_number) = 0;
	assert_int_equal(alloc_page(NULL, &phys), -ENOMEM);
	assert_int_equal(alloc_pages(NULL, &phys, 9), -ENOMEM);
	free_page(virt);    /* giving back is allowed */
	mm_free_panicmem(); /* and a second panic takes nothing over */
	assert_int_equal(alloc_page(NULL, &phys), -ENOMEM);
	*this_cpu(cpu_number) = 3;
	assert_int_equal(alloc_page(NULL, &phys), 0);
	assert_int_equal(num_of_available_pages(),
			 before + NUM_OF_PANICMEM_PAGES - 1);
	*this_cpu(cpu_number) = 0;
}

/* What another CPU does as soon as ours has freed something. */
static void (*other_cpu)(void);

void __real_free_page(void *virt);
void __wrap_free_page(void *virt);

void __wrap_free_page(void *virt)
{
	void (*work)(void) = other_cpu;

	other_cpu = NULL;
	__real_free_page(virt);
	if (work)
		work();
}

static void find_no_page(void)
{
	u32 cpu = *this_cpu(cpu_number);

	assert_int_equal(num_of_available_pages(), NUM_OF_PANICMEM_PAGES);
	*this_cpu(cpu_number) = cpu + 1;
	assert_int_equal(alloc_page(NULL, NULL), -ENOMEM);
	*this_cpu(cpu_number) = cpu;
}

static void no_other_cpu_ever_sees_the_reserve_free(void **state)
{
	while (alloc_page(NULL, NULL) == 0)
		;
	other_cpu = find_no_page;
	mm_free_panicmem();
	assert_null(other_cpu);
	assert_int_equal(alloc_page(NULL, NULL), 0);
}

static void the_allocation_that_is_told_to_fail_does_and_no_other(void **state)
{
	uint before = num_of_available_pages();

	for (u64 fails = 1; fails <= 6; fails++) {
		mm_fail_at = mm_allocations + fails;
		for (u64 i = 1; i <= 6; i++) {
			void *virt = state;
			int error = i % 2 ? alloc_page(&virt, NULL)
					  : alloc_pages(&virt, NULL, i);

			assert_int_equal(error, i == fails ? -ENOMEM : 0);
			if (error)
				assert_ptr_equal(virt, state);
			else
				free_page(virt);
			assert_int_equal(num_of_available_pages(), before);
			assert_int_equal(mm_check(), 0);
		}
	}
	mm_fail_at = 0;
}

static void force_unlock_opens_the_lock_for_a_panic(void **state)
{
	spin_lock(&vmm_pool.lock);
	mm_force_unlock();
	mm_free_panicmem();
	assert_int_equal(alloc_page(NULL, NULL), 0);
}

static void freeing_twice_panics_by_name(void **state)
{
	void *virt, *other;
	phys_t phys;

	alloc_page(&virt, &phys);
	alloc_page(&other, NULL); /* or its buddy, so that it stays a head */
	free_page(virt);
	assert_panics(free_page(virt), "): already free");
	assert_panics(free_page_phys(phys), "free_page_phys(0x");
	free_page(other);
	assert_panics(free_page(virt), "): already free");
	assert_panics(free_page(other), "): already free");
}

static void freeing_what_is_no_block_panics_by_name(void **state)
{
	phys_t phys;
	char *virt = new_pages(&phys, 3);

	assert_panics(free_page(virt + PAGE_SIZE),
		      "inside a block, not its start");
	assert_panics(free_page(virt + 8), "not page aligned");
	assert_panics(free_page_phys(PHYS(phys.v + 1)), "not page aligned");
	assert_panics(free_page(vmm_pool.virt), "reserved for the program");
	assert_int_equal(pages_of_block(virt), 3);
}

static void freeing_a_foreign_address_panics_by_name(void **state)
{
	char *end = vmm_pool.virt + PAGES * PAGE_SIZE;

	assert_panics(free_page(NULL), "free_page(0x0): not page memory");
	assert_panics(free_page(end), "not page memory");
	assert_panics(free_page(vmm_pool.virt - PAGE_SIZE), "not page memory");
	assert_panics(free_page((void *)-PAGE_SIZE), "not page memory");
	assert_panics(free_page_phys(PHYS(0)), "not page memory");
	assert_panics(free_page_phys(PHYS(HOST_PHYS + PAGES * PAGE_SIZE)),
		      "not page memory");
}

static void shrinking_gives_the_rest_back(void **state)
{
	uint before = num_of_available_pages();
	void *virt;

	alloc_pages(&virt, NULL, 100);
	shrink_pages(virt, 33);
	assert_int_equal(num_of_available_pages(), before - 33);
	assert_int_equal(pages_of_block(virt), 33);
	assert_panics(shrink_pages(virt, 34), "the block has 33 pages");
	assert_panics(shrink_pages(virt, 0), "shrink_pages(0x");
	assert_panics(shrink_pages((char *)virt + PAGE_SIZE, 1), "inside a");
	free_page(virt);
	assert_int_equal(num_of_available_pages(), before);
	assert_panics(shrink_pages(virt, 1), "already free");
}

static void pages_of_block_knows_only_starts_of_allocated_blocks(void **state)
{
	char *virt = new_pages(NULL, 5);

	assert_int_equal(pages_of_block(virt), 5);
	assert_int_equal(pages_of_block(virt + 1), 0);
	assert_int_equal(pages_of_block(virt + PAGE_SIZE), 0);
	assert_int_equal(pages_of_block(vmm_pool.virt), 0);
	assert_int_equal(pages_of_block(NULL), 0);
	assert_int_equal(pages_of_block(vmm_pool.virt - PAGE_SIZE), 0);
	/* The array has no element for this one: it ends with the pool. */
	assert_int_equal(page_array_length(PAGES), PAGES);
	assert_int_equal(pages_of_block(vmm_pool.virt + PAGES * PAGE_SIZE), 0);
	free_page(virt);
	assert_int_equal(pages_of_block(virt), 0);
}

static void page_memory_is_from_the_first_byte_to_the_last(void **state)
{
	const char *start = vmm_pool.virt, *end = start + PAGES * PAGE_SIZE;

	assert_false(in_page_memory(start - 1));
	assert_true(in_page_memory(start));
	assert_true(in_page_memory(end - 1));
	assert_false(in_page_memory(end));
	assert_false(in_page_memory(NULL));
}

static uint unlocked;

static int layer_is_wrong(void)
{
	return -EINVAL;
}

static void layer_unlock(void)
{
	unlocked++;
}

static void emergency_calls_and_the_checker_reach_the_layers_above(void **state)
{
	static struct mm_layer layer = {.check = layer_is_wrong,
					.force_unlock = layer_unlock};

	assert_int_equal(mm_check(), 0);
	mm_add_layer(&layer);
	assert_int_equal(mm_check(), -EINVAL);
	mm_force_unlock();
	assert_int_equal(unlocked, 1);
	host_pages(PAGES, USED); /* forgets the layer */
}

static void mm_check_prints_what_is_wrong_and_where(void **state)
{
	vmm_pool.page[50].type = PAGE_NOT_HEAD;
	assert_int_equal(mm_check(), -EINVAL);
	assert_string_equal(host_printed,
			    "mm_check: page 50: page belongs to no block\n");
	vmm_pool.page[50].type = PAGE_RESERVED;
}

/* With the list of @order damaged: does mm_check() print its number? */
static void a_block_with_an_owner_cannot_be_freed(void **state)
{
	char *block = new_pages(NULL, 3), *page = new_page(NULL);

	assert_true(block && page);
	assert_null(page_owner(block));
	set_page_owner(block, &state);
	assert_ptr_equal(page_owner(block), &state);
	assert_int_equal(pages_of_block(block), 0);
	assert_panics(free_page(block), "in use by its owner");
	assert_panics(shrink_pages(block, 1), "in use by its owner");
	assert_panics(free_page(block + 2 * PAGE_SIZE), "inside a block");
	assert_int_equal(mm_check(), 0);
	set_page_owner(block, NULL);
	free_page(block);
	free_page(page);
	assert_int_equal(mm_check(), 0);
}

static void only_a_block_has_an_owner(void **state)
{
	char *block = new_pages(NULL, 3);

	assert_non_null(block);
	assert_panics(set_page_owner(block + 8, block), "not page aligned");
	assert_panics(set_page_owner(block + PAGE_SIZE, block),
		      "inside a block");
	assert_panics(set_page_owner(block - PAGE_SIZE * 4096, block),
		      "not page memory");
	assert_null(page_owner(block + PAGE_SIZE));
	free_page(block);
	assert_panics(set_page_owner(block, block), "already free");
	assert_null(page_owner(NULL));
	assert_null(page_owner((void *)~0UL));
}

static void assert_list_is_named(uint order)
{
	struct list *next = vmm_pool.free[order].next;
	char expected[80];

	vmm_pool.free[order].next = NULL;
	host_printed[0] = '\0';
	assert_int_equal(mm_check(), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "mm_check: free list %u: link leads to no page\n", order);
	assert_string_equal(host_printed, expected);
	vmm_pool.free[order].next = next;
}

static void mm_check_tells_free_lists_from_what_comes_after_them(void **state)
{
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		assert_list_is_named(order);
	vmm_pool.available++;
	host_printed[0] = '\0';
	assert_int_equal(mm_check(), -EINVAL);
	assert_string_equal(host_printed,
			    "mm_check: page pool: sums do not agree with the "
			    "pages\n");
	vmm_pool.available--;
}

static void too_little_memory_for_the_reserve_is_an_error(void **state)
{
	static struct page page[MAX_ALLOC_PAGES];
	void *virt = (void *)HOST_ALIGN; /* nobody writes there */

	assert_int_equal(setup_pages(page, virt, PHYS(0), 400, 200), 0);
	assert_int_equal(mm_setup(), -ENOMEM);
	assert_int_equal(setup_pages(page, virt, PHYS(0), 400, 401), -EINVAL);
	assert_int_equal(setup_pages(page, virt, PHYS(0), 256, 0), 0);
	assert_int_equal(mm_setup(), 0);
	assert_int_equal(num_of_available_pages(), 0);
}

static void a_reserve_that_somebody_frees_is_noticed(void **state)
{
	void *reserve = NULL;

	for (u32 i = 0; i < PAGES && !reserve; i++)
		if (pages_of_block(vmm_pool.virt + i * PAGE_SIZE) ==
		    NUM_OF_PANICMEM_PAGES)
			reserve = vmm_pool.virt + i * PAGE_SIZE;
	free_page(reserve);
	assert_int_not_equal(mm_check(), 0);
	assert_non_null(strstr(host_printed, "reserve for a panic is damaged"));
	start(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_reserve_is_set_aside_and_not_counted_as_available),
		TEST(the_blocks_in_the_statistics_add_up),
		TEST(virtual_and_physical_address_are_of_the_same_page),
		TEST(either_result_may_be_left_out),
		TEST(blocks_are_aligned_to_the_next_power_of_two),
		TEST(a_block_is_freed_as_a_whole_by_either_address),
		TEST(out_of_memory_is_returned_and_leaves_the_results_alone),
		TEST(the_reserve_can_be_freed_once),
		TEST(after_a_panic_only_the_cpu_that_panicked_can_allocate),
		TEST(no_other_cpu_ever_sees_the_reserve_free),
		TEST(the_allocation_that_is_told_to_fail_does_and_no_other),
		TEST(force_unlock_opens_the_lock_for_a_panic),
		TEST(freeing_twice_panics_by_name),
		TEST(freeing_what_is_no_block_panics_by_name),
		TEST(freeing_a_foreign_address_panics_by_name),
		TEST(shrinking_gives_the_rest_back),
		TEST(pages_of_block_knows_only_starts_of_allocated_blocks),
		TEST(a_block_with_an_owner_cannot_be_freed),
		TEST(only_a_block_has_an_owner),
		TEST(page_memory_is_from_the_first_byte_to_the_last),
		TEST(emergency_calls_and_the_checker_reach_the_layers_above),
		TEST(mm_check_prints_what_is_wrong_and_where),
		TEST(mm_check_tells_free_lists_from_what_comes_after_them),
		TEST(too_little_memory_for_the_reserve_is_an_error),
		TEST(a_reserve_that_somebody_frees_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
