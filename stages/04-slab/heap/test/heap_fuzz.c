/*
 * Fuzz target: the byte layer, beside a model that knows every live object: its
 * place, its length and its contents. The first bytes of an input choose the
 * size of the page layer below, then come operations.
 */
#include "fuzz.h"
#include "heap/debug.h"
#include "page/fail.h"
#include "page/test/host_pages.h"

#define PAGES   1024
#define OBJECTS 256
#define FILLED  HEAP_MAX /* of a larger object only this much, and its end */

struct object {
	u8 *p;
	u32 size, seed;
};

static struct object objects[OBJECTS];
static u32 object_count, next_seed;

static u8 pattern(u32 seed, u32 i)
{
	return seed * 31 + i * 7 + (i >> 8) + 1;
}

/* Write the contents from byte @from on. */
static void fill(const struct object *o, u32 from)
{
	for (u32 i = from; i < MIN(o->size, (u32)FILLED); i++)
		o->p[i] = pattern(o->seed, i);
	if (o->size > FILLED)
		o->p[o->size - 1] = pattern(o->seed, o->size - 1);
}

/* Are the first @n bytes of @o what was written? */
static void check_contents(const struct object *o, u32 n)
{
	for (u32 i = 0; i < MIN(n, (u32)FILLED); i++)
		require(o->p[i] == pattern(o->seed, i));
	if (n > FILLED && n == o->size)
		require(o->p[n - 1] == pattern(o->seed, n - 1));
}

static u64 alignment(u32 size)
{
	return size <= HEAP_MIN ? HEAP_MIN
				: 1UL << (32 - __builtin_clz(size - 1));
}

/* Is @o where an object of its size may be, and apart from all others? */
static void check_place(const struct object *o)
{
	u64 start = (u64)o->p, end = start + MAX(o->size, 1U);

	require(start % alignment(o->size) == 0);
	require(in_page_memory(o->p) && in_page_memory((void *)(end - 1)));
	require((start % PAGE_SIZE == 0) == (o->size > OBJECT_MAX));
	for (u32 i = 0; i < object_count; i++) {
		u64 other = (u64)objects[i].p;

		require(&objects[i] == o || end <= other ||
			other + objects[i].size <= start);
	}
}

/*
 * NULL is right only when the page layer has no room for it either, or when one
 * of the allocations after @before was to fail.
 */
static void check_refusal(u32 size, u64 before)
{
	u32 pages = MAX(((u64)size + PAGE_MASK) >> PAGE_SHIFT, 1U);

	if (mm_fail_at > before && mm_fail_at <= mm_allocations)
		return;
	require(alloc_pages(NULL, NULL, pages) != 0);
}

static void add(u32 size, bool with_phys)
{
	struct object *o = &objects[object_count];
	phys_t phys = PHYS(0);
	u64 before = mm_allocations;

	if (object_count == OBJECTS)
		return;
	o->p = with_phys ? alloc2(size, &phys) : alloc(size);
	if (!o->p) {
		check_refusal(size, before);
		return;
	}
	o->size = size;
	o->seed = next_seed++;
	require(!with_phys || page_phys(o->p).v == phys.v);
	object_count++;
	check_place(o);
	fill(o, 0);
}

static void drop(u32 which)
{
	struct object o = objects[which];

	check_contents(&o, o.size);
	objects[which] = objects[--object_count];
	free(o.p);
}

static void resize(u32 which, u32 size)
{
	struct object *o = &objects[which], old = *o;
	u64 before = mm_allocations;
	u8 *p = realloc(o->p, size);

	if (size == 0) {
		require(!p);
		*o = objects[--object_count];
		return;
	}
	if (!p) {
		require(size > old.size);
		check_refusal(size, before);
		check_contents(&old, old.size);
		return;
	}
	o->p = p;
	check_contents(o, MIN(size, old.size));
	o->size = size;
	/* One that was made smaller without memory for another place is at a
	 * page's start still, and stays there as long as it fits. */
	if (p != old.p)
		check_place(o);
	fill(o, 0);
}

/*
 * An address that is no object's start must be refused by name. Nobody but its
 * owner can tell the start of the panic reserve from one's own pages.
 */
static void free_nonsense(void *p)
{
	for (u32 i = 0; i < object_count; i++)
		if (objects[i].p == p)
			return;
	if (pages_of_block(p) == NUM_OF_PANICMEM_PAGES)
		return;
	require_panic(free(p));
	require_panic(realloc(p, 100));
}

static void free_near(struct fuzz_input *in, u32 which)
{
	free_nonsense(objects[which].p + 1 + fuzz_byte(in) * 16 % PAGE_SIZE);
	free_nonsense(objects[which].p + (fuzz_byte(in) + 1) * HEAP_MIN);
	if ((u64)objects[which].p % PAGE_SIZE)
		free_nonsense(
			(void *)ALIGN_DOWN((u64)objects[which].p, PAGE_SIZE));
}

static void free_twice(u32 which)
{
	void *p = objects[which].p;

	drop(which);
	free_nonsense(p);
}

static void operate(struct fuzz_input *in)
{
	u32 op = fuzz_byte(in), which = 0;

	if (op & 4) {
		if (!object_count)
			return;
		which = fuzz_byte(in) % object_count;
	}
	switch (op & 15) {
	case 0:
	case 8:
		add(op >> 4 << 2, op & 8);
		break;
	case 1:
	case 9:
		add(fuzz_number(in, 2) % (HEAP_MAX + 64), false);
		break;
	case 2:
		add(fuzz_number(in, 2), true);
		break;
	case 3:
		add(fuzz_number(in, 3) * 17 / 16, false);
		break;
	case 10:
		add(16U << (op >> 4) % HEAP_CLASSES, false);
		break;
	case 11:
		require(mm_check() == 0);
		break;
	case 4:
	case 5:
	case 12:
		drop(which);
		break;
	case 6:
		resize(which, fuzz_number(in, 2) % (HEAP_MAX + 64));
		break;
	case 14:
		resize(which, fuzz_number(in, 3));
		break;
	case 7:
		free_twice(which);
		break;
	case 13:
		mm_fail_at = mm_allocations + 1 + (op >> 4);
		break;
	case 15:
		free_near(in, which);
		break;
	}
}

/* Give all back: at most one page for each class is kept. */
static void finish(uint before)
{
	struct heap_stats stats[HEAP_CLASSES];
	uint kept = 0;

	while (object_count)
		drop(object_count - 1);
	require(mm_check() == 0);
	get_heap_stats(stats);
	for (u32 i = 0; i < HEAP_CLASSES; i++) {
		require(stats[i].used == 0 && stats[i].pages <= 1);
		kept += stats[i].pages;
	}
	require(num_of_available_pages() + kept == before);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	u32 kind = fuzz_byte(&in);
	uint before;

	mm_fail_at = 0;
	host_pages(512 + (kind & ~15U) * (PAGES - 512) / 256, 10);
	setup_heap();
	object_count = 0;
	next_seed = kind;
	before = num_of_available_pages();
	while (fuzz_more(&in)) {
		operate(&in);
		fuzz_operations++;
		if (kind % 16 == 1)
			require(mm_check() == 0);
	}
	finish(before);
	return 0;
}
