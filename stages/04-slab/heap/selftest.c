/*
 * The self-test of the heap and the pools, on the machine itself (TEST=1, which
 * is also the build that heap/debug.h describes).
 */
#ifdef VELLUM_TEST

#include "console/printf.h"
#include "heap/debug.h"
#include "heap/mempool.h"
#include "lib/init.h"
#include "lib/string.h"
#include "page/page.h"

#define OBJECTS 600 /* of each size: several pages of all but the smallest */

static void *objects[OBJECTS];

/* What an object of @n bytes must be aligned to. */
static u64 alignment(uint n)
{
	return n <= HEAP_MIN ? HEAP_MIN : 1UL << (32 - __builtin_clz(n - 1));
}

/* Many objects of @n bytes at once: all apart, aligned, and their own? */
static bool test_size(uint n)
{
	uint count = MIN(OBJECTS, num_of_available_pages() / 4);
	bool ok = true;

	for (uint i = 0; i < count; i++) {
		phys_t phys;

		objects[i] = alloc2(n, &phys);
		if (!objects[i])
			return false;
		ok &= (u64)objects[i] % alignment(n) == 0;
		ok &= ((u64)objects[i] % PAGE_SIZE == 0) == (n > OBJECT_MAX);
		ok &= page_phys(objects[i]).v == phys.v;
		memset(objects[i], i, n);
	}
	for (uint i = 0; i < count; i++) {
		u8 *bytes = objects[i];

		ok &= bytes[0] == (u8)i && bytes[n - 1] == (u8)i;
		free(objects[i]);
	}
	return ok;
}

/* Use up all memory with objects, and get it all back? */
static bool test_exhaustion(uint *taken)
{
	void **last = NULL, **p;

	*taken = 0;
	while ((p = alloc(1000))) {
		*p = last;
		last = p;
		(*taken)++;
	}
	if (num_of_available_pages() || mm_check())
		return false;
	while (last) {
		p = last;
		last = *p;
		free(p);
	}
	return true;
}

static bool test_mempool(void)
{
	struct mempool *mp = mempool_new(1, 1, true);
	u8 *p, *first = mp ? mempool_allocmem(mp, 64) : NULL;
	bool ok = first != NULL;

	for (uint i = 1; ok && i < 65; i++) { /* the 65th needs a new block */
		p = mempool_allocmem(mp, 64);
		ok = p && p[0] == 0 && p[63] == 0;
		ok &= ((p - first) / PAGE_SIZE == 0) == (i < 64);
	}
	ok &= mm_check() == 0;
	if (mp)
		mempool_free(mp);
	return ok;
}

/* A byte past the end, and one of an object that was freed: are they found? */
static bool test_stray_writes(void)
{
	u8 *p = alloc(60);
	bool ok = p != NULL;

	if (!ok)
		return false;
	printf("heap: two stray writes, for mm_check() to find:\n");
	p[60]++;
	ok &= mm_check() != 0;
	p[60]--;
	free(p);
	p[0]++;
	ok &= mm_check() != 0;
	p[0]--;
	return ok;
}

static const char *run_tests(uint *taken)
{
	for (uint n = 1; n <= 2 * PAGE_SIZE; n = n * 3 / 2 + 1)
		if (!test_size(n))
			return "objects";
	if (!test_mempool())
		return "mempool";
	if (!test_exhaustion(taken))
		return "exhaustion";
	if (!test_stray_writes())
		return "stray writes";
	return mm_check() ? "mm_check" : NULL;
}

static void print_stats(const struct heap_stats stats[HEAP_CLASSES])
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		printf("heap: class %4u: %u of %u slots used in %u pages\n",
		       stats[i].size, stats[i].used,
		       stats[i].slots * stats[i].pages, stats[i].pages);
}

static void heap_selftest(void)
{
	struct heap_stats stats[HEAP_CLASSES];
	uint taken = 0, before = num_of_available_pages(), kept = 0, used = 0;
	const char *failed = run_tests(&taken);

	get_heap_stats(stats);
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		kept += stats[i].pages;
		used += stats[i].used;
	}
	printf("heap: %u objects of 1000 bytes filled the memory; all are "
	       "freed\n",
	       taken);
	print_stats(stats);
	if (!failed && (used || kept > HEAP_CLASSES ||
			num_of_available_pages() + kept < before))
		failed = "pages were lost";
	if (failed)
		printf("selftest: heap: FAILED %s\n", failed);
	else
		printf("selftest: heap: ok\n");
}
INIT(heap, 90, heap_selftest);

#endif
