/*
 * All memory layers together: one checker, and what a panic needs. The page
 * layer is the lowest; those above tell us of themselves (struct mm_layer).
 * Book: chapter 3, "The last megabyte" and "What must always be true".
 */
#ifndef PAGE_MM_H
#define PAGE_MM_H

#include "lib/types.h"

#define NUM_OF_PANICMEM_PAGES 256 /* 1 MiB, set aside for the panic shell */

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

/*
 * Set the reserve aside, and forget all layers. Returns 0, or -ENOMEM when
 * there is not enough for the reserve. Called once, after setup_pages().
 */
int mm_setup(void);

/*
 * With MM_FAIL_AT (page/fail.h): say how many allocations there were, for so
 * far a sweep over all of them must go; and whether mm_check() finds anything.
 * When the boot is over, or in a panic.
 */
#ifdef MM_FAIL_AT
void mm_print_allocations(void);
#else
static inline void mm_print_allocations(void)
{
}
#endif

#endif
