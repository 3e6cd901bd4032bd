/*
 * Out of memory at each allocation in turn: a scenario that comes through every
 * place where the heap allocates runs again and again, and the n-th
 * allocation fails, for every n. Each time the caller must get its NULL, and
 * what was there before must be there afterwards.
 */
#include "heap/heap.h"
#include "heap/test/host_heap.h"
#include "page/fail.h"

#define OBJECTS 400

static void *objects[OBJECTS];
static uint refusals; /* NULLs and errors that the scenario was given */

static void *taken(void *p, uint n)
{
	refusals += p == NULL;
	if (p)
		memset(p, 0x11, n);
	return p;
}

/* Objects of every class, in several pages each, and whole pages. */
static void use_objects(void)
{
	phys_t phys;

	for (uint i = 0; i < OBJECTS; i++) {
		uint n = i % 8 == 7 ? 5000 : 16U << i % 8;

		objects[i] = taken(i % 3 ? alloc(n) : alloc2(n, &phys), n);
	}
	for (uint i = 0; i < OBJECTS; i++)
		free(objects[i]);
}

/* One object through all sizes, up and down. */
static void use_realloc(void)
{
	static const uint sizes[] = {16, 17, 600, 5000, 20000, 9000, 1024, 1};
	u8 *p = NULL;
	uint size = 0;

	for (uint i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *moved = realloc(p, sizes[i]);

		for (uint k = 0; p && k < MIN(size, sizes[i]); k++)
			assert_int_equal((moved ? moved : p)[k], 0x22);
		if (!moved) {
			refusals++;
			continue;
		}
		p = moved;
		size = sizes[i];
		memset(p, 0x22, size);
	}
	free(p);
}

static void use_all(void)
{
	refusals = 0;
	use_objects();
	use_realloc();
}

static void each_allocation_that_fails_fails_cleanly(void **state)
{
	uint n = 0, absorbed = 0;

	do {
		host_heap(PAGES);
		mm_fail_at = mm_allocations + ++n;
		use_all();
		assert_all_free(FREE);
		assert_true(refusals <= 1);
		absorbed += !refusals;
	} while (mm_allocations >= mm_fail_at);
	mm_fail_at = 0;
	assert_int_equal(refusals, 0);
	/* A page that can't become an object stays one; and the last round. */
	print_message("%u allocations failed; %u were absorbed\n", n - 1,
		      absorbed - 1);
	assert_true(n > OBJECTS && absorbed <= 2);
}

/* Not one failure but a limit: memory of 0 pages, of 1, 2, and so on. */
static void any_amount_of_memory_will_do(void **state)
{
	for (uint pages = 0; pages < 250; pages++) {
		host_heap(NUM_OF_PANICMEM_PAGES + pages);
		use_all();
		assert_true(refusals || pages > 100);
		assert_all_free(pages);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_that_fails_fails_cleanly),
		cmocka_unit_test(any_amount_of_memory_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
