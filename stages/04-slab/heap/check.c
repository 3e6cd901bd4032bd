/*
 * Set-up, statistics and checker of the byte allocator: everything about a
 * class as a whole. The checker looks at every page that there is, so that it
 * finds the slabs that are on no list, and so that it never follows a link
 * before it knows where that leads.
 * Book: chapter 4, "What must always be true".
 */
#include "console/printf.h"
#include "heap/debug.h"
#include "lib/errno.h"
#include "page/mm.h"
#include "page/page.h"
#include "page/pool.h"

static void force_unlock_heap(void)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		spin_force_unlock(&heap_classes[i].lock);
}

static void ask_before_each_allocation(void)
{
	heap_usual_max = 0;
}

/* A class of objects of 2^@shift bytes that has no page yet. */
static struct heap_class new_class(uint shift)
{
	uint slots = PAGE_SIZE >> shift;
	uint first = (sizeof(struct slab) + BIT(shift) - 1) >> shift;

	return (struct heap_class){
		.current = NO_SLAB,
		.shift = shift,
		.mask = BIT(shift) - 1,
		.first = first,
		.objects = slots - first,
		.words = (slots + 63) / 64,
	};
}

/* The class for 16 @i + 1 to 16 @i + 16 bytes. */
static struct heap_class *smallest_class(uint i)
{
	struct heap_class *class = heap_classes;

	while ((i + 1) * HEAP_MIN > BIT(class->shift))
		class ++;
	return class;
}

void setup_heap(void)
{
	static struct mm_layer layer = {
		.check = check_heap,
		.force_unlock = force_unlock_heap,
		.one_cpu_only = ask_before_each_allocation,
	};

	for (uint i = 0; i < HEAP_CLASSES; i++) {
		heap_classes[i] = new_class(4 + i);
		list_init(&heap_classes[i].partial);
	}
	for (uint i = 0; i < ARRAY_SIZE(size_class); i++)
		size_class[i] = smallest_class(i);
	heap_usual_max = OBJECT_MAX;
	mm_add_layer(&layer);
}

/* What the checker found of one class. */
struct census {
	uint pages;   /* slabs */
	uint partial; /* that should be on the list */
	uint used;    /* objects */
};

/* Is there a slab of @class at @p? What lies there is not looked at. */
static bool is_slab_of(const struct heap_class *class, const void *p)
{
	return page_owner(p) == class;
}

/* Does the bitmap agree with the count, and leave the header alone? */
static const char *check_bitmap(const struct heap_class *class,
				const struct slab *slab)
{
	uint free = 0, slots = PAGE_SIZE >> class->shift;

	for (uint w = 0; w < class->words; w++)
		for (u64 bits = slab->bitmap[w]; bits; bits &= bits - 1)
			free++; /* each round clears the lowest 1 */
	if (slab->used + free != class->objects)
		return "bitmap does not agree with the count";
	if (slab->bitmap[0] & (BIT(class->first) - 1))
		return "slot of the header is free";
	if (slots < 64 && slab->bitmap[0] >> slots)
		return "slot past the end of the page is free";
	if (slab->word >= class->words)
		return "there is no such word";
	if (slab->link.next && !slab->bitmap[slab->word])
		return "its word has no free slot";
	return check_slots(class, slab);
}

static bool is_class(const struct heap_class *class)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		if (class == &heap_classes[i])
			return true;
	return false;
}

/* Check the page at @slab, which @class owns; the sums are in @census. */
static const char *check_slab(const struct heap_class *class,
			      const struct slab *slab, struct census *census)
{
	bool listed;

	if (!is_class(class))
		return "owner of the page is no class of the heap";
	if (slab->class != class)
		return "header of the page is overwritten";
	listed = slab != class->current && !is_full(class, slab);
	census += class - heap_classes;
	census->pages++;
	census->partial += listed;
	census->used += slab->used;
	if (listed != (slab->link.next != NULL))
		return "on the list, and should not be, or the other way round";
	if (listed && slab->used == 0)
		return "empty page that is not the current one";
	return check_bitmap(class, slab);
}

/* Walk the list of @class, which pass 1 says has @n slabs. */
static const char *check_list(const struct heap_class *class, uint n,
			      void **where)
{
	const struct list *head = &class->partial, *last = head;

	for (struct list *node = head->next; node != head; node = node->next) {
		*where = node;
		if (!is_slab_of(class, list_entry(node, struct slab, link)))
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
static bool is_as_set_up(const struct heap_class *class)
{
	struct heap_class fresh = new_class(4 + (class - heap_classes));

	return class->shift == fresh.shift && class->mask == fresh.mask &&
	       class->first == fresh.first && class->words == fresh.words &&
	       class->objects == fresh.objects;
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
		if (size_class[i] != smallest_class(i))
			return "there is another class for this size";
	}
	return NULL;
}

static const char *check_class(const struct heap_class *class,
			       const struct census *census, void **where)
{
	struct slab *current = class->current;

	*where = current;
	if (class->pages != census->pages)
		return "number of pages does not agree with those found";
	if (current != NO_SLAB && !is_slab_of(class, current))
		return "current page is none of the class";
	return check_list(class, census->partial, where);
}

/* As check_heap(), with the locks held; @census of all classes is 0. */
static const char *check_all(struct census census[HEAP_CLASSES], void **where)
{
	const char *wrong = check_size_classes(where);

	for (u32 i = 0; i < vmm_pool.pages && !wrong; i++) {
		void *page = vmm_pool.virt + i * PAGE_SIZE;
		struct heap_class *class = page_owner(page);

		*where = page;
		if (class)
			wrong = check_slab(class, page, census);
	}
	for (uint i = 0; i < HEAP_CLASSES && !wrong; i++)
		wrong = check_class(&heap_classes[i], &census[i], where);
	return wrong;
}

static const char *take_census(struct census census[HEAP_CLASSES], void **where)
{
	struct heap_class *class, *end = heap_classes + HEAP_CLASSES;
	const char *wrong;

	for (class = heap_classes; class < end; class ++)
		spin_lock(&class->lock);
	wrong = check_all(census, where);
	for (class = heap_classes; class < end; class ++)
		spin_unlock(&class->lock);
	return wrong;
}

int check_heap(void)
{
	struct census census[HEAP_CLASSES] = {{0}};
	void *where = NULL;
	const char *wrong = take_census(census, &where);

	if (!wrong)
		return 0;
	printf("mm_check: heap: 0x%lx: %s\n", (u64)where, wrong);
	return -EINVAL;
}

void get_heap_stats(struct heap_stats stats[HEAP_CLASSES])
{
	struct census census[HEAP_CLASSES] = {{0}};
	void *where;

	take_census(census, &where);
	for (uint i = 0; i < HEAP_CLASSES; i++)
		stats[i] = (struct heap_stats){
			.size = 1U << heap_classes[i].shift,
			.slots = heap_classes[i].objects,
			.pages = census[i].pages,
			.used = census[i].used,
		};
}
