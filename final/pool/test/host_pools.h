/*
 * The pools on the host, with the heap below, for all tests of this folder.
 */
#ifndef POOL_TEST_HOST_POOLS_H
#define POOL_TEST_HOST_POOLS_H

#include "heap/test/host_heap.h"
#include "pool/mempool.h"

/* Start over: @pages pages, of which the panic reserve takes some. */
static inline void host_pools(u32 pages)
{
	host_heap(pages);
	mempool_init();
}

#endif
