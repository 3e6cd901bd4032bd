/*
 * The buddy allocator itself, without any machine around it: a pool is handed
 * its memory, so the host tests run the same code on memory from malloc. The
 * rest of the program uses page/page.h.
 *
 * One struct page describes each page. A block is 2^order pages, aligned to
 * its own size; its first page, the head, speaks for all of it:
 *
 *	index  0     1     2     3     4     5     6     7
 *	     +-----+-----+-----+-----+-----+-----+-----+-----+
 *	type |resvd|alloc|free |not  |free |not  |not  |not  |
 *	order|     |     |  1  |head |  2  |head |head |head |
 *	     +-----+-----+-----+-----+-----+-----+-----+-----+
 *
 * The buddy of the block at i is at i ^ 2^order: the other half of the block
 * of the next order. Illegal: two buddies that are both free, at one order.
 * Book: chapter 3, "One bit tells the buddy".
 */
#ifndef PAGE_POOL_H
#define PAGE_POOL_H

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "page/page.h"

enum page_type {
	PAGE_RESERVED,  /* used by the program itself; a block of one page */
	PAGE_NOT_HEAD,  /* in a block, but not its first page */
	PAGE_FREE,      /* head of a free block, which is on its order's list */
	PAGE_ALLOCATED, /* head of a block that somebody has */
};

/*
 * 24 bytes for 4096 are 0.6 % of the memory. The links could lie in the free
 * pages themselves and cost nothing, but then a stray write through an old
 * pointer would lead the allocator astray; and page numbers instead of pointers
 * would make it 12 bytes, at the price of a multiplication for every step.
 */
struct page {
	struct list link; /* on the free list of its order, when free */
	u16 pages;        /* size of the block, when allocated */
	u8 order; /* of the block: 2^order pages, or as many as were needed */
	u8 type;  /* an enum page_type */
};

_Static_assert(sizeof(struct page) == 24, "as the comment says");

struct page_pool {
	/*
	 * Protects available, reserved, free[] and all of page[]; but whoever
	 * owns an allocated block may read its type and size without the lock.
	 * The other fields never change. No other lock is taken under this one.
	 */
	spinlock_t lock;
	u32 available;                      /* pages in free blocks */
	u32 reserved;                       /* pages of type PAGE_RESERVED */
	struct list free[NUM_OF_ALLOCSIZE]; /* free blocks of each order */
	struct page *page;                  /* one for each page */

	u32 pages;  /* in the pool */
	char *virt; /* where page 0 is, virtually and physically */
	phys_t phys;
};

/* Size in bytes of the array that a pool of @pages pages needs. */
static inline size_t page_array_size(u32 pages)
{
	return pages * sizeof(struct page);
}

/* The smallest order whose blocks have @n pages or more; @n > 0. */
static inline uint order_of(uint n)
{
	return n == 1 ? 0 : 32 - __builtin_clz(n - 1);
}

/*
 * Start a pool of @pages pages at @virt and @phys, all of them reserved. @page
 * has page_array_size() bytes.
 */
void pool_init(struct page_pool *pool, struct page *page, void *virt,
	       phys_t phys, u32 pages);

/*
 * Free @n reserved pages from number @first on. Returns -EINVAL, and does
 * nothing, when one of them is not reserved or not there.
 */
int pool_add(struct page_pool *pool, u32 first, u32 n);

/* As alloc_pages(): the number of the first of @n pages in *@index. */
int pool_alloc(struct page_pool *pool, u32 n, u32 *index);

/* Free the block at @index; -EINVAL when none begins there. */
int pool_free(struct page_pool *pool, u32 index);

/* As shrink_pages(): keep @n pages of the block at @index; or -EINVAL. */
int pool_shrink(struct page_pool *pool, u32 index, u32 n);

/* What page @index is; any number will do. */
const char *pool_describe(struct page_pool *pool, u64 index);

/* Count the free blocks of each order into @blocks. */
void pool_count_blocks(struct page_pool *pool, uint blocks[NUM_OF_ALLOCSIZE]);

/*
 * Verify every invariant. Returns NULL, or what is wrong, and in *@where the
 * number of the page in question, or pool->pages + order for a free list.
 */
const char *pool_check(struct page_pool *pool, u32 *where);

#endif
