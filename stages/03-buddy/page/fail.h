/*
 * Fault injection: `make MM_FAIL_AT=n` lets the n-th allocation fail, so that
 * what follows each "out of memory" is tested and not only hoped for.
 *
 * Every function that hands out memory asks mm_fail_now() before it does
 * anything else: alloc_pages() of this layer, and alloc() of the layer above.
 * One counter goes through all of them. Without MM_FAIL_AT all this compiles
 * to nothing; host tests have it built in, and set mm_fail_at as they run.
 * Book: chapter 3, "Running out on purpose".
 */
#ifndef PAGE_FAIL_H
#define PAGE_FAIL_H

#include "lib/types.h"

#ifdef MM_FAIL_AT

/* Allocations so far; and the number of the one that is to fail, 0: none. */
extern u64 mm_allocations, mm_fail_at;

/* Count one allocation. Must this one fail? Then say so on the console. */
bool mm_fail_now(void);

#else

static inline bool mm_fail_now(void)
{
	return false;
}

#endif

#endif
