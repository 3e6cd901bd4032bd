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

#define NUM_OF_PANICMEM_PAGES 256 /* 1 MiB, set aside for the panic shell */

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
	uint panicmem;                 /* in the reserve */
	uint available;                /* free */
	uint blocks[NUM_OF_ALLOCSIZE]; /* free blocks of each order */
};

void get_page_stats(struct page_stats *stats);

/*
 * Open every memory lock, this layer's and those of the layers above it, so
 * that a CPU that panicked while it held one can allocate again. Only when all
 * other CPUs are stopped: what a lock protected may be half changed.
 */
void mm_force_unlock(void);

/*
 * Free the reserve of NUM_OF_PANICMEM_PAGES pages: a panic that was caused by
 * lack of memory needs some for its own shell. From then on this CPU alone can
 * allocate; for all others there is no memory. The second call does nothing.
 */
void mm_free_panicmem(void);

/* May this CPU allocate? Not when the reserve was freed for another. */
bool mm_may_allocate(void);

/*
 * Verify every invariant of every memory layer. Prints what is wrong and
 * returns -EINVAL, or returns 0. Takes time proportional to the memory.
 */
int mm_check(void);

/*
 * A layer above this one that has locks and invariants of its own tells us of
 * them, so that the two calls above reach it. Called once for each layer, by
 * CPU 0 at start-up; @layer stays.
 */
struct mm_layer {
	int (*check)(void);         /* prints and returns -EINVAL, or 0 */
	void (*force_unlock)(void); /* as mm_force_unlock(), for its locks */
	void (*one_cpu_only)(void); /* NULL: it asks mm_may_allocate() always;
				       else it must from this call on */
	struct mm_layer *next;
};

void mm_add_layer(struct mm_layer *layer);

#endif
