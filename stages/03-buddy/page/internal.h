/*
 * What the page layer knows of each page. The program uses page/page.h; this
 * is for the layer itself, its checker and its tests.
 *
 * One struct page describes each page. A block is 2^order pages, aligned to
 * its own size; its first page, the head, speaks for all of it:
 *
 *	index  0     1     2     3     4     5     6     7
 *	     +-----+-----+-----+-----+-----+-----+-----+-----+
 *	type |resvd|alloc|free |not  |free |not  |not  |not  |
 *	     |     |     | + 1 |head | + 2 |head |head |head |
 *	     +-----+-----+-----+-----+-----+-----+-----+-----+
 *
 * Illegal: two buddies that are both free, at one order (page/buddy.h).
 * Book: chapter 3, "What the allocator knows of a page".
 */
#ifndef PAGE_INTERNAL_H
#define PAGE_INTERNAL_H

#include "lib/spinlock.h"
#include "lib/types.h"
#include "page/buddy.h"
#include "page/list.h"

/*
 * A free block's type tells its order as well, so that one comparison answers
 * "is the buddy free, and all of it?"
 */
enum page_type {
	PAGE_FREE,                        /* + order: head of a free block */
	PAGE_NOT_HEAD = NUM_OF_ALLOCSIZE, /* in a block, but not its first */
	PAGE_ALLOCATED,                   /* head of a block somebody has */
	PAGE_OWNED,                       /* the same, and owner says who */
	PAGE_RESERVED,                    /* the program's own, or no page */
};

/*
 * 24 bytes for 4096 are 0.6 % of the memory. The links could lie in the free
 * pages themselves and cost nothing, but then a stray write through an old
 * pointer would lead the allocator astray.
 */
struct page {
	union {
		struct list link; /* on the free list of its order, when free */
		void *owner;      /* set_page_owner(), when owned */
	};
	u32 pages; /* size of the block, when allocated or owned */
	u32 type;  /* an enum page_type */
};

_Static_assert(sizeof(struct page) == 24, "as the comment says");

struct page_pool {
	/* The free blocks of each order. One list more ends every search for a
	 * block: it stays zero, so it never looks empty. */
	struct list free[NUM_OF_ALLOCSIZE + 1];

	/*
	 * Protects available, reserved, only_cpu, free[] and all of page[]; but
	 * pages_of_block() and page_owner() read a block's fields without the
	 * lock: for who has the block the answer lasts. The other fields never
	 * change. No other lock is taken under this one.
	 */
	spinlock_t lock;
	u32 available; /* pages in free blocks */
	u32 reserved;  /* pages of type PAGE_RESERVED */
	u32 only_cpu;  /* 0: all may allocate; n + 1: CPU n alone, in a panic */

	struct page *page; /* one for each page, and for the padding */
	u64 pages;         /* in the pool */
	char *virt;        /* where page 0 is, virtually and physically */
	phys_t phys;
};

/* The one pool of the program (page/page.c). */
extern struct page_pool vmm_pool;

/*
 * How many elements the array for @pages pages has: whole blocks of the highest
 * order, so that a block's buddy is always in it. Those too many stay
 * PAGE_RESERVED, and nothing ever merges with them.
 */
static inline u32 page_array_length(u32 pages)
{
	return ALIGN_UP(pages, MAX_ALLOC_PAGES);
}

/* The same in bytes. */
static inline size_t page_array_size(u32 pages)
{
	return page_array_length(pages) * sizeof(struct page);
}

/* The number of the page of @virt; no less than pages for a foreign address. */
static inline u64 page_number(const void *virt)
{
	return ((u64)virt - (u64)vmm_pool.virt) >> PAGE_SHIFT;
}

/*
 * Verify every invariant (page/check.c). Returns NULL, or what is wrong, and
 * where in *@where: the number of a page, or page_array_length() + order for a
 * free list, or + NUM_OF_ALLOCSIZE for what comes after the lists.
 */
const char *pool_check(u32 *where);

/*
 * In a test build (page/selftest.c): fill the memory from @start to @end, which
 * nobody has yet, with what could mislead us. RAM survives a reset, so at the
 * next start such things do lie there: our own data of last time, page tables,
 * lists.
 */
#ifdef VELLUM_TEST
void fill_with_junk(char *start, char *end);
#else
#define fill_with_junk(start, end) ((void)0)
#endif

#endif
