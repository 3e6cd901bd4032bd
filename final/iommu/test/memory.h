/*
 * Memory as an IOMMU sees it, for host tests: pages to allocate, which lie at
 * physical addresses; and walks through tables in it, written down from the two
 * specifications and from nothing else.
 */
#ifndef IOMMU_TEST_MEMORY_H
#define IOMMU_TEST_MEMORY_H

#include "host.h"
#include "iommu/dma_map.h"

/* Nothing is allocated, and @pages can be; those hold junk. */
void memory_reset(uint pages);

/* Pages that were allocated since. */
extern uint memory_pages;

/*
 * What is stored can wait in two places for the unit to see it: in a cache, and
 * in a buffer of the chipset. memory_reset() ends both.
 */
void memory_is_cached(void);   /* until memory_flush_cache(), */
void memory_is_buffered(void); /* and until memory_flush_buffer() */
void memory_flush_cache(void);
void memory_flush_buffer(void);

/* The word at the physical address @phys, as the unit sees it; and as it is:
 * rings and queues are read through the caches. */
u64 memory_seen(u64 phys);
u64 *memory_word(u64 phys);

/* Rights of a walk's end: 0 is a fault. */
#define MAY_READ  1
#define MAY_WRITE 2

/*
 * Where a walk from @root through @levels levels leads @address, in *@to, and
 * what is allowed there. Fails the test where an entry is malformed, for a unit
 * that knows leaves up to @max_leaf. VT-d 3.4, 9.8; AMD's 3.07, 2.2.3.
 */
uint walk_vtd(u64 root, uint levels, uint max_leaf, u64 address, u64 *to);
uint walk_amdvi(u64 root, uint levels, u64 address, u64 *to);

#endif
