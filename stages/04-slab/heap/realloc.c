/*
 * Another size for an object or for whole pages: in place when it fits, and
 * what whole pages have too many goes back at once.
 * Book: chapter 4, "Another size".
 */
#include "heap/debug.h"
#include "lib/string.h"
#include "page/page.h"

/* Bytes that the object at @p may grow to; it gets @n if that is enough. */
static u64 resize_object(void *p, uint n)
{
	struct slab *slab = slab_of(p);
	struct heap_class *class = class_of(p);
	u64 room = BIT(class->shift) - TRAILER;
	uint slot = slot_of(class, p);
	bool used;

	spin_lock(&class->lock);
	used = !(slab->bitmap[slot / 64] & BIT(slot % 64));
	if (used && n <= room)
		slot_resized(class, p, n);
	spin_unlock(&class->lock);
	if (!used)
		heap_refuse("realloc", p);
	return room;
}

/* The same for whole pages: those that @n bytes do not need go back. */
static u64 resize_pages(void *p, uint n)
{
	u64 room = pages_of_block(p) * PAGE_SIZE;

	if (!room)
		heap_refuse("realloc", p);
	if (n <= room)
		shrink_pages(p, pages_for(n));
	return room;
}

void *realloc(void *p, uint n)
{
	bool object = is_object(class_of(p), p);
	u64 room;
	void *moved;

	if (!p)
		return alloc(n);
	if (n == 0) {
		free(p);
		return NULL;
	}
	room = object ? resize_object(p, n) : resize_pages(p, n);
	if (n <= room && (object || n > OBJECT_MAX))
		return p;
	moved = alloc(n);
	if (!moved) /* a page that should become an object stays a page */
		return n <= room ? p : NULL;
	memcpy(moved, p, MIN(n, room));
	free(p);
	return moved;
}
