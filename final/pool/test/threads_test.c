/*
 * Pools used by several CPUs at once, here threads, under ThreadSanitizer:
 * whatever a lock fails to protect is reported as a race.
 */
#include "pool/mempool.c" /* for its inside */
#include "pool/test/host_pools.h"

#define THREADS 4

static struct mempool *pool;

/* A pool of our own, which comes and goes beside those of the others. */
static void use_own_pool(void)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, false);

	if (!mp)
		return;
	mempool_allocmem(mp, 100);
	mempool_free(mp);
}

/* Mostly small objects, but some are several pages. */
static uint size_of(u64 random)
{
	return 1 + (random >> 33) % (random >> 62 ? 1500 : 20000);
}

/* Allocate, sign each object at its end, see that the signature stays, free. */
static void *use_pool(void *name)
{
	u8 *objects[8] = {0}, me = (u64)name;
	uint sizes[8];
	u64 random = me;

	for (u64 i = host_operations(2500); i; i--) {
		uint slot = i % ARRAY_SIZE(objects);
		u8 **o = &objects[slot];

		random = random * 6364136223846793005 + 1442695040888963407;
		if (*o && (**o != me || (*o)[sizes[slot] - 1] != me))
			abort();
		sizes[slot] = size_of(random);
		mempool_freemem(pool, *o);
		*o = mempool_allocmem(pool, sizes[slot]);
		if (*o)
			**o = (*o)[sizes[slot] - 1] = me;
		use_own_pool();
	}
	for (uint i = 0; i < ARRAY_SIZE(objects); i++)
		mempool_freemem(pool, objects[i]);
	return NULL;
}

static void threads_never_get_the_same_object(void **state)
{
	pthread_t threads[THREADS];

	host_pools(PAGES);
	pool = mempool_new(PAGE_SIZE, 2, true);
	for (u64 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_pool,
						(void *)(i + 1)),
				 0);
	for (uint i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	mempool_free(pool);
	assert_all_free(FREE);
}

static bool freed;

static void *free_pool(void *mp)
{
	mempool_free(mp);
	__atomic_store_n(&freed, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Threads seldom meet at the list: here one has its lock, another wants it. */
static void a_pool_stays_on_the_list_while_others_look_at_it(void **state)
{
	struct mempool *mp;
	pthread_t thread;

	host_pools(PAGES);
	mp = mempool_new(PAGE_SIZE, 0, false);
	spin_lock(&mempools.lock);
	pthread_create(&thread, NULL, free_pool, mp);
	while (!__atomic_load_n(&freed, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&mempools.lock.next, __ATOMIC_RELAXED) ==
		       (u16)(mempools.lock.owner + 1))
		sched_yield();
	assert_false(__atomic_load_n(&freed, __ATOMIC_RELAXED));
	assert_ptr_equal(mempools.list.next, &mp->link);
	spin_unlock(&mempools.lock);
	pthread_join(thread, NULL);
	assert_all_free(FREE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_never_get_the_same_object),
		cmocka_unit_test(
			a_pool_stays_on_the_list_while_others_look_at_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
