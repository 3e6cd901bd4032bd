/*
 * How the one pool of the program gets its memory: page/init.c does it on the
 * machine, the host tests with memory from malloc.
 */
#ifndef PAGE_SETUP_H
#define PAGE_SETUP_H

#include "page/pool.h"

/*
 * Manage @pages pages at @virt and @phys, of which the first @used are taken.
 * @page has page_array_size(@pages) bytes. Returns 0, -EINVAL when @used is
 * more than there are, or -ENOMEM when there is not even enough for the
 * reserve. Called once, by CPU 0, before all else; tests start over with it.
 */
int setup_pages(struct page *page, void *virt, phys_t phys, u32 pages,
		u32 used);

/*
 * In a test build: fill the memory from @start to @end, which nobody has yet,
 * with what could mislead us. RAM survives a reset, so at the next start such
 * things do lie there: our own data of last time, page tables, lists.
 */
#ifdef VELLUM_TEST
void fill_with_junk(char *start, char *end);
#else
#define fill_with_junk(start, end) ((void)0)
#endif

#endif
