/*
 * The buddy allocator: split to allocate, merge to free.
 *
 *	alloc_pages(1) finds only	free_page() of that
 *	a block of 4 pages:		page, later:
 *
 *	|     free, 4   |		|1,a|1,f|  2, f |
 *	|  2, f |  2, f | split		|1,f|1,f|  2, f |
 *	|1,f|1,f|  2, f | split		|  2, f |  2, f | merge
 *	|1,a|1,f|  2, f | take		|     free, 4   | merge
 *
 * Both go through the orders at most once, without recursion and without
 * searching: the cost is bounded by the number of orders, 13, whatever the
 * number of pages. All state is in the array (page/pool.h).
 * Book: chapter 3, "Split and merge".
 */
#include "lib/errno.h"
#include "page/pool.h"

/* Put the free block at @page on the list of its order, in front. */
static void link_block(struct page_pool *pool, struct page *page, uint order)
{
	page->type = PAGE_FREE;
	page->order = order;
	list_add(&pool->free[order], &page->link);
}

/* Take the free block at @page off its list. It belongs to the caller now. */
static void unlink_block(struct page *page)
{
	page->link.prev->next = page->link.next;
	page->link.next->prev = page->link.prev;
	page->type = PAGE_NOT_HEAD;
}

/*
 * Free the block of @order at @i, which the caller owns: merge it with its
 * buddy for as long as the whole buddy is free.
 */
static void put_block(struct page_pool *pool, u32 i, uint order)
{
	u32 size = 1U << order;

	pool->page[i].type = PAGE_NOT_HEAD;
	for (; order < NUM_OF_ALLOCSIZE - 1; order++, size <<= 1) {
		u32 number = i ^ size;
		struct page *buddy = &pool->page[number];

		if (number >= pool->pages || buddy->type != PAGE_FREE ||
		    buddy->order != order)
			break;
		unlink_block(buddy);
		i &= number; /* the merged block begins at the lower half */
	}
	link_block(pool, &pool->page[i], order);
}

/*
 * Free the @n pages at @i, which the caller owns, in the largest blocks that
 * their alignment and number allow. At most two blocks of each order. Kept out
 * of line: most blocks are whole, and need not pay for its registers.
 */
static __attribute__((noinline)) void put_pages(struct page_pool *pool, u32 i,
						u32 n)
{
	while (n) {
		uint order = NUM_OF_ALLOCSIZE - 1;

		order = MIN(order, 31 - (uint)__builtin_clz(n));
		if (i)
			order = MIN(order, (uint)__builtin_ctz(i));
		put_block(pool, i, order);
		i += 1U << order;
		n -= 1U << order;
	}
}

/*
 * Split the block of order @from at @page down to @order, putting each upper
 * half on its free list. The caller owns the block and holds the lock; nobody
 * can see a half-split block.
 */
static void split_block(struct page_pool *pool, struct page *page, uint from,
			uint order)
{
	while (from > order) {
		from--;
		link_block(pool, page + (1UL << from), from);
	}
}

/*
 * Take a block of @order or more off its list and cut it down to @order. NULL:
 * there is none.
 */
static struct page *take_block(struct page_pool *pool, uint order)
{
	for (uint from = order; from < NUM_OF_ALLOCSIZE; from++) {
		struct page *page =
			list_first(&pool->free[from], struct page, link);

		if (!page)
			continue;
		unlink_block(page);
		split_block(pool, page, from, order);
		return page;
	}
	return NULL;
}

int pool_alloc(struct page_pool *pool, u32 n, u32 *index)
{
	struct page *page;
	uint order;

	if (n == 0)
		return -EINVAL;
	if (n > MAX_ALLOC_PAGES)
		return -ENOMEM;
	order = order_of(n);

	spin_lock(&pool->lock);
	page = take_block(pool, order);
	if (!page) {
		spin_unlock(&pool->lock);
		return -ENOMEM;
	}
	page->type = PAGE_ALLOCATED;
	page->order = order;
	page->pages = n;
	*index = page - pool->page;
	if (n < 1U << order) /* give back the unused tail */
		put_pages(pool, *index + n, (1U << order) - n);
	pool->available -= n;
	spin_unlock(&pool->lock);
	return 0;
}

int pool_free(struct page_pool *pool, u32 index)
{
	struct page *page = &pool->page[index];
	int error = -EINVAL;

	spin_lock(&pool->lock);
	if (index < pool->pages && page->type == PAGE_ALLOCATED) {
		pool->available += page->pages;
		if (page->pages == 1U << page->order)
			put_block(pool, index, page->order);
		else
			put_pages(pool, index, page->pages);
		error = 0;
	}
	spin_unlock(&pool->lock);
	return error;
}

int pool_shrink(struct page_pool *pool, u32 index, u32 n)
{
	struct page *page = &pool->page[index];
	int error = -EINVAL;

	spin_lock(&pool->lock);
	if (index < pool->pages && page->type == PAGE_ALLOCATED && n > 0 &&
	    n <= page->pages) {
		u32 rest = page->pages - n;

		page->pages = n;
		page->order = order_of(n);
		pool->available += rest;
		put_pages(pool, index + n, rest);
		error = 0;
	}
	spin_unlock(&pool->lock);
	return error;
}

void pool_init(struct page_pool *pool, struct page *page, void *virt,
	       phys_t phys, u32 pages)
{
	*pool = (struct page_pool){
		.lock = SPINLOCK_INIT,
		.reserved = pages,
		.pages = pages,
		.page = page,
		.virt = virt,
		.phys = phys,
	};
	for (u32 i = 0; i < pages; i++)
		page[i] = (struct page){.type = PAGE_RESERVED};
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		list_init(&pool->free[order]);
}

int pool_add(struct page_pool *pool, u32 first, u32 n)
{
	int error = 0;

	if (first > pool->pages || n > pool->pages - first)
		return -EINVAL;
	spin_lock(&pool->lock);
	for (u32 i = first; i < first + n; i++)
		if (pool->page[i].type != PAGE_RESERVED)
			error = -EINVAL;
	if (!error) {
		for (u32 i = first; i < first + n; i++)
			pool->page[i].type = PAGE_NOT_HEAD;
		put_pages(pool, first, n);
		pool->available += n;
		pool->reserved -= n;
	}
	spin_unlock(&pool->lock);
	return error;
}

/*
 * What is page @i, of type PAGE_NOT_HEAD, a part of? A block is aligned to its
 * size, so its head is found by clearing low bits of the number, one by one.
 */
static const char *describe_part(struct page_pool *pool, u32 i)
{
	for (uint order = 1; order < NUM_OF_ALLOCSIZE; order++) {
		u32 head = ALIGN_DOWN(i, 1U << order);
		struct page *page = &pool->page[head];

		if (page->type == PAGE_FREE && page->order >= order)
			return "already free";
		if (page->type == PAGE_ALLOCATED && i - head < page->pages)
			return "inside a block, not its start";
	}
	return "in no block: the page array is damaged";
}

const char *pool_describe(struct page_pool *pool, u64 index)
{
	const char *what = "in no block: the page array is damaged";

	if (index >= pool->pages)
		return "not page memory";
	spin_lock(&pool->lock);
	switch (pool->page[index].type) {
	case PAGE_RESERVED:
		what = "reserved for the program";
		break;
	case PAGE_NOT_HEAD:
		what = describe_part(pool, index);
		break;
	case PAGE_FREE:
		what = "already free";
		break;
	case PAGE_ALLOCATED:
		what = "allocated";
		break;
	}
	spin_unlock(&pool->lock);
	return what;
}

void pool_count_blocks(struct page_pool *pool, uint blocks[NUM_OF_ALLOCSIZE])
{
	spin_lock(&pool->lock);
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++) {
		blocks[order] = 0;
		list_for_each (node, &pool->free[order])
			blocks[order]++;
	}
	spin_unlock(&pool->lock);
}
