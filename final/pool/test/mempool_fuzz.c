/*
 * Fuzz target: memory pools. What they promise is isolation, so every byte of
 * an object is painted with the colour of its owner: that of its pool, or that
 * of the heap, which allocates beside them. A new object may hold zeros and
 * its own pool's colour, never another; and no page holds two colours.
 */
#include "fuzz.h"
#include "heap/slab.h"
#include "page/fail.h"
#include "page/test/host_pages.h"
#include "pool/mempool.h"

#define POOLS   4
#define OBJECTS 192
#define HEAP    POOLS /* owner of objects of the heap */
#define LONGEST (5 * PAGE_SIZE)

struct object {
	u8 *p;
	u32 size, owner;
};

static struct pool {
	struct mempool *mp;
	bool clear;
	u8 colour;
} pools[POOLS];

static struct object objects[OBJECTS];
static u32 object_count;
static u8 next_colour;

/* A colour that nobody had for a long time. */
static u8 new_colour(void)
{
	if (!++next_colour)
		next_colour = 1;
	return next_colour;
}

static u8 colour_of(u32 owner)
{
	return owner == HEAP ? 0xee : pools[owner].colour;
}

static u64 last_byte(const struct object *o)
{
	return (u64)o->p + MAX(o->size, 1U) - 1;
}

/* Objects share no byte, and those of different owners no page. */
static void check_apart(const struct object *a, const struct object *b)
{
	u64 grain = a->owner == b->owner ? 1 : PAGE_SIZE;

	require(last_byte(a) / grain < (u64)b->p / grain ||
		last_byte(b) / grain < (u64)a->p / grain);
}

/* What a new object holds: nobody else's bytes. */
static void check_bytes(const struct object *o)
{
	u8 own = colour_of(o->owner);

	for (u32 i = 0; i < o->size; i++)
		if (o->p[i]) {
			require(!pools[o->owner].clear);
			require(o->p[i] == own);
		}
}

static void add(u32 owner, u32 size)
{
	struct object *o = &objects[object_count];

	if (object_count == OBJECTS || (owner < HEAP && !pools[owner].mp))
		return;
	*o = (struct object){.size = size, .owner = owner};
	o->p = owner == HEAP ? alloc(size)
			     : mempool_allocmem(pools[owner].mp, size);
	if (!o->p)
		return;
	require((u64)o->p % 16 == 0);
	require(in_page_memory(o->p) && in_page_memory((void *)last_byte(o)));
	for (u32 i = 0; i < object_count; i++)
		check_apart(o, &objects[i]);
	if (owner < HEAP)
		check_bytes(o);
	memset(o->p, colour_of(owner), o->size);
	object_count++;
}

static void drop(u32 which)
{
	struct object o = objects[which];

	for (u32 i = 0; i < o.size; i++)
		require(o.p[i] == colour_of(o.owner));
	objects[which] = objects[--object_count];
	if (o.owner == HEAP)
		free(o.p);
	else
		mempool_freemem(pools[o.owner].mp, o.p);
}

static void drop_pool(u32 owner)
{
	if (!pools[owner].mp)
		return;
	for (u32 i = object_count; i-- > 0;)
		if (objects[i].owner == owner && i % 2)
			drop(i);  /* the pool takes the others with it */
	require(mm_check() == 0); /* it knows how many blocks may be kept */
	mempool_free(pools[owner].mp);
	pools[owner].mp = NULL;
	for (u32 i = object_count; i-- > 0;)
		if (objects[i].owner == owner)
			objects[i] = objects[--object_count];
}

static void make_pool(u32 owner, int size, u32 keeps, bool clear)
{
	struct pool *pool = &pools[owner];

	if (pool->mp)
		return;
	*pool = (struct pool){mempool_new(size, keeps, clear), clear,
			      new_colour()};
}

/* Frees that must be refused: elsewhere, inside an object, of another pool. */
static void free_nonsense(struct fuzz_input *in, u32 which)
{
	struct object o = objects[which];
	u32 owner = o.owner == HEAP ? 0 : o.owner;
	u32 other = (owner + 1) % POOLS;

	if (o.owner != HEAP && o.size > 1)
		require_panic(mempool_freemem(
			pools[owner].mp,
			o.p + 1 + fuzz_byte(in) % (o.size - 1)));
	if (pools[other].mp)
		require_panic(mempool_freemem(pools[other].mp, o.p));
	drop(which);
	if (pools[owner].mp)
		require_panic(mempool_freemem(pools[owner].mp, o.p));
}

/* A panic leaves by longjmp, as the machine would never come back. */
static void operate(struct fuzz_input *in)
{
	u32 op = fuzz_byte(in), owner = op >> 4 & 3;

	switch (op & 15) {
	case 0:
		make_pool(owner, fuzz_number(in, 2) % (4 * PAGE_SIZE + 2),
			  op >> 6, op & 64);
		break;
	case 1:
		if (op & 64)
			drop_pool(owner);
		else
			mm_fail_at = mm_allocations + 1 + owner;
		break;
	case 2:
		add(HEAP, fuzz_byte(in) * 8);
		break;
	case 3:
		require(mm_check() == 0);
		break;
	case 4:
		if (object_count)
			free_nonsense(in, fuzz_byte(in) % object_count);
		break;
	case 5:
		add(owner, fuzz_number(in, 2) % LONGEST);
		break;
	case 6:
	case 7:
	case 8:
		add(owner, fuzz_byte(in));
		break;
	case 9:
	case 10:
		add(owner, 64);
		break;
	default:
		if (object_count)
			drop(fuzz_byte(in) % object_count);
	}
}

/* Give all back; the heap may keep a page for each class. */
static void finish(uint before)
{
	while (object_count)
		drop(object_count - 1);
	for (u32 i = 0; i < POOLS; i++)
		drop_pool(i);
	require(mm_check() == 0);
	require(num_of_available_pages() + HEAP_CLASSES >= before);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	u32 kind = fuzz_byte(&in);
	uint before;

	mm_fail_at = 0;
	host_pages(512 + (kind & 15) * 2, 200);
	setup_heap();
	mempool_init();
	object_count = 0;
	memset(pools, 0, sizeof(pools));
	before = num_of_available_pages();
	while (fuzz_more(&in)) {
		operate(&in);
		fuzz_operations++;
		if (kind >> 4 == 1)
			require(mm_check() == 0);
	}
	finish(before);
	return 0;
}
