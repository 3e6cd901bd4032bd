/*
 * Set-up, statistics and checker of the byte allocator: everything about a
 * class as a whole. The checker trusts no link before it has looked at the page
 * it leads to, and every loop is bounded.
 * Book: chapter 4, "What must always be true".
 */
#include "console/printf.h"
#include "heap/slab.h"
#include "lib/errno.h"
#include "page/page.h"

static void force_unlock_heap(void)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		spin_force_unlock(&heap_classes[i].lock);
}

void setup_heap(void)
{
	static struct mm_layer layer = {check_heap, force_unlock_heap, NULL};

	for (uint i = 0; i < HEAP_CLASSES; i++) {
		struct heap_class *class = &heap_classes[i];
		size_t header;

		*class = (struct heap_class){.shift = 4 + i};
		list_init(&class->partial);
		list_init(&class->full);
		class->slots = PAGE_SIZE >> class->shift;
		class->words = (class->slots + 63) / 64;
		header = offsetof(struct slab, bitmap) + class->words * 8;
		class->first =
			ALIGN_UP(header, BIT(class->shift)) >> class->shift;
	}
	mm_add_layer(&layer);
}

void get_heap_stats(struct heap_stats stats[HEAP_CLASSES])
{
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		struct heap_class *class = &heap_classes[i];

		spin_lock(&class->lock);
		stats[i] = (struct heap_stats){
			.size = 1U << class->shift,
			.slots = class_slots(class),
			.pages = class->pages,
			.used = class->used,
		};
		spin_unlock(&class->lock);
	}
}

/* Does the bitmap agree with the header, and leave the header alone? */
static const char *check_bitmap(struct heap_class *class, struct slab *slab)
{
	uint free = 0;

	for (uint w = 0; w < class->words; w++)
		for (u64 bits = slab->bitmap[w]; bits; bits &= bits - 1)
			free++; /* each round clears the lowest 1 */
	if (free != slab->free)
		return "bitmap does not agree with the count";
	if (slab->bitmap[0] & (BIT(class->first) - 1))
		return "slot of the header is free";
	if (class->slots < 64 && slab->bitmap[0] >> class->slots)
		return "slot past the end of the page is free";
	return NULL;
}

/* Check the slab at @slab, a link from an object that was checked before. */
static const char *check_slab(struct heap_class *class, struct slab *slab,
			      struct list *prev, bool full)
{
	const char *wrong;

	if (pages_of_block(slab) != 1)
		return "link leads to no page of the heap";
	if (slab->magic != slab_magic(slab))
		return "page has no magic number";
	if (slab->class != class - heap_classes)
		return "page of another class";
	if (slab->link.prev != prev)
		return "links disagree";
	wrong = check_bitmap(class, slab);
	if (wrong)
		return wrong;
	if (full != (slab->free == 0))
		return "page is on the wrong list";
	if ((slab->free == class_slots(class)) != (slab == class->empty))
		return "empty page is not the one kept";
	return NULL;
}

/* Check one list; adds up its pages and objects. */
static const char *check_list(struct heap_class *class, struct list *head,
			      uint *pages, uint *used, void **where)
{
	struct list *prev = head;

	for (struct list *node = head->next; node != head; node = node->next) {
		struct slab *slab = list_entry(node, struct slab, link);
		const char *wrong;

		*where = slab;
		wrong = check_slab(class, slab, prev, head == &class->full);
		if (wrong)
			return wrong;
		if (++*pages > class->pages)
			return "more pages than there should be";
		*used += class_slots(class) - slab->free;
		prev = node;
	}
	*where = class;
	return head->prev == prev ? NULL : "links disagree";
}

static const char *check_class(struct heap_class *class, void **where)
{
	uint pages = 0, used = 0;
	const char *wrong;

	spin_lock(&class->lock);
	wrong = check_list(class, &class->partial, &pages, &used, where);
	if (!wrong)
		wrong = check_list(class, &class->full, &pages, &used, where);
	if (!wrong && (pages != class->pages || used != class->used))
		wrong = "sums do not agree with the pages";
	if (!wrong && class->empty &&
	    class->empty != list_entry(class->partial.prev, struct slab, link))
		wrong = "empty page is not the last of its list";
	spin_unlock(&class->lock);
	return wrong;
}

int check_heap(void)
{
	int error = 0;

	for (uint i = 0; i < HEAP_CLASSES; i++) {
		void *where;
		const char *wrong = check_class(&heap_classes[i], &where);

		if (!wrong)
			continue;
		printf("mm_check: heap class %u: 0x%lx: %s\n", 16U << i,
		       (u64)where, wrong);
		error = -EINVAL;
	}
	return error;
}
