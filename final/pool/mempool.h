/*
 * Memory pools: for data that must be kept apart, page by page, from all
 * other data. A protection domain that gets the pages of a pool mapped sees
 * objects of that pool, and nothing else:
 *
 * - two pools never share a page, nor a pool and the heap;
 * - a page that is new in a pool is cleared, whatever was in it before;
 * - what the allocator itself must remember is outside these pages, so the
 *   domain can neither read nor change it.
 *
 * Any CPU may use a pool. Book: chapter 10.
 */
#ifndef POOL_MEMPOOL_H
#define POOL_MEMPOOL_H

#include "lib/types.h"

struct mempool;

/*
 * A new pool, which takes pages in blocks of @blocksize bytes, rounded up to a
 * power of two of pages. Up to @numkeeps blocks that became free are kept for
 * the next allocation. With @clear, each object is zero when it is allocated,
 * and a kept block is cleared before it is used again. Returns NULL when there
 * is no memory, @numkeeps is negative, or @blocksize is more than 16 MiB or
 * negative (0 means one page).
 */
struct mempool *mempool_new(int blocksize, int numkeeps, bool clear);

/* Free the pool @mp with all that is in it. Nobody may be using it. */
void mempool_free(struct mempool *mp);

/*
 * Allocate @len bytes, aligned to 16. An object larger than the pool's block
 * size gets a block of its own, which is never kept. NULL: no memory.
 */
void *mempool_allocmem(struct mempool *mp, uint len);

/*
 * Give back what mempool_allocmem() returned. NULL is allowed. Any other
 * address panics, saying what is wrong with it.
 */
void mempool_freemem(struct mempool *mp, void *p);

/* From here on there can be pools. CPU 0, once, after heap_init(). */
void mempool_init(void);

/* In a build with TEST=1. */
void mempool_selftest(void);

#endif
