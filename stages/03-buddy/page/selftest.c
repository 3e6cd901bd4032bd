/*
 * The self-test of the page layer, on the machine itself (TEST=1): what the
 * host tests prove of the code, seen once more with real memory under it; and
 * memory that holds all that could mislead us.
 */
#ifdef VELLUM_TEST

#include "boot/layout.h"
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/internal.h"
#include "page/mm.h"
#include "page/page.h"
#include "page/runs.h"
#include "paging/pagetable.h"

static void fill(u64 *page, u64 value, u64 step)
{
	for (u64 i = 0; i < PAGE_SIZE / sizeof(*page); i++)
		page[i] = value + i * step;
}

/*
 * Four kinds in turn: all ones; tables that map all memory, for whoever takes
 * them as page tables; lists that are empty, or rings; and our own program.
 */
void fill_with_junk(char *start, char *end)
{
	char *ours = text_start;
	uint i = 0;

	for (char *page = start; page < end; page += PAGE_SIZE, i++)
		switch (i % 4) {
		case 0:
			fill((u64 *)page, ~0UL, 0);
			break;
		case 1:
			fill((u64 *)page, PTE_P | PTE_W, PAGE_SIZE);
			break;
		case 2:
			fill((u64 *)page, (u64)page, 0);
			break;
		default:
			memcpy(page, ours, PAGE_SIZE);
			ours += PAGE_SIZE;
			if (ours >= data_start)
				ours = text_start;
		}
	printf("page: %lu MiB were filled with junk\n", (end - start) / MIB);
}

/* Sizes that are powers of two and sizes that are not. */
static const int sizes[] = {1, 2, 3, 5, 8, 100, 256, 1000, 4096};

/* Allocate a block of each size; alignment, addresses and memory are right? */
static bool test_sizes(void)
{
	uint before = num_of_available_pages();
	bool ok = true;

	for (uint i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint n = sizes[i];
		u64 *virt, size = n * PAGE_SIZE;
		phys_t phys;

		if (n > before / 4)
			continue; /* a small VMMSIZE_ALL */
		virt = new_pages(&phys, n);
		if (!virt)
			return false;
		ok &= num_of_available_pages() == before - n;
		ok &= page_phys(virt).v == phys.v;
		ok &= (u64)virt % (1UL << (64 - __builtin_clzl(size - 1))) == 0;
		virt[0] = n; /* is there memory at both ends? */
		virt[size / sizeof(*virt) - 1] = ~(u64)n;
		ok &= virt[0] == n;
		free_page_phys(phys);
		ok &= num_of_available_pages() == before;
	}
	return ok;
}

/* Take every page there is, chained through the pages, and give them back. */
static bool test_exhaustion(uint *taken)
{
	uint before = num_of_available_pages();
	void **last = NULL, *virt;
	bool ok;
	int error;

	*taken = 0;
	while (!(error = alloc_page(&virt, NULL))) {
		*(void **)virt = last;
		last = virt;
		(*taken)++;
	}
	ok = error == -ENOMEM && *taken == before;
	ok &= num_of_available_pages() == 0 && mm_check() == 0;
	while (last) {
		virt = last;
		last = *last;
		free_page(virt);
	}
	return ok && num_of_available_pages() == before;
}

static bool same_blocks(const struct page_stats *a, const struct page_stats *b)
{
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		if (a->blocks[order] != b->blocks[order])
			return false;
	return true;
}

void page_selftest(void)
{
	struct page_stats before, after;
	uint taken = 0;
	const char *failed = NULL;

	get_page_stats(&before);
	if (!test_sizes())
		failed = "block sizes";
	else if (!test_exhaustion(&taken))
		failed = "exhaustion";
	get_page_stats(&after);
	if (!failed && !same_blocks(&before, &after))
		failed = "blocks did not merge again";
	if (!failed && mm_check())
		failed = "mm_check";
	printf("page: took all %u pages one by one, then -ENOMEM\n", taken);
	print_page_runs();
	if (failed)
		printf("selftest: page: FAILED %s\n", failed);
	else
		printf("selftest: page: ok\n");
}

#endif
