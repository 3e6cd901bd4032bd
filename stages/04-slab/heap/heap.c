/*
 * The byte allocator: size classes that cut up one page at a time, a bitmap at
 * the start of each page, whole pages for what is larger.
 *
 *	partial --> slab --> slab --> slab (empty, the one kept)
 *	full    --> slab --> slab
 *
 * Allocation takes a free slot of the first partial slab: at most four words
 * to look at, whatever the number of objects. A slab that gets full changes
 * lists; one that gets empty goes back to the page layer, but for one.
 *
 * No lock is held while the page layer is called, so no lock order is needed.
 * Two CPUs that run out of slots at once may each add a page: that is harmless.
 * Book: chapter 4.
 */
#include "console/panic.h"
#include "heap/slab.h"
#include "lib/string.h"
#include "page/page.h"

struct heap_class heap_classes[HEAP_CLASSES];

/* The class whose objects have @n bytes or more, at most HEAP_MAX. */
static struct heap_class *class_of(uint n)
{
	if (n <= HEAP_MIN)
		return &heap_classes[0];
	return &heap_classes[28 - __builtin_clz(n - 1)];
}

/* Write the header into a fresh page: all slots free but those it covers. */
static void init_slab(struct heap_class *class, struct slab *slab)
{
	slab->magic = slab_magic(slab);
	slab->class = class - heap_classes;
	slab->free = class_slots(class);
	for (uint w = 0; w < class->words; w++)
		slab->bitmap[w] = ~0UL;
	if (class->slots < 64)
		slab->bitmap[0] = BIT(class->slots) - 1;
	slab->bitmap[0] &= ~(BIT(class->first) - 1);
}

/*
 * Take a free slot of @slab, which is on the partial list. The lock is held.
 * Returns NULL when the bitmap has none: then something overwrote the header.
 */
static void *take_slot(struct heap_class *class, struct slab *slab)
{
	uint w = 0, slot;

	while (!slab->bitmap[w])
		if (++w == class->words)
			return NULL;
	slot = w * 64 + __builtin_ctzl(slab->bitmap[w]);
	slab->bitmap[w] &= slab->bitmap[w] - 1; /* clears the lowest 1 */

	class->used++;
	if (slab == class->empty)
		class->empty = NULL;
	if (--slab->free == 0) {
		list_del(&slab->link);
		list_add(&class->full, &slab->link);
	}
	return (char *)slab + (slot << class->shift);
}

/* Cut up one more page for @class and take its first slot. */
static void *take_slot_of_new_slab(struct heap_class *class)
{
	struct slab *slab;
	void *p;

	if (alloc_page((void **)&slab, NULL))
		return NULL;
	init_slab(class, slab);
	spin_lock(&class->lock);
	list_add(&class->partial, &slab->link);
	class->pages++;
	p = take_slot(class, slab);
	spin_unlock(&class->lock);
	return p;
}

static void *alloc_object(struct heap_class *class)
{
	struct slab *slab;
	void *p = NULL;

	spin_lock(&class->lock);
	slab = list_first(&class->partial, struct slab, link);
	if (slab)
		p = take_slot(class, slab);
	spin_unlock(&class->lock);
	if (!slab)
		return take_slot_of_new_slab(class);
	if (!p)
		panic("alloc: the header of the page at 0x%lx is overwritten",
		      (u64)slab);
	return p;
}

/* Bytes to pages, rounded up; without overflow. */
static uint pages_for(uint n)
{
	return ((u64)n + PAGE_MASK) >> PAGE_SHIFT;
}

static void *alloc_whole_pages(uint n)
{
	void *p;

	return alloc_pages(&p, NULL, pages_for(n)) ? NULL : p;
}

void *alloc(uint n)
{
	return n > HEAP_MAX ? alloc_whole_pages(n) : alloc_object(class_of(n));
}

void *alloc2(uint n, phys_t *phys)
{
	void *p = alloc(n);

	if (p)
		*phys = page_phys(p);
	return p;
}

/* The slab that the object at @p is, or would be, in. */
static struct slab *slab_of(const void *p)
{
	return (struct slab *)ALIGN_DOWN((u64)p, PAGE_SIZE);
}

/* Can an object begin at @p, whose low 12 bits are not 0? */
static bool is_object(const void *p)
{
	struct slab *slab = slab_of(p);
	struct heap_class *class;
	u64 offset = (u64)p & PAGE_MASK;

	if (!in_page_memory(p) || slab->magic != slab_magic(slab) ||
	    slab->class >= HEAP_CLASSES)
		return false;
	class = &heap_classes[slab->class];
	return (offset & (BIT(class->shift) - 1)) == 0 &&
	       offset >> class->shift >= class->first;
}

/* Why is_object(@p) is false; for the panic message. */
static const char *why_no_object(const void *p)
{
	struct slab *slab = slab_of(p);
	u64 offset = (u64)p & PAGE_MASK;

	if (pages_of_block(slab) != 1)
		return describe_page(slab);
	if (slab->magic != slab_magic(slab) || slab->class >= HEAP_CLASSES)
		return "in no page of the heap, or its header is overwritten";
	if (offset & (BIT(heap_classes[slab->class].shift) - 1))
		return "inside an object, not its start";
	return "in the header of the page";
}

/*
 * The last object of @slab is gone. Keep the slab, or, if there is one kept
 * already, take it off the list and return true: it is the caller's to free.
 */
static bool retire_slab(struct heap_class *class, struct slab *slab)
{
	list_del(&slab->link);
	if (!class->empty) {
		class->empty = slab;
		list_add_tail(&class->partial, &slab->link);
		return false;
	}
	slab->magic = 0;
	class->pages--;
	return true;
}

/*
 * Free the object at @p in @slab, which is_object() has passed. Returns false
 * when its slot is free already.
 */
static bool free_object(struct slab *slab, void *p)
{
	struct heap_class *class = &heap_classes[slab->class];
	uint slot = ((u64)p & PAGE_MASK) >> class->shift;
	u64 *word = &slab->bitmap[slot / 64];
	bool retired = false;

	spin_lock(&class->lock);
	if (*word & BIT(slot % 64)) {
		spin_unlock(&class->lock);
		return false;
	}
	*word |= BIT(slot % 64);
	class->used--;
	if (slab->free++ == 0) {
		list_del(&slab->link);
		list_add(&class->partial, &slab->link);
	}
	if (slab->free == class_slots(class))
		retired = retire_slab(class, slab);
	spin_unlock(&class->lock);
	if (retired)
		free_page(slab);
	return true;
}

void free(void *p)
{
	if (!p)
		return;
	if (((u64)p & PAGE_MASK) == 0) {
		free_page(p);
		return;
	}
	if (!is_object(p))
		panic("free(0x%lx): %s", (u64)p, why_no_object(p));
	if (!free_object(slab_of(p), p))
		panic("free(0x%lx): already free", (u64)p);
}

/* Is the object at @p, which is_object() has passed, allocated? */
static bool is_allocated(const void *p)
{
	struct slab *slab = slab_of(p);
	struct heap_class *class = &heap_classes[slab->class];
	uint slot = ((u64)p & PAGE_MASK) >> class->shift;
	bool used;

	spin_lock(&class->lock);
	used = !(slab->bitmap[slot / 64] & BIT(slot % 64));
	spin_unlock(&class->lock);
	return used;
}

/* Bytes that there are at @p. Panics when it is not memory of alloc(). */
static u64 size_at(const void *p)
{
	const char *wrong = NULL;
	u64 size = 0;

	if (((u64)p & PAGE_MASK) == 0) {
		size = pages_of_block(p) * PAGE_SIZE;
		if (!size)
			wrong = describe_page(p);
	} else {
		if (!is_object(p))
			wrong = why_no_object(p);
		else if (!is_allocated(p))
			wrong = "already free";
		else
			size = BIT(heap_classes[slab_of(p)->class].shift);
	}
	if (wrong)
		panic("realloc(0x%lx): %s", (u64)p, wrong);
	return size;
}

void *realloc(void *p, uint n)
{
	u64 size;
	void *moved;

	if (!p)
		return alloc(n);
	if (n == 0) {
		free(p);
		return NULL;
	}
	size = size_at(p);
	if (n <= size && size <= HEAP_MAX)
		return p;
	if (n <= size && n > HEAP_MAX) {
		shrink_pages(p, pages_for(n));
		return p;
	}
	moved = alloc(n);
	if (!moved && n <= size) {
		/* A page should become an object, but there is none. */
		shrink_pages(p, 1);
		return p;
	}
	if (moved) {
		memcpy(moved, p, MIN(n, size));
		free(p);
	}
	return moved;
}
