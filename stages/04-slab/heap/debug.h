/*
 * What CONFIG_HEAP_DEBUG adds, to catch those who write where they may not. A
 * slot is, while it is
 *
 *	allocated:  | n bytes, the caller's | CANARY bytes | struct trailer |
 *	free:       | POISON bytes                                          |
 *
 * A write past the end of an object is found by free() and mm_check(), a write
 * to an object that was freed by alloc() and mm_check(). Whole pages have
 * neither: nobody remembers how long they are. The price is a trailer for each
 * object, so that 64 bytes take 128: such builds are for tests (TEST=1 is one).
 * Book: chapter 4, "A build that looks for trouble".
 */
#ifndef HEAP_DEBUG_H
#define HEAP_DEBUG_H

#include "heap/slab.h"

#ifndef HEAP_DEBUG /* a host test chooses */
#define HEAP_DEBUG CONFIG_HEAP_DEBUG
#endif

#if HEAP_DEBUG

struct trailer {
	u32 n; /* bytes that the caller asked for */
	u32 magic;
};

#define TRAILER sizeof(struct trailer)

/* All slots of a fresh page are free: fill it, before its header. */
void poison_slab(struct slab *slab);

/*
 * The slot at @p becomes an object of @n bytes; its object gets another size;
 * it is free again. Each panics, with the lock of @cls open, when the slot
 * does not hold what it was left with.
 */
void slot_allocated(struct heap_class *cls, void *p, uint n);
void slot_resized(struct heap_class *cls, void *p, uint n);
void slot_freed(struct heap_class *cls, void *p);

/* Check every slot of @slab, of @cls, by its bit: what is wrong, or NULL. */
const char *check_slots(const struct heap_class *cls, const struct slab *slab);

#else

#define TRAILER                   0
#define poison_slab(slab)         ((void)0)
#define slot_allocated(cls, p, n) ((void)(n))
#define slot_resized(cls, p, n)   ((void)(n))
#define slot_freed(cls, p)        ((void)0)
#define check_slots(cls, slab)    NULL

#endif

#define OBJECT_MAX (HEAP_MAX - TRAILER) /* more become whole pages */

#endif
