/*
 * Page allocation: memory in units of 4 KiB, out of our own range.
 *
 * Any CPU may call any of these, at any time after the memory phase. Out of
 * memory is a result, -ENOMEM, in every build. Pages come as they are: whoever
 * needs zeros must clear them.
 * Book: chapter 3.
 */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include "lib/types.h"

#define NUM_OF_ALLOCSIZE 13 /* block sizes: 4 KiB, 8 KiB, ... 16 MiB */
#define MAX_ALLOC_PAGES  (1 << (NUM_OF_ALLOCSIZE - 1))

/*
 * Allocate @n contiguous pages, aligned to the next power of two of @n pages
 * (virtually; physically to at most the 4 MiB that our range is aligned to).
 * No page is wasted when @n is not a power of two. *@virt and *@phys get the
 * addresses; either may be NULL. Returns 0, -EINVAL when @n is not positive,
 * or -ENOMEM; then nothing was changed.
 */
int alloc_pages(void **virt, phys_t *phys, int n);

/* As alloc_pages() for one page. */
int alloc_page(void **virt, phys_t *phys);

/* The same two for those who need the page anyway: its address, or NULL. */
static inline void *new_pages(phys_t *phys, int n)
{
	void *virt;

	return alloc_pages(&virt, phys, n) ? NULL : virt;
}

static inline void *new_page(phys_t *phys)
{
	void *virt;

	return alloc_page(&virt, phys) ? NULL : virt;
}

/*
 * Give back the whole block that begins at @virt, as it was allocated. Any
 * other address panics, saying what is wrong with it.
 */
void free_page(void *virt);

/* As free_page(), for whoever kept only the physical address. */
void free_page_phys(phys_t phys);

/*
 * Keep the first @n pages of the allocated block at @virt and give back the
 * rest. Panics as free_page() does, and when the block has fewer pages.
 */
void shrink_pages(void *virt, int n);

/*
 * Note with the allocated block that begins at @virt, which the caller has, who
 * uses it and for what: @owner is the caller's to choose; NULL: nobody. A block
 * with an owner can't be freed nor shrunk. Panics when no block begins there.
 *
 * Only this tells what a page is. What lies in it does not: a guest, a device,
 * or Vellum itself before the machine was reset may have left anything there.
 */
void set_page_owner(void *virt, void *owner);

/* The owner of the block that begins at @virt; NULL: none, or no block. */
void *page_owner(const void *virt);

/* Pages that can still be allocated. The reserve is not among them. */
uint num_of_available_pages(void);

/*
 * Pages of the allocated block that begins at @virt, or 0 when none does. The
 * caller must own the block for the answer to last.
 */
uint pages_of_block(const void *virt);

/* Does @p point into our range, so that it may be memory of this layer? */
bool in_page_memory(const void *p);

/* What lies at @virt, as far as this layer knows: "already free" and so on. */
const char *describe_page(const void *virt);

/* Physical address of @virt, which must lie in our range. Costs a few adds. */
phys_t page_phys(const void *virt);

/* What the pool holds, for those who print it. */
struct page_stats {
	uint pages;                    /* in our range */
	uint reserved;                 /* the program's own */
	uint available;                /* free */
	uint blocks[NUM_OF_ALLOCSIZE]; /* free blocks of each order */
};

void get_page_stats(struct page_stats *stats);

/* May this CPU allocate? Not when the reserve was freed for another. */
bool mm_may_allocate(void);

/*
 * Start-up. page/init.c does it on the machine, the host tests with memory from
 * malloc: manage @pages pages at @virt and @phys, of which the first @used are
 * taken. @page has page_array_size(@pages) bytes (page/internal.h). Returns 0,
 * or -EINVAL when @used is more than there are. Called once, by CPU 0, before
 * all else; tests start over with it.
 */
struct page;
int setup_pages(struct page *page, void *virt, phys_t phys, u32 pages,
		u32 used);

/*
 * Free @n reserved pages from number @first on. Returns -EINVAL, and does
 * nothing, when one of them is not reserved or not there.
 */
int free_reserved_pages(u32 first, u32 n);

/* Manage the pages of our range, all that nobody has yet. CPU 0, once. */
void page_init(void);

/* In a build with TEST=1. */
void page_selftest(void);

#endif
