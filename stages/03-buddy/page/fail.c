/*
 * Fault injection: see page/fail.h.
 */
#ifdef MM_FAIL_AT

#include "page/fail.h"

#include "console/printf.h"

u64 mm_allocations, mm_fail_at = MM_FAIL_AT;

bool mm_fail_now(void)
{
	u64 n = __atomic_add_fetch(&mm_allocations, 1, __ATOMIC_RELAXED);

	if (n != mm_fail_at)
		return false;
	printf("mm: allocation %lu fails on purpose\n", n);
	return true;
}

#endif
