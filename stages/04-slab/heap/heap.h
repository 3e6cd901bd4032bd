/*
 * Byte allocation: objects smaller than a page, and whole pages for the rest.
 *
 * Any CPU may call any of these, at any time after the heap phase. Out of
 * memory is a result, NULL, in every build. Memory comes as it is, not cleared.
 * Book: chapter 4.
 */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include "lib/types.h"

#define HEAP_MIN 16   /* the smallest object */
#define HEAP_MAX 1024 /* the largest; what is larger becomes whole pages */

/*
 * Allocate @n bytes, aligned to the next power of two of @n, and at least to
 * 16. An address whose low 12 bits are 0 means whole pages. Returns NULL when
 * there is no memory, or @n is more than 16 MiB.
 */
void *alloc(uint n);

/* As alloc(), with the physical address in *@phys. */
void *alloc2(uint n, phys_t *phys);

/*
 * Make the object at @p @n bytes long, at another address if need be; the
 * bytes that old and new have in common keep their values. Returns the
 * address, or NULL when there is no memory: then @p is as it was. Making an
 * object smaller never fails. @p may be NULL (then this is alloc); when @n is
 * 0 the object is freed and NULL returned.
 */
void *realloc(void *p, uint n);

/*
 * Give back what alloc, alloc2 or realloc returned. NULL is allowed. Any other
 * address panics, saying what is wrong with it.
 */
void free(void *p);

/* What one size class holds, for those who print it. */
struct heap_stats {
	uint size;  /* of an object */
	uint slots; /* usable, in one page */
	uint pages; /* cut up for this class */
	uint used;  /* objects allocated */
};

#define HEAP_CLASSES 7 /* 16, 32, 64, 128, 256, 512, 1024 */

void get_heap_stats(struct heap_stats stats[HEAP_CLASSES]);

/* From here on there is a heap. CPU 0, once, after page_init(). */
void heap_init(void);

/* In a build with TEST=1. */
void heap_selftest(void);

#endif
