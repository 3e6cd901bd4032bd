/*
 * Canaries and poison: see heap/debug.h. All of these run under the lock of the
 * class, so that mm_check() on another CPU never sees a slot half filled.
 * Book: chapter 4, "A build that looks for trouble".
 */
#include "heap/debug.h"

#if HEAP_DEBUG

#include "console/panic.h"
#include "lib/string.h"

#define CANARY 0xca
#define POISON 0xdb

#define TRAILER_MAGIC 0x0e4d0b1e

static struct trailer *trailer_of(const struct heap_class *cls, const u8 *p)
{
	return (struct trailer *)(p + BIT(cls->shift)) - 1;
}

static bool is_filled(const u8 *from, const void *to, u8 byte)
{
	while (from < (const u8 *)to)
		if (*from++ != byte)
			return false;
	return true;
}

static const char *check_free_slot(const struct heap_class *cls, const u8 *p)
{
	return is_filled(p, p + BIT(cls->shift), POISON)
		       ? NULL
		       : "written to after it was freed";
}

static const char *check_taken_slot(const struct heap_class *cls, const u8 *p)
{
	const struct trailer *trailer = trailer_of(cls, p);

	if (trailer->magic == TRAILER_MAGIC &&
	    trailer->n <= BIT(cls->shift) - TRAILER &&
	    is_filled(p + trailer->n, trailer, CANARY))
		return NULL;
	return "written past the end of the object";
}

static void panic_if(const char *wrong, struct heap_class *cls, void *p)
{
	if (!wrong)
		return;
	spin_unlock(&cls->lock);
	panic("heap: 0x%lx: %s", (u64)p, wrong);
}

static void write_trailer(struct heap_class *cls, u8 *p, uint n)
{
	struct trailer *trailer = trailer_of(cls, p);

	memset(p + n, CANARY, (u8 *)trailer - (p + n));
	*trailer = (struct trailer){n, TRAILER_MAGIC};
}

void poison_slab(struct slab *slab)
{
	memset(slab, POISON, PAGE_SIZE);
}

void slot_allocated(struct heap_class *cls, void *p, uint n)
{
	panic_if(check_free_slot(cls, p), cls, p);
	write_trailer(cls, p, n);
}

void slot_resized(struct heap_class *cls, void *p, uint n)
{
	panic_if(check_taken_slot(cls, p), cls, p);
	write_trailer(cls, p, n);
}

void slot_freed(struct heap_class *cls, void *p)
{
	panic_if(check_taken_slot(cls, p), cls, p);
	memset(p, POISON, BIT(cls->shift));
}

const char *check_slots(const struct heap_class *cls, const struct slab *slab)
{
	const char *wrong = NULL;

	for (u64 i = cls->first; i < PAGE_SIZE >> cls->shift; i++) {
		const u8 *p = (const u8 *)slab + (i << cls->shift);

		wrong = slab->bitmap[i / 64] & BIT(i % 64)
				? check_free_slot(cls, p)
				: check_taken_slot(cls, p);
		if (wrong)
			break;
	}
	return wrong;
}

#endif
