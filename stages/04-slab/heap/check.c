/*
 * The checker of the byte allocator. It looks at every page that there is, so
 * that it finds the slabs that are on no list, and so that it never follows a
 * link before it knows where that leads.
 * Book: chapter 4, "What must always be true".
 */
#include "console/printf.h"
#include "heap/debug.h"
#include "lib/errno.h"
#include "page/internal.h"
#include "page/page.h"

/* What the checker found of one class. */
struct census {
	uint pages;   /* slabs */
	uint partial; /* that should be on the list */
	uint used;    /* objects */
};

/* Is there a slab of @cls at @p? What lies there is not looked at. */
static bool is_slab_of(const struct heap_class *cls, const void *p)
{
	return page_owner(p) == cls;
}

/* Does the bitmap agree with the count, and leave the header alone? */
static const char *check_bitmap(const struct heap_class *cls,
				const struct slab *slab)
{
	uint free = 0, slots = PAGE_SIZE >> cls->shift;

	for (uint w = 0; w < cls->words; w++)
		for (u64 bits = slab->bitmap[w]; bits; bits &= bits - 1)
			free++; /* each round clears the lowest 1 */
	if (slab->used + free != cls->objects)
		return "bitmap does not agree with the count";
	if (slab->bitmap[0] & (BIT(cls->first) - 1))
		return "slot of the header is free";
	if (slots < 64 && slab->bitmap[0] >> slots)
		return "slot past the end of the page is free";
	if (slab->word >= cls->words)
		return "there is no such word";
	if (slab->link.next && !slab->bitmap[slab->word])
		return "its word has no free slot";
	return check_slots(cls, slab);
}

static bool is_class(const struct heap_class *cls)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		if (cls == &heap_classes[i])
			return true;
	return false;
}

/* Check the page at @slab, which @cls owns; the sums are in @census. */
static const char *check_slab(const struct heap_class *cls,
			      const struct slab *slab, struct census *census)
{
	bool listed;

	if (!is_class(cls))
		return "owner of the page is no class of the heap";
	if (slab->cls != cls)
		return "header of the page is overwritten";
	listed = slab != cls->current && !is_full(cls, slab);
	census += cls - heap_classes;
	census->pages++;
	census->partial += listed;
	census->used += slab->used;
	if (listed != (slab->link.next != NULL))
		return "on the list, and should not be, or the other way round";
	if (listed && slab->used == 0)
		return "empty page that is not the current one";
	return check_bitmap(cls, slab);
}

/* Walk the list of @cls, which pass 1 says has @n slabs. */
static const char *check_partial_list(const struct heap_class *cls, uint n,
				      void **where)
{
	const struct list *head = &cls->partial, *last = head;

	for (struct list *node = head->next; node != head; node = node->next) {
		*where = node;
		if (!is_slab_of(cls, list_entry(node, struct slab, link)))
			return "link leads to no page of the class";
		if (node->prev != last)
			return "links disagree";
		if (n-- == 0)
			return "more pages on the list than there should be";
		last = node;
	}
	*where = NULL;
	return n || head->prev != last ? "page is missing from the list" : NULL;
}

/* What follows from the size is computed once, and must stay as it was. */
static bool is_as_set_up(const struct heap_class *cls)
{
	struct heap_class fresh = heap_class_of_shift(4 + (cls - heap_classes));

	return cls->shift == fresh.shift && cls->mask == fresh.mask &&
	       cls->first == fresh.first && cls->words == fresh.words &&
	       cls->objects == fresh.objects;
}

static const char *check_size_classes(void **where)
{
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		*where = &heap_classes[i];
		if (!is_as_set_up(&heap_classes[i]))
			return "class has changed";
	}
	for (uint i = 0; i < ARRAY_SIZE(size_class); i++) {
		*where = &size_class[i];
		if (size_class[i] != heap_class_for(i))
			return "there is another class for this size";
	}
	return NULL;
}

static const char *check_class(const struct heap_class *cls,
			       const struct census *census, void **where)
{
	struct slab *current = cls->current;

	*where = current;
	if (cls->pages != census->pages)
		return "number of pages does not agree with those found";
	if (current != NO_SLAB && !is_slab_of(cls, current))
		return "current page is none of the class";
	return check_partial_list(cls, census->partial, where);
}

/* As check_heap(), with the locks held; @census of all classes is 0. */
static const char *check_all_slabs(struct census census[HEAP_CLASSES],
				   void **where)
{
	const char *wrong = check_size_classes(where);

	for (u32 i = 0; i < vmm_pool.pages && !wrong; i++) {
		void *page = vmm_pool.virt + i * PAGE_SIZE;
		struct heap_class *cls = page_owner(page);

		*where = page;
		if (cls)
			wrong = check_slab(cls, page, census);
	}
	for (uint i = 0; i < HEAP_CLASSES && !wrong; i++)
		wrong = check_class(&heap_classes[i], &census[i], where);
	return wrong;
}

int check_heap(void)
{
	struct heap_class *cls, *end = heap_classes + HEAP_CLASSES;
	struct census census[HEAP_CLASSES] = {{0}};
	void *where = NULL;
	const char *wrong;

	for (cls = heap_classes; cls < end; cls++)
		spin_lock(&cls->lock);
	wrong = check_all_slabs(census, &where);
	for (cls = heap_classes; cls < end; cls++)
		spin_unlock(&cls->lock);
	if (!wrong)
		return 0;
	printf("mm_check: heap: 0x%lx: %s\n", (u64)where, wrong);
	return -EINVAL;
}
