/*
 * Our own address space: where things are mapped, and how to map more.
 * Book: chapter 2.
 */
#ifndef PAGING_PAGING_H
#define PAGING_PAGING_H

#include "boot/layout.h"
#include "lib/types.h"

/* What a mapping allows. Nothing is ever writable and executable at once. */
enum map_flags {
	MAP_READ = 0,
	MAP_WRITE = 1,
	MAP_EXEC = 2,
	MAP_DEVICE = 4,          /* uncached */
	MAP_WRITE_COMBINING = 8, /* as efi/write_combining.h has it */
};

/*
 * Physical address of something in our range or in the direct map. Panics for
 * any other address.
 */
phys_t virt_to_phys(const void *virt);

/* Where the part of our own range at @phys is mapped; the inverse of the above.
 * @phys must lie in our range. */
void *vmm_phys_to_virt(phys_t phys);

/* Is [@phys, @phys + @size) wholly inside our own range? */
bool in_vmm_range(phys_t phys, u64 size);

/*
 * Map device registers or firmware tables: @size bytes at @phys, NX, uncached
 * unless @flags lacks MAP_DEVICE. Returns the virtual address of that very
 * byte. Returns NULL when memory for page tables ran out, when the CPU has no
 * such physical address, for any part of our own range, and when a page was
 * mapped before with rights that do not include @flags (uncached includes
 * cached). Never unmapped again; the same page is always at the same address,
 * and asking for it twice costs nothing. Any CPU.
 */
void *map_phys(phys_t phys, u64 size, enum map_flags flags);

/*
 * A page of our range, zeroed, given out for good: for what is needed before
 * there is a page allocator. Panics when the range is full, and when
 * paging_set_page_source() has been called (there is an allocator then).
 */
void *early_page(void);

/* As early_page() for @n contiguous pages. */
void *early_pages(size_t n);

/* First byte of our range that nobody has got yet, page aligned. */
void *early_pages_end(void);

/*
 * From now on take pages for page tables from @alloc (which has the form of
 * alloc_page) and refuse early_page(). Called once by the page allocator.
 */
void paging_set_page_source(int (*alloc)(void **virt, phys_t *phys));

/* Root of our page tables: what CR3 holds on every CPU. 0 before the move. */
phys_t paging_root(void);

/*
 * Let this CPU obey our page tables' rights: NX and write protection. Every
 * CPU calls it before it loads CR3 with paging_root().
 */
void paging_prepare_cpu(void);

/*
 * Unmap @page, a page of our range, for good, so that a stack above it that
 * grows too large faults. Splits a large page when need be. Returns -ENOMEM
 * when there is no page for that. Other CPUs may see it mapped for a while.
 */
int paging_make_guard(void *page);

/* Does @virt lie in a guard page? For telling a stack overflow. Any time. */
bool paging_is_guard(u64 virt);

#endif
