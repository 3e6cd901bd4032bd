/*
 * The heap used by several CPUs at once, here threads, under ThreadSanitizer:
 * whatever a lock fails to protect is reported as a race.
 */
#include "heap/heap.h"
#include "heap/test/host_heap.h"

#define THREADS 4

/* Make another size of an object of realloc(), which @me has signed. */
static u8 *resize(u8 *old, uint size, u8 me)
{
	u8 *p = realloc(old, size);

	if (p && old && *p != me)
		abort();
	if (!p)
		free(old); /* no memory: it is as it was */
	return p;
}

/* In place of @old, which may be NULL, another object. */
static u8 *replace(uint slot, u8 *old, uint size, u8 me)
{
	if (slot % 4 == 1)
		return resize(old, size, me);
	free(old);
	return alloc(size);
}

/* Mostly objects, but some are several pages. */
static uint size_of(u64 random)
{
	return 1 + (random >> 33) % (random >> 62 ? 1500 : 20000);
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
		if (*o && (**o != me || (*o)[sizes[slot] - 1] != me))
			abort();
		sizes[slot] = size_of(random);
		*o = replace(slot, *o, sizes[slot], me);
		if (*o)
			**o = (*o)[sizes[slot] - 1] = me;
	}
	for (uint i = 0; i < ARRAY_SIZE(objects); i++)
		free(objects[i]);
	return NULL;
}

static void threads_never_get_the_same_object(void **state)
{
	pthread_t threads[THREADS];

	host_heap(PAGES);
	for (u64 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_heap,
						(void *)(i + 1)),
				 0);
	for (uint i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_all_free(FREE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_never_get_the_same_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
