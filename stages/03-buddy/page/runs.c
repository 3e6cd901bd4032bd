/*
 * Walking the pool from block to block. Nothing here is needed to allocate.
 */
#include "page/runs.h"

#include "console/printf.h"
#include "lib/errno.h"
#include "page/internal.h"

#define MAX_BLOCKS 1024 /* in one run: bounds how long the lock is held */

static const char *const names[] = {"reserved", "free", "allocated", "none"};

/* The block that begins at page @i, as a run of one. The lock is held. */
static struct page_run block_at(u32 i)
{
	const struct page *page = &vmm_pool.page[i];

	if (page->type < NUM_OF_ALLOCSIZE)
		return (struct page_run){BLOCK_FREE, 1U << page->type, 1};
	if (page->type == PAGE_ALLOCATED || page->type == PAGE_OWNED)
		return (struct page_run){BLOCK_ALLOCATED, page->pages, 1};
	if (page->type == PAGE_RESERVED)
		return (struct page_run){BLOCK_RESERVED, 1, 1};
	return (struct page_run){BLOCK_NONE, 1, 1};
}

int get_page_run(uint first, struct page_run *run)
{
	struct page_run next;

	if (first >= vmm_pool.pages)
		return -ENOENT;
	spin_lock(&vmm_pool.lock);
	*run = block_at(first);
	while (run->blocks < MAX_BLOCKS) {
		first += run->pages;
		if (first >= vmm_pool.pages)
			break;
		next = block_at(first);
		if (next.state != run->state || next.pages != run->pages)
			break;
		run->blocks++;
	}
	spin_unlock(&vmm_pool.lock);
	return 0;
}

void print_page_runs(void)
{
	struct page_run run;

	printf("page-map: %lu pages\n", vmm_pool.pages);
	for (uint i = 0; !get_page_run(i, &run); i += run.pages * run.blocks)
		printf("page-map: %u %s %u x %u\n", i, names[run.state],
		       run.pages, run.blocks);
}
