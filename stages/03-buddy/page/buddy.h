/*
 * The arithmetic of blocks: pages have numbers, a block is 2^order pages, and
 * begins at a multiple of its size.
 *
 *	order 2 |           0           |           4           |
 *	order 1 |     0     |     2     |     4     |     6     |
 *	order 0 |  0  |  1  |  2  |  3  |  4  |  5  |  6  |  7  |
 *
 * Two blocks side by side are buddies when they are the halves of one block of
 * the next order: 4 and 6 are, at order 1; 2 and 4 are not. Their numbers
 * differ in one bit, the one of their order.
 * Book: chapter 3, "One bit tells the buddy". What is claimed here is checked
 * for every number that can occur (page/test/buddy_test.c).
 */
#ifndef PAGE_BUDDY_H
#define PAGE_BUDDY_H

#include "lib/types.h"
#include "page/page.h"

/* The smallest order whose blocks have @n pages or more; @n > 0. */
static inline u32 order_of(u32 n)
{
	return n == 1 ? 0 : 32 - __builtin_clz(n - 1);
}

/* The buddy of the block of @order at @i. */
static inline u64 buddy_of(u64 i, u32 order)
{
	return i ^ BIT(order);
}

/* Where the block begins that the two buddies @i and @buddy are halves of. */
static inline u64 whole_of(u64 i, u64 buddy)
{
	return i & buddy;
}

/* The order of the largest block that begins at @i and has at most @n pages. */
static inline u32 largest_order(u32 i, u32 n)
{
	u32 by_size = 31 - __builtin_clz(n);
	u32 by_place = __builtin_ctz(i | MAX_ALLOC_PAGES);

	return MIN(by_size, by_place);
}

#endif
