/*
 * The inside of memory pools, for heap/mempool.c and its checker.
 */
#ifndef HEAP_POOL_BLOCK_H
#define HEAP_POOL_BLOCK_H

#include "heap/mempool.h"
#include "lib/spinlock.h"
#include "page/list.h"

#define RUN_ALIGN 16 /* offsets and lengths are multiples of this */

/* A part of a block that is one object, or free. */
struct run {
	u32 offset; /* from the start of the block */
	u32 length;
	bool used;
};

#define FIRST_ROOM 5 /* for so many runs at first: 60 bytes */

/* Contiguous pages of one pool. */
struct block {
	struct list link; /* on the blocks of its pool */
	char *base;       /* the pages */
	u32 pages;
	u32 used;         /* bytes in used runs */
	u32 count;        /* runs; in order of offset they cover the block */
	u32 room;         /* for so many: FIRST_ROOM, or twice, ... */
	struct run *runs; /* from alloc() */
	u64 seal; /* seal_of_block(): these pages and runs are its own */
};

/* What marks @block as the one that has its pages and its runs. */
static inline u64 seal_of_block(const struct block *block)
{
	return (u64)block + (u64)block->base + (u64)block->runs;
}

struct mempool {
	spinlock_t lock; /* protects all below that can change, and blocks */
	struct list blocks;
	uint numkept; /* how many of them have no objects */

	uint numkeeps; /* how many there may be */
	bool clear;
	uint pages; /* of a block */

	struct list link; /* on mempools.list */
};

/*
 * Every pool there is, so that the checker and the panic path reach it. The
 * order of locks is: this one, a pool's, a class's of the heap, the page
 * layer's.
 */
struct mempool_list {
	spinlock_t lock; /* protects list */
	struct list list;
};

extern struct mempool_list mempools;

#endif
