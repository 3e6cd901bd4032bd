/*
 * The inside of the byte allocator. A page that was cut up for a class is a
 * slab; its header lies at its start, in the slots it covers:
 *
 *	0      16     24       56  64                            4096
 *	| link | facts| bitmap |   | slot 4 | slot 5 | ... | slot 255 |
 *	|<-- slots 0 to 3, never free ->|<--- 252 objects of 16 ----->|
 *
 * So no object begins at a page boundary, and the low 12 bits of an address
 * tell free() at once whether it is an object (not 0) or whole pages (0).
 * The price: the 1024-byte class has 3 objects to a page instead of 4.
 * Book: chapter 4, "Where does the bitmap live?"
 */
#ifndef HEAP_SLAB_H
#define HEAP_SLAB_H

#include "heap/heap.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

#define SLAB_WORDS (PAGE_SIZE / HEAP_MIN / 64)

struct slab {
	struct list link;       /* on its class's partial or full list */
	u32 magic;              /* slab_magic(): this is a slab indeed */
	u16 class;              /* index into heap_classes[] */
	u16 free;               /* how many bits of the bitmap are 1 */
	u64 bitmap[SLAB_WORDS]; /* bit i is 1: slot i is free */
};

_Static_assert(offsetof(struct slab, bitmap) == 24, "see the drawing");
_Static_assert(sizeof(struct slab) <= 4 * HEAP_MIN, "see the drawing");

/* The pages of one object size. */
struct heap_class {
	/*
	 * Protects all below that can change, and the headers of the class's
	 * slabs; but whoever owns an object may read magic and class of its
	 * slab without the lock. No other lock is taken under this one.
	 */
	spinlock_t lock;
	struct list partial; /* slabs with a free slot */
	struct list full;    /* slabs without */
	/*
	 * The one slab without objects that we keep, so that a single object
	 * that comes and goes does not take and free a page each time. It is
	 * the last of the partial list; NULL when there is none.
	 */
	struct slab *empty;
	uint pages;
	uint used;

	/* What follows from the size, computed once. */
	uint shift; /* objects have 2^shift bytes */
	uint first; /* the first slot after the header */
	uint slots; /* in a page, those of the header included */
	uint words; /* of the bitmap in use */
};

extern struct heap_class heap_classes[HEAP_CLASSES];

/*
 * What marks the page at @slab as one: derived from the address, so that a
 * copy of a slab in another page is none.
 */
static inline u32 slab_magic(const struct slab *slab)
{
	return (u32)((u64)slab >> PAGE_SHIFT) ^ 0x51ab51ab;
}

/* Usable slots of a slab of @class. */
static inline uint class_slots(const struct heap_class *class)
{
	return class->slots - class->first;
}

/* Make all classes empty. Called once, by CPU 0; tests start over with it. */
void setup_heap(void);

/* Verify every invariant of every class; prints and returns -EINVAL, or 0. */
int check_heap(void);

#endif
