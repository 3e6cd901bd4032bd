/*
 * The heap and a pool used by several CPUs at once, here threads, under
 * ThreadSanitizer: whatever a lock fails to protect is reported as a race.
 */
#include "heap/heap.h"
#include "heap/test/host_heap.h"

#define THREADS 4

static struct mempool *pool;

static void release(uint slot, void *p)
{
	if (slot % 4)
		free(p);
	else
		mempool_freemem(pool, p);
}

/* Allocate, sign each object at its end, see that the signature stays, free. */
static void *use_heap(void *name)
{
	u8 *objects[32] = {0}, me = (u64)name;
	uint sizes[32];
	u64 random = me;

	for (u64 i = host_operations(10000); i; i--) {
		uint slot = i % ARRAY_SIZE(objects);
		u8 **o = &objects[slot];

		random = random * 6364136223846793005 + 1442695040888963407;
		if (*o) {
			if (**o != me || (*o)[sizes[slot] - 1] != me)
				abort();
			release(slot, *o);
		}
		sizes[slot] = 1 + (random >> 33) % 1500;
		*o = slot % 4 ? alloc(sizes[slot])
			      : mempool_allocmem(pool, sizes[slot]);
		if (*o)
			**o = (*o)[sizes[slot] - 1] = me;
	}
	for (uint i = 0; i < ARRAY_SIZE(objects); i++)
		release(i, objects[i]);
	return NULL;
}

static void threads_never_get_the_same_object(void **state)
{
	pthread_t threads[THREADS];

	host_heap(PAGES);
	pool = mempool_new(PAGE_SIZE, 2, true);
	for (u64 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_heap,
						(void *)(i + 1)),
				 0);
	for (uint i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	mempool_free(pool);
	assert_all_free(FREE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_never_get_the_same_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
