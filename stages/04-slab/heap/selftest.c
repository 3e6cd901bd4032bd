/*
 * The self-test of the heap, on the machine itself (TEST=1). Stray writes are
 * found in the build that heap/debug.h describes.
 */
#ifdef VELLUM_TEST

#include "console/printf.h"
#include "heap/debug.h"
#include "lib/string.h"
#include "page/mm.h"
#include "page/page.h"

/* Take all memory in objects of @n bytes, each its own, and give it back. */
static bool test_exhaustion(uint n)
{
	void **last = NULL, **p;
	phys_t phys;
	uint taken = 0;
	bool ok = true;

	for (; (p = alloc2(n, &phys)); last = p, taken++) {
		memset(p, taken, n);
		*p = last;
		ok &= ((u64)p % PAGE_SIZE == 0) == (n > OBJECT_MAX);
		ok &= page_phys(p).v == phys.v;
	}
	printf("heap: %u objects of %u bytes fill the memory\n", taken, n);
	ok &= n > OBJECT_MAX || num_of_available_pages() == 0;
	ok &= mm_check() == 0;
	while (last) {
		p = last;
		last = *p;
		taken--;
		ok &= ((u8 *)p)[n - 1] == (u8)taken;
		free(p);
	}
	return ok && taken == 0;
}

/*
 * Leave in every free page what the heap had there in a life before this one,
 * of each class in turn: headers that are right to the last bit. From here on
 * everybody gets such pages.
 */
static void leave_former_life(void)
{
	void *last = NULL, *p;
	uint i = 0;

	for (; !alloc_page(&p, NULL); last = p, i++) {
		struct heap_class *cls = &heap_classes[i % HEAP_CLASSES];
		struct slab *slab = p;

		*slab = (struct slab){.cls = cls, .used = 1};
		for (uint w = 0; w < SLAB_WORDS; w++)
			slab->bitmap[w] = w < cls->words ? ~0UL : 0;
		*(void **)(slab + 1) = last;
	}
	for (; last; last = p) {
		p = *(void **)((struct slab *)last + 1);
		free_page(last);
	}
}

/* What looks like a page of the heap is none, and is freed as what it is. */
static bool test_former_life(void)
{
	uint before = num_of_available_pages();
	char *page = alloc(PAGE_SIZE), *pages = alloc(5 * PAGE_SIZE);
	bool ok = page && pages && page_owner(page) == NULL;

	if (!ok)
		return false;
	free(page);
	pages = realloc(pages, 2 * PAGE_SIZE);
	free(pages);
	return num_of_available_pages() == before && mm_check() == 0;
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

/* All was freed: are all but one page of each class back, of @before? */
static bool all_is_back(uint before)
{
	struct heap_stats stats[HEAP_CLASSES];
	uint kept = 0, used = 0;

	get_heap_stats(stats);
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		printf("heap: class %4u: %u of %u slots used, pages: %u\n",
		       stats[i].size, stats[i].used,
		       stats[i].slots * stats[i].pages, stats[i].pages);
		used += stats[i].used;
		kept += stats[i].pages;
	}
	return used == 0 && kept <= HEAP_CLASSES &&
	       num_of_available_pages() + kept >= before;
}

void heap_selftest(void)
{
	uint before = num_of_available_pages();
	bool ok = !HEAP_DEBUG || test_stray_writes();

	for (uint n = 980; n <= 2 * PAGE_SIZE; n *= 7)
		ok = ok && test_exhaustion(n);
	ok &= all_is_back(before) && mm_check() == 0;
	leave_former_life();
	ok &= test_former_life();
	printf("selftest: heap: %s\n", ok ? "ok" : "FAILED");
}

#endif
