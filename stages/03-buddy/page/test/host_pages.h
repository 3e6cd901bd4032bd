/*
 * The page layer on the host: setup_pages() and mm_setup() with memory of ours.
 * For the tests of this layer and of those above it.
 */
#ifndef PAGE_TEST_HOST_PAGES_H
#define PAGE_TEST_HOST_PAGES_H

#include <sys/mman.h>

#include "host.h"
#include "page/internal.h"
#include "page/mm.h"
#include "page/page.h"

#define HOST_ALIGN (16 * MIB)   /* as the largest block */
#define HOST_PHYS  0x37c00000UL /* what page 0's physical address is */

/* Memory for @pages pages at a multiple of HOST_ALIGN. Never freed. */
static inline void *host_memory(u32 pages)
{
	char *p = mmap(NULL, pages * PAGE_SIZE + HOST_ALIGN,
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return (void *)ALIGN_UP((u64)p, HOST_ALIGN);
}

/* Start the page layer over with @pages pages, the first @used taken. */
static inline void host_pages(u32 pages, u32 used)
{
	static void *memory;
	static struct page *page;
	static u32 size;

	if (pages > size) {
		memory = host_memory(pages);
		size = pages;
	}
	libc_free(page);
	page = malloc(page_array_size(pages));
	assert_int_equal(
		setup_pages(page, memory, PHYS(HOST_PHYS), pages, used), 0);
	assert_int_equal(mm_setup(), 0);
	assert_int_equal(mm_check(), 0);
}

#endif
