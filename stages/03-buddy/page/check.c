/*
 * The checker of the page layer: everything that must be true of a pool
 * between two calls, in two passes. Pass 1 walks the pages from block to block,
 * pass 2 walks the free lists; each free block must be seen by both.
 *
 * It trusts nothing: every number is tested before it is used as an index, and
 * every loop is bounded, so it ends whatever a stray write has done.
 * Book: chapter 3, "What must always be true".
 */
#include "page/internal.h"

/* What pass 1 found out. */
struct census {
	u32 available; /* pages in free blocks */
	u32 reserved;
	u32 blocks[NUM_OF_ALLOCSIZE]; /* free blocks of each order */
};

/* Is the free block of @order at @i aligned, whole, and merged? */
static const char *check_free(u32 i, u32 order)
{
	u32 size = 1U << order;

	if (i != ALIGN_DOWN(i, size))
		return "free block is not aligned to its size";
	if (vmm_pool.pages - i < size)
		return "free block reaches past the end";
	if (order < NUM_OF_ALLOCSIZE - 1 &&
	    vmm_pool.page[i ^ size].type == PAGE_FREE + order)
		return "block and buddy are both free";
	return NULL;
}

static const char *check_allocated(u32 i, u32 pages)
{
	if (pages == 0 || pages > MAX_ALLOC_PAGES)
		return "allocated block has no such size";
	if (i != ALIGN_DOWN(i, 1U << order_of(pages)))
		return "allocated block is not aligned to its size";
	if (vmm_pool.pages - i < pages)
		return "allocated block reaches past the end";
	return NULL;
}

/* Check the block at @i by itself; its size in *@size, its kind in @census. */
static const char *check_block(u32 i, u32 *size, struct census *census)
{
	u32 type = vmm_pool.page[i].type;

	*size = 1;
	if (type < PAGE_FREE + NUM_OF_ALLOCSIZE) {
		*size = 1U << (type - PAGE_FREE);
		census->available += *size;
		census->blocks[type - PAGE_FREE]++;
		return check_free(i, type - PAGE_FREE);
	}
	switch (type) {
	case PAGE_RESERVED:
		census->reserved++;
		return NULL;
	case PAGE_OWNED:
		if (!vmm_pool.page[i].owner)
			return "owned block has no owner";
		/* fall through */
	case PAGE_ALLOCATED:
		*size = vmm_pool.page[i].pages;
		return check_allocated(i, *size);
	case PAGE_NOT_HEAD:
		return "page belongs to no block";
	default:
		return "page has no such type";
	}
}

static const char *check_pages(struct census *census, u32 *where)
{
	u32 size;

	for (u32 i = 0; i < vmm_pool.pages; i += size) {
		const char *wrong = check_block(i, &size, census);

		*where = i;
		if (wrong)
			return wrong;
		for (u32 part = i + 1; part < i + size; part++) {
			*where = part;
			if (vmm_pool.page[part].type != PAGE_NOT_HEAD)
				return "block overlaps another";
		}
	}
	return NULL;
}

/* What rounds the array up to whole blocks must never look free. */
static const char *check_padding(u32 *where)
{
	u32 end = page_array_length(vmm_pool.pages);

	for (*where = vmm_pool.pages; *where < end; (*where)++)
		if (vmm_pool.page[*where].type != PAGE_RESERVED)
			return "page past the end is not reserved";
	return NULL;
}

/* The number of the page that @node is the link of; too high if of none. */
static u32 number_of(const struct list *node)
{
	u64 offset = (u64)node - (u64)&vmm_pool.page[0].link;

	if (offset % sizeof(struct page) ||
	    offset / sizeof(struct page) >= vmm_pool.pages)
		return vmm_pool.pages;
	return offset / sizeof(struct page);
}

/*
 * Walk one free list, which pass 1 says has @blocks blocks. A list that runs in
 * a circle comes to some page a second time, from another one than its prev.
 */
static const char *check_list(uint order, u32 blocks, u32 *where)
{
	const struct list *head = &vmm_pool.free[order], *last = head;

	*where = page_array_length(vmm_pool.pages) + order;
	for (const struct list *node = head->next; node != head;
	     last = node, node = node->next) {
		u32 i = number_of(node);

		if (i == vmm_pool.pages)
			return "link leads to no page";
		*where = i;
		if (vmm_pool.page[i].type >= PAGE_FREE + NUM_OF_ALLOCSIZE)
			return "page on a free list is not free";
		if (vmm_pool.page[i].type != PAGE_FREE + order)
			return "free block is on another order's list";
		if (node->prev != last)
			return "links disagree";
		blocks--;
	}
	*where = page_array_length(vmm_pool.pages) + order;
	if (head->prev != last)
		return "links disagree";
	return blocks ? "free block is missing from its list" : NULL;
}

static const char *check_pool(u32 *where)
{
	const struct list *end = &vmm_pool.free[NUM_OF_ALLOCSIZE];
	struct census census = {0};
	const char *wrong = check_pages(&census, where);

	if (!wrong)
		wrong = check_padding(where);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE && !wrong; order++)
		wrong = check_list(order, census.blocks[order], where);
	if (wrong)
		return wrong;
	*where = page_array_length(vmm_pool.pages) + NUM_OF_ALLOCSIZE;
	if (end->next || end->prev)
		return "end of the search has changed";
	if (census.available != vmm_pool.available ||
	    census.reserved != vmm_pool.reserved)
		return "sums do not agree with the pages";
	return NULL;
}

const char *pool_check(u32 *where)
{
	const char *wrong;

	spin_lock(&vmm_pool.lock);
	wrong = check_pool(where);
	spin_unlock(&vmm_pool.lock);
	return wrong;
}
