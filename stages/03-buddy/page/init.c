/*
 * Start-up of the page layer: everything in our range that nobody has taken
 * yet becomes free pages, and page tables are made of them from now on.
 *
 *	0x40000000                                             + vmm_size
 *	| image | early pages, page array | free, in maximal blocks |
 *	|<---------- reserved ----------->|
 *
 * Book: chapter 3, "Everything is reserved, then most is freed".
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/string.h"
#include "page/internal.h"
#include "page/mm.h"
#include "page/page.h"
#include "paging/early.h"

static void print_blocks(const struct page_stats *stats)
{
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		printf(" %u", stats->blocks[order]);
	printf("\n");
}

static void print_pages(void)
{
	struct page_stats stats;

	get_page_stats(&stats);
	printf("page: %u pages (%lu MiB) at 0x%x, physical 0x%lx\n",
	       stats.pages, boot_info.vmm_size / MIB, VMM_VIRT,
	       boot_info.vmm_base.v);
	printf("page: %u reserved for the program, %u kept for a panic, "
	       "%u free\n",
	       stats.reserved, NUM_OF_PANICMEM_PAGES, stats.available);
	printf("page: free blocks by order, 4 KiB to 16 MiB:");
	print_blocks(&stats);
}

/* Three pages are no power of two: a block is split, and its tail given back;
 * free, they merge into what was there before. */
static void show_split_and_merge(void)
{
	struct page_stats before, after;
	void *virt;

	get_page_stats(&before);
	virt = new_pages(NULL, 3);
	if (!virt)
		panic("page: 3 pages can't be allocated");
	get_page_stats(&after);
	printf("page: alloc_pages(3) returns 0x%lx, split:", (u64)virt);
	print_blocks(&after);
	free_page(virt);
	get_page_stats(&after);
	printf("page: free_page(0x%lx), merged %s:", (u64)virt,
	       memcmp(before.blocks, after.blocks, sizeof(before.blocks))
		       ? "NOT as before"
		       : "as before");
	print_blocks(&after);
}

void page_init(void)
{
	u32 pages = boot_info.vmm_size / PAGE_SIZE;
	size_t size = ALIGN_UP(page_array_size(pages), PAGE_SIZE);
	struct page *page = early_pages(size / PAGE_SIZE);
	u64 used = (u64)early_pages_end() - VMM_VIRT;

	fill_with_junk((char *)VMM_VIRT + used,
		       (char *)VMM_VIRT + boot_info.vmm_size);
	if (setup_pages(page, (void *)VMM_VIRT, boot_info.vmm_base, pages,
			used / PAGE_SIZE) ||
	    mm_setup())
		panic("page: %lu MiB are too little for Vellum and a "
		      "reserve of %u pages",
		      boot_info.vmm_size / MIB, NUM_OF_PANICMEM_PAGES);
	paging_set_page_source(alloc_page);
	print_pages();
	show_split_and_merge();
}
