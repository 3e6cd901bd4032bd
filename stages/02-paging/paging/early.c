/*
 * Memory before there is a page allocator: a pointer that moves up.
 *
 *	0x40000000           image_end      next                  end of range
 *	| text rodata data bss | given out -> | not given out yet      |
 *
 * Page tables must exist before a page allocator can, and the allocator's own
 * array as well. Both are kept for good, so nothing need ever be given back.
 * Book: chapter 2, "Memory before memory management".
 */
#include "paging/early.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/address.h"

/* Page tables may take this part of the range; the heap needs the rest. */
#define TABLE_SHARE 8

static char *next = image_end;
static int (*page_source)(void **virt, phys_t *phys);

static u64 used(void)
{
	return next - (char *)VMM_VIRT;
}

/*
 * Take @n pages of a range with room for @limit bytes in all. Until the move,
 * 0x40000000 is not where they can be cleared: they lie in the range to be.
 */
static void *take_early_pages(size_t n, u64 limit)
{
	void *virt = next;

	if (used() > limit || n > (limit - used()) / PAGE_SIZE)
		return NULL;
	memset(vmm_phys_to_virt(virt_to_phys(virt)), 0, n * PAGE_SIZE);
	next += n * PAGE_SIZE;
	return virt;
}

void *early_pages(size_t n)
{
	void *virt;

	if (page_source)
		panic("early_pages: the page allocator is there already");
	virt = take_early_pages(n, boot_info.vmm_size);
	if (!virt)
		panic("early_pages: no room for %zu pages in %lu MiB", n,
		      boot_info.vmm_size / MIB);
	return virt;
}

void *early_pages_end(void)
{
	return next;
}

void paging_set_page_source(int (*alloc)(void **virt, phys_t *phys))
{
	page_source = alloc;
}

int table_alloc(phys_t *phys)
{
	void *virt;

	if (!page_source) {
		virt = take_early_pages(1, boot_info.vmm_size / TABLE_SHARE);
		if (!virt)
			return -ENOMEM;
		*phys = virt_to_phys(virt);
		return 0;
	}
	if (page_source(&virt, phys))
		return -ENOMEM;
	memset(virt, 0, PAGE_SIZE);
	return 0;
}
