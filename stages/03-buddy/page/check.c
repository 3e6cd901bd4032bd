/*
 * The checker of the page layer: everything that must be true of a pool
 * between two calls, in two passes. Pass 1 walks the pages from block to block,
 * pass 2 walks the free lists; each free block must be seen by both.
 *
 * It trusts nothing: every number is tested before it is used as an index, and
 * every loop is bounded, so it ends whatever a stray write has done.
 * Book: chapter 3, "What must always be true".
 */
#include "page/pool.h"

/* What pass 1 found out. */
struct census {
	u32 available; /* pages in free blocks */
	u32 reserved;
	u32 blocks[NUM_OF_ALLOCSIZE]; /* free blocks of each order */
};

/* Is the free block at @i whole, aligned, and merged as far as it can be? */
static const char *check_free(struct page_pool *pool, u32 i)
{
	struct page *page = &pool->page[i];
	u32 buddy;

	if (page->order >= NUM_OF_ALLOCSIZE)
		return "free block has no such order";
	if (i != ALIGN_DOWN(i, 1U << page->order))
		return "free block is not aligned to its size";
	if (pool->pages - i < 1U << page->order)
		return "free block reaches past the end";
	buddy = i ^ 1U << page->order;
	if (page->order < NUM_OF_ALLOCSIZE - 1 && buddy < pool->pages &&
	    pool->page[buddy].type == PAGE_FREE &&
	    pool->page[buddy].order == page->order)
		return "block and buddy are both free";
	return NULL;
}

static const char *check_allocated(struct page_pool *pool, u32 i)
{
	struct page *page = &pool->page[i];

	if (page->pages == 0 || page->pages > MAX_ALLOC_PAGES)
		return "allocated block has no such size";
	if (page->order != order_of(page->pages))
		return "allocated block has another order than size";
	if (i != ALIGN_DOWN(i, 1U << page->order))
		return "allocated block is not aligned to its size";
	if (pool->pages - i < page->pages)
		return "allocated block reaches past the end";
	return NULL;
}

/* Check the block at @i by itself; its size in *@size, its kind in @census. */
static const char *check_block(struct page_pool *pool, u32 i, u32 *size,
			       struct census *census)
{
	struct page *page = &pool->page[i];
	const char *wrong = NULL;

	switch (page->type) {
	case PAGE_RESERVED:
		*size = 1;
		census->reserved++;
		break;
	case PAGE_FREE:
		wrong = check_free(pool, i);
		if (wrong)
			break;
		*size = 1U << page->order;
		census->available += *size;
		census->blocks[page->order]++;
		break;
	case PAGE_ALLOCATED:
		wrong = check_allocated(pool, i);
		*size = page->pages;
		break;
	case PAGE_NOT_HEAD:
		wrong = "page belongs to no block";
		break;
	default:
		wrong = "page has no such type";
	}
	return wrong;
}

static const char *check_pages(struct page_pool *pool, struct census *census,
			       u32 *where)
{
	u32 size = 0;

	for (u32 i = 0; i < pool->pages; i += size) {
		const char *wrong = check_block(pool, i, &size, census);

		*where = i;
		if (wrong)
			return wrong;
		for (u32 part = i + 1; part < i + size; part++) {
			*where = part;
			if (pool->page[part].type != PAGE_NOT_HEAD)
				return "block overlaps another";
		}
	}
	return NULL;
}

/* The number of the page that @node is the link of; pool->pages if of none. */
static u32 number_of(struct page_pool *pool, struct list *node)
{
	u64 offset = (u64)node - (u64)&pool->page[0].link;

	if (offset % sizeof(struct page) ||
	    offset / sizeof(struct page) >= pool->pages)
		return pool->pages;
	return offset / sizeof(struct page);
}

/* Walk one free list, which pass 1 says has @blocks blocks. */
static const char *check_list(struct page_pool *pool, uint order, u32 blocks,
			      u32 *where)
{
	struct list *head = &pool->free[order], *last = head;

	*where = pool->pages + order;
	for (struct list *node = head->next; node != head; node = node->next) {
		u32 i = number_of(pool, node);

		if (i == pool->pages)
			return "link leads to no page";
		*where = i;
		if (pool->page[i].type != PAGE_FREE)
			return "page on a free list is not free";
		if (pool->page[i].order != order)
			return "free block is on another order's list";
		if (node->prev != last)
			return "links disagree";
		if (blocks-- == 0)
			return "free list runs in a circle";
		last = node;
	}
	*where = pool->pages + order;
	if (head->prev != last)
		return "links disagree";
	return blocks ? "free block is missing from its list" : NULL;
}

const char *pool_check(struct page_pool *pool, u32 *where)
{
	struct census census = {0};
	const char *wrong;

	spin_lock(&pool->lock);
	wrong = check_pages(pool, &census, where);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE && !wrong; order++)
		wrong = check_list(pool, order, census.blocks[order], where);
	if (!wrong && (census.available != pool->available ||
		       census.reserved != pool->reserved)) {
		*where = 0;
		wrong = "sums do not agree with the pages";
	}
	spin_unlock(&pool->lock);
	return wrong;
}
