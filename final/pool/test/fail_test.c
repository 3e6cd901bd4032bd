/*
 * Out of memory at each allocation in turn, as heap/test/fail_test.c has it for
 * the heap: a scenario that comes through every place where a pool allocates
 * runs again and again, and the n-th allocation fails, for every n.
 */
#include "pool/mempool.c" /* for its inside */
#include "pool/test/host_pools.h"

static uint refusals; /* NULLs that the scenario was given */

static void *taken(void *p, uint n)
{
	refusals += p == NULL;
	if (p)
		memset(p, 0x11, n);
	return p;
}

/* A pool whose block gets many runs, with objects larger than a block. */
static void use_pool(void)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, true);
	void *p[40];

	refusals = 0;
	if (!mp) {
		refusals++;
		return;
	}
	for (uint i = 0; i < ARRAY_SIZE(p); i++) {
		uint n = i % 10 == 9 ? 3 * PAGE_SIZE : 40;

		p[i] = taken(mempool_allocmem(mp, n), n);
		assert_int_equal(mm_check(), 0);
	}
	for (uint i = 0; i < ARRAY_SIZE(p); i += 2)
		mempool_freemem(mp, p[i]);
	for (uint i = 1; i < ARRAY_SIZE(p); i += 2)
		mempool_freemem(mp, p[i]);
	assert_true(mp->numkept <= 1);
	list_for_each (node, &mp->blocks)
		assert_int_equal(list_entry(node, struct block, link)->used, 0);
	mempool_free(mp);
}

static void each_allocation_that_fails_fails_cleanly(void **state)
{
	uint n = 0, absorbed = 0;

	do {
		host_pools(PAGES);
		mm_fail_at = mm_allocations + ++n;
		use_pool();
		assert_all_free(FREE);
		assert_true(refusals <= 1);
		absorbed += !refusals;
	} while (mm_allocations >= mm_fail_at);
	mm_fail_at = 0;
	assert_int_equal(refusals, 0);
	/* Where a block can't have one more run, the pool takes another. And
	 * the last round. */
	print_message("%u allocations failed; %u were absorbed\n", n - 1,
		      absorbed - 1);
	assert_true(n > 40 && absorbed < 8);
}

/* Not one failure but a limit: memory of 0 pages, of 1, 2, and so on. */
static void any_amount_of_memory_will_do(void **state)
{
	for (uint pages = 0; pages < 60; pages++) {
		host_pools(NUM_OF_PANICMEM_PAGES + pages);
		use_pool();
		assert_true(refusals || pages > 12);
		assert_all_free(pages);
	}
	assert_int_equal(refusals, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_that_fails_fails_cleanly),
		cmocka_unit_test(any_amount_of_memory_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
