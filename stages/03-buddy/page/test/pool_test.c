/*
 * Host tests of the buddy allocator itself: page/page.c and page/check.c. The
 * pool's pages are never touched, so no memory stands behind them.
 */
#include "host.h"
#include "lib/errno.h"
#include "page/internal.h"
#include "page/page.h"

#define MAX_PAGES 20000

/* With page 0 at address 0, an address is nothing but a page's number. */
#define AT(i) ((void *)((u64)(i) << PAGE_SHIFT))

static struct page *array; /* as large as needed, so ASan guards its end */

/* A pool of @pages pages of which the first @used are taken. */
static void start(u32 pages, u32 used)
{
	libc_free(array);
	array = malloc(page_array_size(pages));
	assert_int_equal(setup_pages(array, NULL, PHYS(0), pages, used), 0);
}

static void assert_sound(void)
{
	u32 where = 0;
	const char *wrong = pool_check(&where);

	if (wrong)
		fail_msg("page %u: %s", where, wrong);
	assert_false(spin_is_locked(&vmm_pool.lock));
}

static void assert_blocks(const uint expected[NUM_OF_ALLOCSIZE])
{
	struct page_stats stats;

	get_page_stats(&stats);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		assert_int_equal(stats.blocks[order], expected[order]);
	assert_sound();
}

static u32 allocate(u32 n)
{
	void *virt = NULL;
	u32 index;

	assert_int_equal(alloc_pages(&virt, NULL, n), 0);
	index = (u64)virt >> PAGE_SHIFT;
	assert_true(index < vmm_pool.pages && n <= vmm_pool.pages - index);
	assert_sound();
	return index;
}

static void release(u32 index)
{
	free_page(AT(index));
	assert_sound();
}

static void refuse(u32 n, int error)
{
	u32 before = vmm_pool.available;
	void *virt = AT(12345);

	assert_int_equal(alloc_pages(&virt, NULL, n), error);
	assert_ptr_equal(virt, AT(12345));
	assert_int_equal(vmm_pool.available, before);
	assert_sound();
}

static void at_first_every_page_is_reserved(void **state)
{
	start(100, 100);
	assert_int_equal(vmm_pool.available, 0);
	assert_int_equal(vmm_pool.reserved, 100);
	assert_sound();
	refuse(1, -ENOMEM);
}

static void what_is_freed_at_first_makes_the_largest_blocks(void **state)
{
	start(MAX_ALLOC_PAGES, 0);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){[12] = 1});
	/* 5000 = 4096 + 512 + 256 + 128 + 8 */
	start(5000, 0);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){
		[12] = 1, [9] = 1, [8] = 1, [7] = 1, [3] = 1});
	/* 3 used of 16: 3, 4-7, 8-15 are left */
	start(16, 3);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){[0] = 1, [2] = 1, [3] = 1});
	assert_int_equal(vmm_pool.available, 13);
	assert_int_equal(vmm_pool.reserved, 3);
}

static void pages_can_be_added_piece_by_piece_and_merge(void **state)
{
	start(64, 64);
	for (u32 i = 0; i < 64; i++) /* 37 has no common divisor with 64 */
		assert_int_equal(free_reserved_pages(i * 37 % 64, 1), 0);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){[6] = 1});
	assert_int_equal(vmm_pool.reserved, 0);
}

static void only_reserved_pages_that_exist_can_be_added(void **state)
{
	start(64, 32);
	assert_int_equal(free_reserved_pages(31, 2), -EINVAL);
	assert_int_equal(free_reserved_pages(40, 1), -EINVAL);
	assert_int_equal(free_reserved_pages(64, 1), -EINVAL);
	assert_int_equal(free_reserved_pages(65, 0), -EINVAL);
	assert_int_equal(free_reserved_pages(1, UINT32_MAX), -EINVAL);
	assert_int_equal(vmm_pool.reserved, 32);
	assert_sound();
}

static void a_block_is_aligned_to_the_next_power_of_two(void **state)
{
	for (u32 n = 1; n <= MAX_ALLOC_PAGES; n += n < 70 ? 1 : n / 7) {
		u32 i;

		start(3 * MAX_ALLOC_PAGES, 1);
		i = allocate(n);
		assert_int_equal(i % (1U << order_of(n)), 0);
	}
}

static void exactly_the_pages_asked_for_are_taken(void **state)
{
	struct page_stats initial;

	start(2 * MAX_ALLOC_PAGES + 77, 5);
	get_page_stats(&initial);
	for (u32 n = 1; n <= MAX_ALLOC_PAGES; n += n < 40 ? 1 : n / 3) {
		u32 before = vmm_pool.available, i = allocate(n);

		assert_int_equal(vmm_pool.available, before - n);
		release(i);
		assert_int_equal(vmm_pool.available, before);
		assert_blocks(initial.blocks);
	}
}

static void the_tail_of_an_odd_block_serves_others(void **state)
{
	u32 three, one;

	start(4, 0);
	three = allocate(3);
	one = allocate(1);
	assert_int_equal(three, 0);
	assert_int_equal(one, 3);
	refuse(1, -ENOMEM);
	release(three);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){[0] = 1, [1] = 1});
	release(one);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){[2] = 1});
}

static void no_pages_and_too_many_are_refused(void **state)
{
	start(3 * MAX_ALLOC_PAGES, 0);
	refuse(0, -EINVAL);
	refuse(MAX_ALLOC_PAGES + 1, -ENOMEM);
	refuse(INT32_MAX, -ENOMEM);
	refuse(UINT32_MAX, -EINVAL); /* -1 */
}

static void the_last_page_is_given_out_and_then_enomem_returned(void **state)
{
	static bool taken[1000];

	memset(taken, 0, sizeof(taken));
	start(1000, 0);
	for (u32 n = 0; n < 1000; n++) {
		u32 i = allocate(1);

		assert_false(taken[i]);
		taken[i] = true;
	}
	assert_int_equal(vmm_pool.available, 0);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		refuse(1U << order, -ENOMEM);
	release(500);
	assert_int_equal(allocate(1), 500);
	refuse(1, -ENOMEM);
}

static void every_other_page_held_leaves_no_block_of_two(void **state)
{
	start(512, 0);
	for (u32 i = 0; i < 512; i++)
		allocate(1);
	for (u32 i = 0; i < 512; i += 2)
		release(i);
	assert_int_equal(vmm_pool.available, 256);
	refuse(2, -ENOMEM);
	for (u32 i = 1; i < 512; i += 2)
		release(i);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){[9] = 1});
}

static void one_block_of_each_order_fills_a_pool_made_for_it(void **state)
{
	u32 at[NUM_OF_ALLOCSIZE];

	start(2 * MAX_ALLOC_PAGES - 1, 0);
	for (int order = NUM_OF_ALLOCSIZE - 1; order >= 0; order--)
		at[order] = allocate(1U << order);
	assert_int_equal(vmm_pool.available, 0);
	refuse(1, -ENOMEM);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		release(at[order]);
	assert_int_equal(vmm_pool.available, 2 * MAX_ALLOC_PAGES - 1);
}

static void one_page_of_the_largest_block_splits_all_orders(void **state)
{
	u32 i;

	start(MAX_ALLOC_PAGES, 0);
	i = allocate(1);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					       1, 0});
	release(i);
	assert_blocks((uint[NUM_OF_ALLOCSIZE]){[12] = 1});
}

static void a_freed_page_is_the_next_one_given_out(void **state)
{
	u32 a, b;

	start(64, 0);
	a = allocate(1);
	b = allocate(1);
	allocate(1);
	release(a);
	assert_int_equal(allocate(1), a);
	release(b);
	assert_int_equal(allocate(1), b);
}

/* free_page() must refuse @index, and say @what it is. */
static void assert_no_block(u32 index, const char *what)
{
	u32 before = vmm_pool.available;

	assert_panics(free_page(AT(index)), what);
	assert_string_equal(describe_page(AT(index)), what);
	assert_int_equal(vmm_pool.available, before);
	assert_sound();
}

static void what_is_no_allocated_block_cannot_be_freed(void **state)
{
	u32 block;

	start(64, 3);
	block = allocate(7);
	assert_int_equal(block, 8);
	assert_no_block(block + 1, "inside a block, not its start");
	assert_no_block(block + 6, "inside a block, not its start");
	assert_no_block(block + 7, "already free"); /* the tail */
	assert_no_block(0, "reserved for the program");
	assert_no_block(2, "reserved for the program");
	assert_no_block(3, "already free");
	assert_no_block(40, "already free");
	assert_no_block(64, "not page memory");
	assert_no_block(UINT32_MAX, "not page memory");
	assert_string_equal(describe_page(AT(block)), "allocated");
	release(block);
	assert_no_block(block, "already free");     /* merged, the head */
	assert_no_block(block + 5, "already free"); /* inside */
}

static void a_block_can_be_shrunk_and_then_freed(void **state)
{
	struct page_stats initial;

	start(64, 1);
	get_page_stats(&initial);
	for (u32 n = 1; n <= 32; n++)
		for (u32 keep = 1; keep <= n; keep++) {
			u32 i = allocate(n);

			shrink_pages(AT(i), keep);
			assert_int_equal(vmm_pool.available, 63 - keep);
			assert_sound();
			release(i);
			assert_blocks(initial.blocks);
		}
}

static void a_block_cannot_be_shrunk_to_nothing_or_grown(void **state)
{
	u32 i;

	start(64, 0);
	i = allocate(4);
	assert_panics(shrink_pages(AT(i), 0), "shrink_pages(0x");
	assert_panics(shrink_pages(AT(i), 5), "shrink_pages(0x");
	assert_panics(shrink_pages(AT(i + 1), 1), "shrink_pages(0x");
	assert_panics(shrink_pages(AT(8), 1), "shrink_pages(0x");
	assert_panics(shrink_pages(AT(64), 1), "shrink_pages(0x");
	assert_int_equal(vmm_pool.available, 60);
	assert_sound();
}

/*
 * The model: who has each page, 0 for nobody. It knows nothing of blocks.
 */
static u32 owner[MAX_PAGES];

static bool model_is_free(u32 i, u32 n)
{
	for (u32 k = i; k < i + n; k++)
		if (owner[k])
			return false;
	return true;
}

/* Is there an aligned, free run of 2^order pages? */
static bool model_can(u32 pages, uint order)
{
	for (u32 i = 0; i + (1U << order) <= pages; i += 1U << order)
		if (model_is_free(i, 1U << order))
			return true;
	return false;
}

static void model_set(u32 i, u32 n, u32 who)
{
	for (u32 k = i; k < i + n; k++)
		owner[k] = who;
}

struct held {
	u32 index, n;
};

/* Allocate @n pages; the pool must find room exactly when the model has. */
static bool step_alloc(u32 n, struct held *held)
{
	void *virt = NULL;
	int error = alloc_pages(&virt, NULL, n);
	bool possible = model_can(vmm_pool.pages, order_of(n));

	held->index = (u64)virt >> PAGE_SHIFT;
	assert_int_equal(error, possible ? 0 : -ENOMEM);
	if (error)
		return false;
	assert_int_equal(held->index % (1U << order_of(n)), 0);
	assert_true(model_is_free(held->index, n));
	model_set(held->index, n, held->index + 1);
	held->n = n;
	return true;
}

static void step_shrink(struct held *held)
{
	u32 keep = 1 + host_random(held->n);

	shrink_pages(AT(held->index), keep);
	model_set(held->index + keep, held->n - keep, 0);
	held->n = keep;
}

static void walk_at_random(u32 pages, u32 used, u32 largest, u64 steps)
{
	static struct held held[MAX_PAGES];
	u32 count = 0, sum = 0;

	start(pages, used);
	model_set(0, pages, 0);
	model_set(0, used, UINT32_MAX);
	while (steps--) {
		u32 k = count ? host_random(count) : 0;

		/* In turns mostly allocate and mostly free. */
		if (host_random(8) < (steps / 500 % 2 ? 6 : 3)) {
			u32 n = 1 + host_random(1 + host_random(largest));

			if (step_alloc(n, &held[count]))
				sum += held[count++].n;
		} else if (count && host_random(8) == 0) {
			sum -= held[k].n;
			step_shrink(&held[k]);
			sum += held[k].n;
		} else if (count) {
			free_page(AT(held[k].index));
			model_set(held[k].index, held[k].n, 0);
			sum -= held[k].n;
			held[k] = held[--count];
		}
		assert_int_equal(vmm_pool.available, pages - used - sum);
		assert_sound();
	}
	while (count--)
		release(held[count].index);
}

static void a_random_walk_agrees_with_a_model_that_knows_no_blocks(void **state)
{
	static const struct {
		u32 pages, used, largest;
	} pools[] = {
		{1, 0, 2},    {7, 0, 4},    {64, 0, 8},       {100, 3, 40},
		{257, 1, 64}, {1000, 9, 5}, {5000, 77, 4096},
	};

	for (uint i = 0; i < ARRAY_SIZE(pools); i++) {
		struct page_stats initial;

		start(pools[i].pages, pools[i].used);
		get_page_stats(&initial);
		walk_at_random(pools[i].pages, pools[i].used, pools[i].largest,
			       host_operations(4000));
		assert_blocks(
			initial.blocks); /* all free again: as at the start */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_first_every_page_is_reserved),
		cmocka_unit_test(
			what_is_freed_at_first_makes_the_largest_blocks),
		cmocka_unit_test(pages_can_be_added_piece_by_piece_and_merge),
		cmocka_unit_test(only_reserved_pages_that_exist_can_be_added),
		cmocka_unit_test(a_block_is_aligned_to_the_next_power_of_two),
		cmocka_unit_test(exactly_the_pages_asked_for_are_taken),
		cmocka_unit_test(the_tail_of_an_odd_block_serves_others),
		cmocka_unit_test(no_pages_and_too_many_are_refused),
		cmocka_unit_test(
			the_last_page_is_given_out_and_then_enomem_returned),
		cmocka_unit_test(every_other_page_held_leaves_no_block_of_two),
		cmocka_unit_test(
			one_block_of_each_order_fills_a_pool_made_for_it),
		cmocka_unit_test(
			one_page_of_the_largest_block_splits_all_orders),
		cmocka_unit_test(a_freed_page_is_the_next_one_given_out),
		cmocka_unit_test(what_is_no_allocated_block_cannot_be_freed),
		cmocka_unit_test(a_block_can_be_shrunk_and_then_freed),
		cmocka_unit_test(a_block_cannot_be_shrunk_to_nothing_or_grown),
		cmocka_unit_test(
			a_random_walk_agrees_with_a_model_that_knows_no_blocks),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
