/*
 * The self-test of the pools, on the machine itself (TEST=1).
 */
#ifdef VELLUM_TEST

#include "console/printf.h"
#include "page/mm.h"
#include "page/page.h"
#include "pool/mempool.h"

/* The 65th object of 64 bytes needs a second page; all are zero. */
static bool test_65_objects(struct mempool *mp)
{
	u8 *p, *first = mempool_allocmem(mp, 64);
	bool ok = first != NULL;

	for (uint i = 1; ok && i < 65; i++) {
		p = mempool_allocmem(mp, 64);
		ok = p && p[0] == 0 && p[63] == 0;
		ok &= ((p - first) / PAGE_SIZE == 0) == (i < 64);
	}
	return ok && mm_check() == 0;
}

void mempool_selftest(void)
{
	struct mempool *mp = mempool_new(1, 1, true);
	bool ok = mp && test_65_objects(mp);

	if (mp)
		mempool_free(mp);
	ok &= mm_check() == 0;
	printf("selftest: pool: %s\n", ok ? "ok" : "FAILED");
}

#endif
