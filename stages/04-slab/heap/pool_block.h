/*
 * The inside of memory pools, for heap/mempool.c and its checker.
 */
#ifndef HEAP_POOL_BLOCK_H
#define HEAP_POOL_BLOCK_H

#include "heap/mempool.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "page/page.h"

#define RUN_ALIGN 16 /* offsets and lengths are multiples of this */

/* A part of a block that is one object, or free. */
struct run {
	struct list link; /* on block->runs, by offset */
	u32 offset;       /* from the start of the block */
	u32 length;
	bool used;
};

/* Contiguous pages of one pool. */
struct block {
	struct list link; /* on the pool's blocks or kept */
	struct list runs;
	char *base;
	u32 pages;
	u32 used;   /* bytes in used runs */
	bool dirty; /* had objects since it was last cleared */
};

struct mempool {
	/* Protects all below that can change, blocks and runs included. Under
	 * it the locks of the heap and of the page layer are taken. */
	spinlock_t lock;
	struct list blocks; /* with objects in them */
	struct list kept;   /* without */
	uint numkept;       /* how many on that list */

	uint numkeeps; /* how many there may be */
	bool clear;
	uint pages; /* of a block */

	struct list link; /* on mempools.list */
};

/* Every pool there is, so that the checker and the panic path reach it. */
struct mempool_list {
	spinlock_t lock; /* protects list; pools' locks are taken under it */
	struct list list;
};

extern struct mempool_list mempools;

#endif
