/*
 * The inside of the byte allocator. A page that was cut up for a class is a
 * slab; its header lies at its start, in the slots it covers:
 *
 *	0        32     48     56     60     64                      4096
 *	| bitmap | link |class | used | word | slot 4 | ... | slot 255 |
 *	|<------ slots 0 to 3, never free -->|<- 252 objects of 16 --->|
 *
 * So no object begins at a page boundary, and the low 12 bits of an address
 * tell at once whether it is an object (not 0) or whole pages (0). The price:
 * the 1024-byte class has 3 objects to a page instead of 4.
 * That the page is a slab, and of which class, the page layer knows
 * (set_page_owner()); what lies in a page proves nothing.
 * Book: chapter 4, "Where does the bitmap live?"
 */
#ifndef HEAP_SLAB_H
#define HEAP_SLAB_H

#include "heap/heap.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "page/internal.h"
#include "page/list.h"
#include "page/page.h"

#define SLAB_WORDS (PAGE_SIZE / HEAP_MIN / 64)

struct heap_class;

struct slab {
	u64 bitmap[SLAB_WORDS]; /* bit i is 1: slot i is free */
	struct list link;       /* on the list of its class; else next: NULL */
	struct heap_class *cls; /* as the page's owner is: else somebody wrote
				     over the header */
	u32 used;               /* objects allocated */
	u32 word;               /* number of the word to look at first; on the
				   list, of one that is not 0 */
};

_Static_assert(offsetof(struct slab, link) == 32, "see the drawing");
_Static_assert(sizeof(struct slab) == 4 * HEAP_MIN, "see the drawing");

/*
 * The slabs of one object size. Of these, one is current; those that have a
 * free slot are on a list; those that are full are on none.
 */
struct heap_class {
	/*
	 * Protects all below that can change, the headers of the class's slabs,
	 * and that it is their owner; but whoever has an object may read class
	 * and owner of its slab without the lock. The checker takes the locks
	 * of all classes, in their order; under one of these only the page
	 * layer's is taken, by set_page_owner().
	 */
	spinlock_t lock;
	u32 pages;            /* slabs of this class */
	struct slab *current; /* alloc() takes from this one */
	struct list partial;  /* others with a free slot; all have objects */

	/* What follows from the size, computed once. */
	u32 shift;   /* objects have 2^shift bytes */
	u32 mask;    /* the bits of an address that are 0 where one begins */
	u32 first;   /* the first slot after the header */
	u32 objects; /* in a slab */
	u32 words;   /* of the bitmap in use */
} __aligned(64);     /* two CPUs in two classes share no cache line */

extern struct heap_class heap_classes[HEAP_CLASSES];

/* The class for 16 i + 1 to 16 i + 16 bytes is size_class[i]. */
extern struct heap_class *size_class[HEAP_MAX / HEAP_MIN];

/*
 * Current slab of a class that has none yet. It is full, so it is not used, and
 * nothing ever writes to it.
 */
extern const struct slab no_slab;
#define NO_SLAB ((struct slab *)&no_slab)

/* Up to so many bytes alloc() takes from a class at once: OBJECT_MAX, and 0 in
 * a panic, when it must ask first. */
extern uint heap_usual_max;

/* The slab that the object at @p is, or would be, in. */
static inline struct slab *slab_of(const void *p)
{
	return (struct slab *)ALIGN_DOWN((u64)p, PAGE_SIZE);
}

/*
 * The class that the page of @p was cut up for; NULL: for none. The page's
 * descriptor says so, where only the heap is noted as an owner; no byte of the
 * page itself is looked at. Who has an object there may ask without a lock: the
 * owner stays as long as the object does.
 */
static inline struct heap_class *class_of(const void *p)
{
	u64 i = page_number(p);

	return i < vmm_pool.pages && vmm_pool.page[i].type == PAGE_OWNED
		       ? vmm_pool.page[i].owner
		       : NULL;
}

static inline bool is_full(const struct heap_class *cls,
			   const struct slab *slab)
{
	return slab->used >= cls->objects;
}

/* Where @p is in its slab of @cls: the number of the slot. */
static inline uint slot_of(const struct heap_class *cls, const void *p)
{
	return ((u64)p & PAGE_MASK) >> cls->shift;
}

/*
 * Can an object begin at @p, in a page of @cls or of none, and is the header
 * of the page whole? Only the bit of its slot tells if there is one.
 */
static inline bool is_object(const struct heap_class *cls, const void *p)
{
	return cls && !((u64)p & cls->mask) && slot_of(cls, p) >= cls->first &&
	       slab_of(p)->cls == cls;
}

/* Bytes to pages, rounded up; without overflow. */
static inline uint pages_for(uint n)
{
	return ((u64)n + PAGE_MASK) >> PAGE_SHIFT;
}

/* A class of objects of 2^@shift bytes that has no page yet. */
struct heap_class heap_class_of_shift(uint shift);

/* The class for 16 @i + 1 to 16 @i + 16 bytes: the smallest that is enough. */
struct heap_class *heap_class_for(uint i);

/* Make all classes empty. */
void setup_heap_classes(void);

/*
 * The same, and tell the page layer of this one (heap/init.c). Called once, by
 * CPU 0; tests start over with it.
 */
void setup_heap(void);

/*
 * Verify every invariant of every class (heap/check.c); prints and returns
 * -EINVAL, or 0.
 */
int check_heap(void);

#endif
