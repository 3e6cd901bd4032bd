/*
 * Start-up of the heap: no memory is taken before the first allocation. The
 * page layer hears of this one, for its checker and for a panic. Prints the
 * classes, and one allocation of each kind so that the addresses can be seen:
 * an object never begins at a page boundary, whole pages always do.
 * Book: chapter 4, "What you should see".
 */
#include "console/printf.h"
#include "heap/slab.h"
#include "page/mm.h"
#include "page/page.h"

static void force_unlock_heap(void)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		spin_force_unlock(&heap_classes[i].lock);
}

static void ask_before_each_allocation(void)
{
	heap_usual_max = 0;
}

void setup_heap(void)
{
	static struct mm_layer layer = {
		.check = check_heap,
		.force_unlock = force_unlock_heap,
		.one_cpu_only = ask_before_each_allocation,
	};

	setup_heap_classes();
	mm_add_layer(&layer);
}

static void print_example(uint n)
{
	void *p = alloc(n);

	printf("heap: alloc(%u) returns 0x%lx, %u pages are free then\n", n,
	       (u64)p, num_of_available_pages());
	free(p);
}

void heap_init(void)
{
	struct heap_stats stats[HEAP_CLASSES];

	setup_heap();
	get_heap_stats(stats);
	for (uint i = 0; i < HEAP_CLASSES; i++)
		printf("heap: class %4u: %3u objects to a page, header %lu "
		       "bytes\n",
		       stats[i].size, stats[i].slots,
		       PAGE_SIZE - stats[i].slots * stats[i].size);
	print_example(HEAP_MAX);
	print_example(HEAP_MAX + 1);
}
