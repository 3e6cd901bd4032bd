/*
 * The page layer used by several CPUs at once, here threads, under
 * ThreadSanitizer: whatever the lock fails to protect is reported as a race.
 */
#include "page/page.h"
#include "page/test/host_pages.h"

#define THREADS 4
#define PAGES   1024

/* Look at the free lists while others change them. */
static void count_free_pages(void)
{
	struct page_stats stats;
	uint sum = 0;

	get_page_stats(&stats);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		sum += stats.blocks[order] << order;
	if (sum > PAGES)
		abort();
}

/* Allocate, shrink, sign each page, see that the signature stays, free. */
static void *use_pages(void *name)
{
	u64 *blocks[8] = {0}, me = (u64)name, random = me;

	for (u64 i = host_operations(5000); i; i--) {
		u64 **block = &blocks[i % ARRAY_SIZE(blocks)];

		random = random * 6364136223846793005 + 1442695040888963407;
		if (*block) {
			for (uint n = 0; n < pages_of_block(*block); n++)
				if ((*block)[n * PAGE_SIZE / 8] != me)
					abort();
			free_page(*block);
			*block = NULL;
		}
		if (i % 32 == 0)
			count_free_pages();
		*block = new_pages(NULL, 1 + (random >> 60));
		if (!*block)
			continue;
		if (random >> 59 & 1)
			shrink_pages(*block, 1 + (random >> 61)); /* by half */
		for (uint n = 0; n < pages_of_block(*block); n++)
			(*block)[n * PAGE_SIZE / 8] = me;
	}
	for (uint i = 0; i < ARRAY_SIZE(blocks); i++)
		if (blocks[i])
			free_page(blocks[i]);
	return NULL;
}

static void threads_never_get_the_same_page(void **state)
{
	pthread_t threads[THREADS];
	uint before;

	host_pages(PAGES, 10);
	before = num_of_available_pages();
	for (u64 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_pages,
						(void *)(i + 1)),
				 0);
	for (uint i = 0; i < THREADS; i++) {
		assert_int_equal(mm_check(), 0);
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(num_of_available_pages(), before);
	assert_int_equal(mm_check(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_never_get_the_same_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
