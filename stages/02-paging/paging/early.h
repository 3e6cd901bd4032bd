/*
 * Memory before there is a page allocator, and pages for page tables ever
 * after.
 */
#ifndef PAGING_EARLY_H
#define PAGING_EARLY_H

#include "lib/types.h"

/*
 * @n contiguous pages of our range, zeroed, given out for good: for what is
 * needed before there is a page allocator. Panics when the range is full, and
 * when paging_set_page_source() has been called (there is an allocator then).
 */
void *early_pages(size_t n);

/* First byte of our range that nobody has got yet, page aligned. */
void *early_pages_end(void);

/*
 * From now on take pages for page tables from @alloc (which has the form of
 * alloc_page) and refuse early_pages(). Called once by the page allocator.
 */
void paging_set_page_source(int (*alloc)(void **virt, phys_t *phys));

/*
 * A zeroed page for a page table: one of the few that are set aside for tables,
 * or from whom paging_set_page_source() has named. Returns 0 or -ENOMEM.
 */
int table_alloc(phys_t *phys);

#endif
