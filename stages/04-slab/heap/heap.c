/*
 * The byte allocator: size classes that cut up one page at a time, a bitmap at
 * the start of each page, whole pages for what is larger.
 *
 *	class --> current	alloc() takes a free slot of it
 *	      --> partial <--> slab <--> slab	the next ones to be current
 *		  slab, slab, slab	full: on no list until one is freed
 *
 * free() finds the class in the page's descriptor, the slab in the address and
 * the slot by a shift; so neither depends on the number of objects. A slab that
 * gets empty goes back to the page layer, unless it is the current one.
 *
 * One lock for each class. None is held while the page layer allocates or
 * frees, or while we panic; but a page gets its owner under one, and so the
 * page layer's lock comes behind these.
 * Book: chapter 4.
 */
#include "console/panic.h"
#include "heap/debug.h"
#include "lib/string.h"
#include "page/fail.h"
#include "page/page.h"

/* Rare paths are out of line: the usual one saves no registers for them. */
#define __cold    __attribute__((noinline, cold))
#define likely(x) __builtin_expect(x, 1)

struct heap_class heap_classes[HEAP_CLASSES];
struct heap_class *size_class[HEAP_MAX / HEAP_MIN];
uint heap_usual_max;
const struct slab no_slab = {.used = UINT32_MAX};

struct heap_class heap_class_of_shift(uint shift)
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

struct heap_class *heap_class_for(uint i)
{
	struct heap_class *cls = heap_classes;

	while ((i + 1) * HEAP_MIN > BIT(cls->shift))
		cls++;
	return cls;
}

void setup_heap_classes(void)
{
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		heap_classes[i] = heap_class_of_shift(4 + i);
		list_init(&heap_classes[i].partial);
	}
	for (uint i = 0; i < ARRAY_SIZE(size_class); i++)
		size_class[i] = heap_class_for(i);
	heap_usual_max = OBJECT_MAX;
}

/* A fresh slab, not yet known as one: all slots but the header's are free. */
static struct slab *new_slab(struct heap_class *cls)
{
	uint slots = PAGE_SIZE >> cls->shift;
	struct slab *slab = new_page(NULL);

	if (!slab)
		return NULL;
	poison_slab(slab);
	*slab = (struct slab){.cls = cls};
	for (uint w = 0; w < cls->words; w++)
		slab->bitmap[w] = slots < 64 ? BIT(slots) - 1 : ~0UL;
	slab->bitmap[0] &= ~(BIT(cls->first) - 1);
	return slab;
}

/* Panic: the header of @slab is not as we left it. The lock is held. */
static __cold __noreturn void header_overwritten(struct heap_class *cls,
						 const struct slab *slab)
{
	spin_unlock(&cls->lock);
	panic("alloc: the header of the page at 0x%lx is overwritten",
	      (u64)slab);
}

/* The current slab is full: let the first of the list be current, if any. */
static inline struct slab *next_slab(struct heap_class *cls)
{
	struct slab *slab = list_first(&cls->partial, struct slab, link);

	if (!slab)
		return NULL;
	if (slab->cls != cls || slab->word >= cls->words ||
	    !slab->bitmap[slab->word])
		header_overwritten(cls, slab);
	list_unlink(&slab->link);
	slab->link.next = NULL;
	cls->current = slab;
	return slab;
}

/*
 * The current slab's word is 0: let it be another, or let another slab be
 * current. Returns the slab that has a slot in its word, or NULL.
 */
static inline struct slab *find_slot(struct heap_class *cls)
{
	struct slab *slab = cls->current;

	for (uint i = 1; i < cls->words; i++) {
		uint w = (slab->word + i) & (cls->words - 1);

		if (slab->bitmap[w]) {
			slab->word = w;
			return slab;
		}
	}
	if (!is_full(cls, slab))
		header_overwritten(cls, slab);
	return next_slab(cls);
}

/* The slab with the next free slot, in its word, or NULL. The lock is held. */
static inline struct slab *slab_with_slot(struct heap_class *cls)
{
	struct slab *slab = cls->current;

	return likely(slab->bitmap[slab->word]) ? slab : find_slot(cls);
}

/* Take the first free slot of @slab's word for an object of @n bytes. */
static inline void *take_slot(struct heap_class *cls, struct slab *slab, uint n)
{
	u64 *word = &slab->bitmap[slab->word], bits = *word;
	uint bit = __builtin_ctzl(bits), slot = slab->word * 64 + bit;
	void *p = (char *)slab + (slot << cls->shift);

	slot_allocated(cls, p, n);
	*word = bits & ~BIT(bit);
	slab->used++;
	return p;
}

/*
 * There is no free slot: cut up one more page. Another CPU may do the same
 * meanwhile; then its page will do for us as well. Opens the lock.
 */
static __cold void *alloc_in_new_slab(struct heap_class *cls, uint n)
{
	struct slab *slab, *fresh;
	void *p = NULL;

	spin_unlock(&cls->lock);
	fresh = new_slab(cls);
	spin_lock(&cls->lock);
	slab = slab_with_slot(cls);
	if (!slab && fresh) {
		set_page_owner(fresh, cls);
		cls->current = slab = fresh;
		cls->pages++;
		fresh = NULL;
	}
	if (slab)
		p = take_slot(cls, slab, n);
	spin_unlock(&cls->lock);
	if (fresh)
		free_page(fresh);
	return p;
}

static __forceinline void *alloc_object(struct heap_class *cls, uint n)
{
	struct slab *slab;
	void *p;

	spin_lock(&cls->lock);
	slab = slab_with_slot(cls);
	if (!slab)
		return alloc_in_new_slab(cls, n);
	p = take_slot(cls, slab, n);
	spin_unlock(&cls->lock);
	return p;
}

static inline struct heap_class *class_for(uint n)
{
	return size_class[(n + TRAILER - 1) / HEAP_MIN];
}

/*
 * What no class is for: 0 bytes, which get an object all the same, and many. In
 * a panic, everything: the free slots there are belong to one CPU, too.
 */
static __cold void *alloc_other(uint n)
{
	if (!mm_may_allocate())
		return NULL;
	if (n <= OBJECT_MAX)
		return alloc_object(class_for(MAX(n, 1U)), n);
	return new_pages(NULL, pages_for(n));
}

void *alloc(uint n)
{
	if (mm_fail_now())
		return NULL;
	if (n - 1 >= heap_usual_max)
		return alloc_other(n);
	return alloc_object(class_for(n), n);
}

void *alloc2(uint n, phys_t *phys)
{
	void *p = alloc(n);

	if (p)
		*phys = page_phys(p);
	return p;
}

static const char *describe_object(const void *p)
{
	const struct slab *slab = slab_of(p);
	const struct heap_class *cls = class_of(p);

	if (is_object(cls, p))
		return "already free";
	if (!cls)
		return p != slab && pages_of_block(slab)
			       ? "inside a block, not its start"
			       : describe_page(slab);
	if (slab->cls != cls)
		return "the header of its page is overwritten";
	if ((u64)p & cls->mask)
		return "inside an object, not its start";
	return "in the header of the page";
}

static __cold __noreturn void refuse_object(const char *who, const void *p)
{
	panic("%s(0x%lx): %s", who, (u64)p, describe_object(p));
}

/* Free what is no object: whole pages, or nothing at all. */
static __cold void free_other(void *p)
{
	if (p && (p != slab_of(p) || class_of(p)))
		refuse_object("free", p);
	if (p)
		free_page(p);
}

static __cold __noreturn void free_twice(struct heap_class *cls, void *p)
{
	spin_unlock(&cls->lock);
	refuse_object("free", p);
}

/* @slab, which is not on the list, has a free slot that it had not before. */
static inline void offer_slab(struct heap_class *cls, struct slab *slab)
{
	if (likely(is_full(cls, cls->current)))
		cls->current = slab;
	else if (slab != cls->current)
		list_add(&cls->partial, &slab->link);
}

/* @slab is empty: it goes back to the page layer. The lock is opened. */
static __cold void retire_slab(struct heap_class *cls, struct slab *slab)
{
	list_del(&slab->link);
	set_page_owner(slab, NULL);
	cls->pages--;
	spin_unlock(&cls->lock);
	free_page(slab);
}

void free(void *p)
{
	struct heap_class *cls = class_of(p);
	struct slab *slab = slab_of(p);
	u64 *word, before, after, slot;

	if (!is_object(cls, p)) {
		free_other(p);
		return;
	}
	slot = slot_of(cls, p);
	word = &slab->bitmap[slot / 64];

	spin_lock(&cls->lock);
	before = *word;
	after = before | BIT(slot % 64);
	if (before == after)
		free_twice(cls, p);
	slot_freed(cls, p);
	*word = after;
	if (likely(!before)) { /* as most are, where memory is well used */
		slab->word = slot / 64;
		if (likely(!slab->link.next))
			offer_slab(cls, slab);
	}
	if (--slab->used == 0 && slab != cls->current) {
		retire_slab(cls, slab);
		return;
	}
	spin_unlock(&cls->lock);
}

/* Bytes that the object at @p may grow to; it gets @n if that is enough. */
static u64 resize_object(void *p, uint n)
{
	struct slab *slab = slab_of(p);
	struct heap_class *cls = class_of(p);
	u64 room = BIT(cls->shift) - TRAILER;
	uint slot = slot_of(cls, p);
	bool used;

	spin_lock(&cls->lock);
	used = !(slab->bitmap[slot / 64] & BIT(slot % 64));
	if (used && n <= room)
		slot_resized(cls, p, n);
	spin_unlock(&cls->lock);
	if (!used)
		refuse_object("realloc", p);
	return room;
}

/* The same for whole pages: those that @n bytes do not need go back. */
static u64 resize_pages(void *p, uint n)
{
	u64 room = pages_of_block(p) * PAGE_SIZE;

	if (!room)
		refuse_object("realloc", p);
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

/* Objects in all slabs of @cls: nobody keeps a sum. The lock is held. */
static uint count_objects(const struct heap_class *cls)
{
	uint used = 0;

	for (u64 i = 0; i < vmm_pool.pages; i++) {
		const struct slab *slab =
			(void *)(vmm_pool.virt + i * PAGE_SIZE);

		if (page_owner(slab) == cls)
			used += slab->used;
	}
	return used;
}

void get_heap_stats(struct heap_stats stats[HEAP_CLASSES])
{
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		struct heap_class *cls = &heap_classes[i];

		spin_lock(&cls->lock);
		stats[i] = (struct heap_stats){
			.size = 1U << cls->shift,
			.slots = cls->objects,
			.pages = cls->pages,
			.used = count_objects(cls),
		};
		spin_unlock(&cls->lock);
	}
}
