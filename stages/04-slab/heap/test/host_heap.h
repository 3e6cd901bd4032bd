/*
 * The heap on the host, for all tests of this folder.
 */
#ifndef HEAP_TEST_HOST_HEAP_H
#define HEAP_TEST_HOST_HEAP_H

#include "heap/slab.h"
#include "page/test/host_pages.h"

#define PAGES 1024
#define FREE  (PAGES - NUM_OF_PANICMEM_PAGES)
#define OLD   0xa5 /* what is in memory before anybody gets it */

/* Start over: @pages pages, of which the panic reserve takes some. */
static inline void host_heap(u32 pages)
{
	host_pages(pages, 0);
	/* A header that is not written whole shows. */
	memset(vmm_pool.virt, OLD, pages * PAGE_SIZE);
	setup_heap();
	host_printed[0] = '\0';
}

/* Objects that are allocated, of all classes together. */
static inline uint heap_objects(void)
{
	struct heap_stats stats[HEAP_CLASSES];
	uint used = 0;

	get_heap_stats(stats);
	for (uint i = 0; i < HEAP_CLASSES; i++)
		used += stats[i].used;
	return used;
}

/* Pages that the classes hold. */
static inline uint heap_pages(void)
{
	uint pages = 0;

	for (uint i = 0; i < HEAP_CLASSES; i++)
		pages += heap_classes[i].pages;
	return pages;
}

/* After everything was freed: is all as at first, but for one page a class? */
static inline void assert_all_free(uint pages_at_first)
{
	assert_int_equal(mm_check(), 0);
	assert_int_equal(heap_objects(), 0);
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		assert_true(heap_classes[i].pages <= 1);
		assert_false(spin_is_locked(&heap_classes[i].lock));
	}
	assert_int_equal(num_of_available_pages() + heap_pages(),
			 pages_at_first);
}

#endif
