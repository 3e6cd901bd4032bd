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

/* A fresh slab, not yet known as one: all slots but the header's are free. */
static struct slab *new_slab(struct heap_class *class)
{
	uint slots = PAGE_SIZE >> class->shift;
	struct slab *slab = new_page(NULL);

	if (!slab)
		return NULL;
	poison_slab(slab);
	*slab = (struct slab){.class = class};
	for (uint w = 0; w < class->words; w++)
		slab->bitmap[w] = slots < 64 ? BIT(slots) - 1 : ~0UL;
	slab->bitmap[0] &= ~(BIT(class->first) - 1);
	return slab;
}

/* Panic: the header of @slab is not as we left it. The lock is held. */
static __cold __noreturn void header_overwritten(struct heap_class *class,
						 const struct slab *slab)
{
	spin_unlock(&class->lock);
	panic("alloc: the header of the page at 0x%lx is overwritten",
	      (u64)slab);
}

/* The current slab is full: let the first of the list be current, if any. */
static inline struct slab *next_slab(struct heap_class *class)
{
	struct slab *slab = list_first(&class->partial, struct slab, link);

	if (!slab)
		return NULL;
	if (slab->class != class || slab->word >= class->words ||
	    !slab->bitmap[slab->word])
		header_overwritten(class, slab);
	list_unlink(&slab->link);
	slab->link.next = NULL;
	class->current = slab;
	return slab;
}

/*
 * The current slab's word is 0: let it be another, or let another slab be
 * current. Returns the slab that has a slot in its word, or NULL.
 */
static inline struct slab *find_slot(struct heap_class *class)
{
	struct slab *slab = class->current;

	for (uint i = 1; i < class->words; i++) {
		uint w = (slab->word + i) & (class->words - 1);

		if (slab->bitmap[w]) {
			slab->word = w;
			return slab;
		}
	}
	if (!is_full(class, slab))
		header_overwritten(class, slab);
	return next_slab(class);
}

/* The slab with the next free slot, in its word, or NULL. The lock is held. */
static inline struct slab *slab_with_slot(struct heap_class *class)
{
	struct slab *slab = class->current;

	return likely(slab->bitmap[slab->word]) ? slab : find_slot(class);
}

/* Take the first free slot of @slab's word for an object of @n bytes. */
static inline void *take_slot(struct heap_class *class, struct slab *slab,
			      uint n)
{
	u64 *word = &slab->bitmap[slab->word], bits = *word;
	uint bit = __builtin_ctzl(bits), slot = slab->word * 64 + bit;
	void *p = (char *)slab + (slot << class->shift);

	slot_allocated(class, p, n);
	*word = bits & ~BIT(bit);
	slab->used++;
	return p;
}

/*
 * There is no free slot: cut up one more page. Another CPU may do the same
 * meanwhile; then its page will do for us as well. Opens the lock.
 */
static __cold void *alloc_in_new_slab(struct heap_class *class, uint n)
{
	struct slab *slab, *fresh;
	void *p = NULL;

	spin_unlock(&class->lock);
	fresh = new_slab(class);
	spin_lock(&class->lock);
	slab = slab_with_slot(class);
	if (!slab && fresh) {
		set_page_owner(fresh, class);
		class->current = slab = fresh;
		class->pages++;
		fresh = NULL;
	}
	if (slab)
		p = take_slot(class, slab, n);
	spin_unlock(&class->lock);
	if (fresh)
		free_page(fresh);
	return p;
}

static __forceinline void *alloc_object(struct heap_class *class, uint n)
{
	struct slab *slab;
	void *p;

	spin_lock(&class->lock);
	slab = slab_with_slot(class);
	if (!slab)
		return alloc_in_new_slab(class, n);
	p = take_slot(class, slab, n);
	spin_unlock(&class->lock);
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

static const char *describe(const void *p)
{
	const struct slab *slab = slab_of(p);
	const struct heap_class *class = class_of(p);

	if (is_object(class, p))
		return "already free";
	if (!class)
		return p != slab && pages_of_block(slab)
			       ? "inside a block, not its start"
			       : describe_page(slab);
	if (slab->class != class)
		return "the header of its page is overwritten";
	if ((u64)p & class->mask)
		return "inside an object, not its start";
	return "in the header of the page";
}

__cold void heap_refuse(const char *who, const void *p)
{
	panic("%s(0x%lx): %s", who, (u64)p, describe(p));
}

/* Free what is no object: whole pages, or nothing at all. */
static __cold void free_other(void *p)
{
	if (p && (p != slab_of(p) || class_of(p)))
		heap_refuse("free", p);
	if (p)
		free_page(p);
}

static __cold __noreturn void free_twice(struct heap_class *class, void *p)
{
	spin_unlock(&class->lock);
	heap_refuse("free", p);
}

/* @slab, which is not on the list, has a free slot that it had not before. */
static inline void offer_slab(struct heap_class *class, struct slab *slab)
{
	if (likely(is_full(class, class->current)))
		class->current = slab;
	else if (slab != class->current)
		list_add(&class->partial, &slab->link);
}

/* @slab is empty: it goes back to the page layer. The lock is opened. */
static __cold void retire_slab(struct heap_class *class, struct slab *slab)
{
	list_del(&slab->link);
	set_page_owner(slab, NULL);
	class->pages--;
	spin_unlock(&class->lock);
	free_page(slab);
}

void free(void *p)
{
	struct heap_class *class = class_of(p);
	struct slab *slab = slab_of(p);
	u64 *word, before, after, slot;

	if (!is_object(class, p)) {
		free_other(p);
		return;
	}
	slot = slot_of(class, p);
	word = &slab->bitmap[slot / 64];

	spin_lock(&class->lock);
	before = *word;
	after = before | BIT(slot % 64);
	if (before == after)
		free_twice(class, p);
	slot_freed(class, p);
	*word = after;
	if (likely(!before)) { /* as most are, where memory is well used */
		slab->word = slot / 64;
		if (likely(!slab->link.next))
			offer_slab(class, slab);
	}
	if (--slab->used == 0 && slab != class->current) {
		retire_slab(class, slab);
		return;
	}
	spin_unlock(&class->lock);
}
