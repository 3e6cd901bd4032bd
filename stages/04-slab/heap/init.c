/*
 * Start-up of the heap: no memory is taken before the first allocation. Prints
 * the classes, and one allocation of each kind so that the addresses can be
 * seen: an object never begins at a page boundary, whole pages always do.
 * Book: chapter 4, "What you should see".
 */
#include "console/printf.h"
#include "heap/mempool.h"
#include "heap/slab.h"
#include "lib/init.h"
#include "page/page.h"

static void print_example(uint n)
{
	void *p = alloc(n);

	printf("heap: alloc(%u) returns 0x%lx, %u pages are free then\n", n,
	       (u64)p, num_of_available_pages());
	free(p);
}

static void heap_init(void)
{
	struct heap_stats stats[HEAP_CLASSES];

	setup_heap();
	setup_mempools();
	get_heap_stats(stats);
	for (uint i = 0; i < HEAP_CLASSES; i++)
		printf("heap: class %4u: %3u objects to a page, header %lu "
		       "bytes\n",
		       stats[i].size, stats[i].slots,
		       PAGE_SIZE - stats[i].slots * stats[i].size);
	print_example(HEAP_MAX);
	print_example(HEAP_MAX + 1);
}
INIT(heap, 10, heap_init);
