/*
 * Memory pools. A pool has blocks, a block has runs:
 *
 *	pool --> block --> block
 *	           |\
 *	           | runs: (0, 64) used, (64, 192) free, (256, 3840) used
 *	           v
 *	         the pages: data only
 *
 * A run is an (offset, length) pair. Together the runs of a block cover it
 * exactly, and two neighbours are never both free. A free one is found by
 * walking: pools are for few, long-lived objects, the heap is for many.
 * Book: chapter 10.
 */
#include "pool/mempool.h"

#include "console/panic.h"
#include "console/printf.h"
#include "heap/heap.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "page/fail.h"
#include "page/list.h"
#include "page/mm.h"
#include "page/page.h"

#define RUN_ALIGN 16 /* offsets and lengths are multiples of this */

/* A part of a block that is one object, or free. */
struct run {
	u32 offset; /* from the start of the block */
	u32 length;
	bool used;
};

#define FIRST_ROOM 5 /* for so many runs at first: 60 bytes */

/* Contiguous pages of one pool. */
struct block {
	struct list link; /* on the blocks of its pool */
	char *base;       /* the pages */
	u32 pages;
	u32 used;         /* bytes in used runs */
	u32 count;        /* runs; in order of offset they cover the block */
	u32 room;         /* for so many: FIRST_ROOM, or twice, ... */
	struct run *runs; /* from alloc() */
	u64 seal; /* seal_of_block(): these pages and runs are its own */
};

/* What marks @block as the one that has its pages and its runs. */
static inline u64 seal_of_block(const struct block *block)
{
	return (u64)block + (u64)block->base + (u64)block->runs;
}

struct mempool {
	spinlock_t lock; /* protects all below that can change, and blocks */
	struct list blocks;
	uint numkept; /* how many of them have no objects */

	uint numkeeps; /* how many there may be */
	bool clear;
	uint pages; /* of a block */

	struct list link; /* on mempools.list */
};

/*
 * Every pool there is, so that the checker and the panic path reach it. The
 * order of locks is: this one, a pool's, a class's of the heap, the page
 * layer's.
 */
static struct mempool_list {
	spinlock_t lock; /* protects list */
	struct list list;
} mempools;

/* A new, cleared block of @pages pages with one free run, or NULL. */
static struct block *new_block(uint pages)
{
	struct block *block = alloc(sizeof(*block));
	struct run *runs = alloc(FIRST_ROOM * sizeof(*runs));
	void *base;

	if (!block || !runs || alloc_pages(&base, NULL, pages)) {
		free(runs);
		free(block);
		return NULL;
	}
	memset(base, 0, pages * PAGE_SIZE);
	runs[0] = (struct run){.length = pages * PAGE_SIZE};
	*block = (struct block){
		.base = base,
		.pages = pages,
		.count = 1,
		.room = FIRST_ROOM,
		.runs = runs,
	};
	block->seal = seal_of_block(block);
	return block;
}

/* Free @block, which is on no list, with all that is in it. */
static void free_block(struct block *block)
{
	free_page(block->base);
	free(block->runs);
	free(block);
}

/* Cut the run @i of @block in two at @length. False: no memory for one more. */
static bool split_run(struct block *block, u32 i, u32 length)
{
	struct run *runs = block->runs;

	if (block->count == block->room) {
		runs = realloc(runs, 2 * block->room * sizeof(*runs));
		if (!runs)
			return false;
		block->runs = runs;
		block->room *= 2;
		block->seal = seal_of_block(block);
	}
	memmove(&runs[i + 1], &runs[i], (block->count - i) * sizeof(*runs));
	block->count++;
	runs[i].length = length;
	runs[i + 1].offset += length;
	runs[i + 1].length -= length;
	return true;
}

/* Let the run @i of @block swallow the next, if both are there and free. */
static void merge_runs(struct block *block, u32 i)
{
	struct run *run = &block->runs[i];

	if (i + 1 >= block->count || run[0].used || run[1].used)
		return;
	run->length += run[1].length;
	block->count--;
	memmove(run + 1, run + 2, (block->count - i - 1) * sizeof(*run));
}

/*
 * Allocate @length bytes in the first free run of @block that has them. NULL:
 * none has, or there is no memory for what is left of it; nothing changed then.
 */
static void *alloc_in_block(struct block *block, u32 length)
{
	const struct run *run = block->runs;
	u32 count = block->count;

	if (block->pages * PAGE_SIZE - block->used < length)
		return NULL;
	for (u32 i = 0; i < count; i++, run++) {
		if (run->used || run->length < length ||
		    (run->length > length && !split_run(block, i, length)))
			continue;
		block->runs[i].used = true;
		block->used += length;
		return block->base + block->runs[i].offset;
	}
	return NULL;
}

/*
 * Allocate in the blocks there are, but not beside an object that has a block
 * of its own; else in a new one. The lock is held.
 */
static void *alloc_in_pool(struct mempool *mp, u32 length)
{
	struct block *block;

	list_for_each (node, &mp->blocks) {
		bool kept;
		void *p;

		block = list_entry(node, struct block, link);
		if (block->pages != mp->pages)
			continue;
		kept = !block->used;
		p = alloc_in_block(block, length);
		if (!p)
			continue;
		mp->numkept -= kept;
		if (kept && mp->clear)
			memset(block->base, 0, block->pages * PAGE_SIZE);
		return p;
	}
	block = new_block(MAX(mp->pages, (length + PAGE_MASK) >> PAGE_SHIFT));
	if (!block)
		return NULL;
	list_add(&mp->blocks, &block->link);
	return alloc_in_block(block, length); /* which has room for two runs */
}

void *mempool_allocmem(struct mempool *mp, uint len)
{
	u64 length = ALIGN_UP((u64)MAX(len, 1U), RUN_ALIGN);
	void *p;

	if (mm_fail_now() || !mm_may_allocate() ||
	    length > MAX_ALLOC_PAGES * PAGE_SIZE)
		return NULL;
	spin_lock(&mp->lock);
	p = alloc_in_pool(mp, length);
	spin_unlock(&mp->lock);
	if (p && mp->clear)
		memset(p, 0, length);
	return p;
}

/* The run of @block that @offset, less than its size, lies in: halving. */
static u32 find_run(const struct block *block, u32 offset)
{
	u32 first = 0, end = block->count; /* it is one of these */

	while (end - first > 1) {
		u32 middle = (first + end) / 2;

		if (block->runs[middle].offset <= offset)
			first = middle;
		else
			end = middle;
	}
	return first;
}

/* Free the run @i of @block; keep or free the block when that was its last. */
static void free_run(struct mempool *mp, struct block *block, u32 i)
{
	block->runs[i].used = false;
	block->used -= block->runs[i].length;
	merge_runs(block, i);
	if (i > 0)
		merge_runs(block, i - 1);
	if (block->used)
		return;
	list_del(&block->link);
	if (mp->numkept == mp->numkeeps || block->pages != mp->pages) {
		free_block(block);
		return;
	}
	mp->numkept++;
	list_add_tail(&mp->blocks, &block->link); /* the last to be used */
}

/* Free the object at @p; returns what is wrong with the address, or NULL. */
static const char *free_in_pool(struct mempool *mp, const char *p)
{
	list_for_each (node, &mp->blocks) {
		struct block *block = list_entry(node, struct block, link);
		u64 offset = (u64)p - (u64)block->base;
		u32 i;

		if (offset >= block->pages * PAGE_SIZE)
			continue;
		i = find_run(block, offset);
		if (!block->runs[i].used)
			return "already free";
		if (block->runs[i].offset != offset)
			return "inside an object, not its start";
		free_run(mp, block, i);
		return NULL;
	}
	return "not in this pool, or already free";
}

void mempool_freemem(struct mempool *mp, void *p)
{
	const char *wrong;

	if (!p)
		return;
	spin_lock(&mp->lock);
	wrong = free_in_pool(mp, p);
	spin_unlock(&mp->lock);
	if (wrong)
		panic("mempool_freemem(0x%lx): %s", (u64)p, wrong);
}

struct mempool *mempool_new(int blocksize, int numkeeps, bool clear)
{
	struct mempool *mp;
	uint pages;

	if (blocksize < 0 || blocksize > (int)(MAX_ALLOC_PAGES * PAGE_SIZE) ||
	    numkeeps < 0)
		return NULL;
	mp = alloc(sizeof(*mp));
	if (!mp)
		return NULL;
	pages = (MAX(blocksize, 1) + PAGE_MASK) >> PAGE_SHIFT;
	*mp = (struct mempool){
		.numkeeps = numkeeps,
		.clear = clear,
		.pages = pages == 1 ? 1 : 1U << (32 - __builtin_clz(pages - 1)),
	};
	list_init(&mp->blocks);
	spin_lock(&mempools.lock);
	list_add_tail(&mempools.list, &mp->link);
	spin_unlock(&mempools.lock);
	return mp;
}

void mempool_free(struct mempool *mp)
{
	spin_lock(&mempools.lock);
	list_del(&mp->link);
	spin_unlock(&mempools.lock);
	list_for_each_safe (node, &mp->blocks)
		free_block(list_entry(node, struct block, link));
	free(mp);
}

/* Do the runs of @block cover it exactly, and are free ones merged? */
static const char *check_runs(const struct block *block)
{
	u64 end = 0, used = 0;
	u32 room = block->room;

	while (room > FIRST_ROOM && room % 2 == 0)
		room /= 2;
	if (room != FIRST_ROOM || block->count > block->room)
		return "there is no such number of runs";
	for (u32 i = 0; i < block->count; i++) {
		const struct run *run = &block->runs[i];

		if (run->offset != end)
			return "runs leave a gap or overlap";
		if (run->length == 0 || run->length % RUN_ALIGN)
			return "run has no such length";
		if (i && !run->used && !run[-1].used)
			return "neighbouring free runs are not merged";
		used += run->used ? run->length : 0;
		end += run->length;
	}
	if (end != block->pages * PAGE_SIZE)
		return "runs do not end with their block";
	return used == block->used ? NULL : "sum does not agree with the runs";
}

/* Is @node, which comes after @last, one that may be followed? */
static const char *check_mempool_link(const struct list *node,
				      const struct list *last)
{
	if (!in_page_memory(node))
		return "link leads out of our memory";
	return node->prev == last ? NULL : "links disagree";
}

static const char *check_pool_block(const struct block *block)
{
	if (block->seal != seal_of_block(block))
		return "block has the pages or the runs of another";
	if (pages_of_block(block->base) != block->pages)
		return "block has lost its pages";
	return check_runs(block);
}

static const char *check_pool_blocks(const struct mempool *mp)
{
	const struct list *last = &mp->blocks;
	uint kept = 0;

	list_for_each (node, &mp->blocks) {
		struct block *block = list_entry(node, struct block, link);
		const char *wrong = check_mempool_link(node, last);

		if (!wrong)
			wrong = check_pool_block(block);
		if (wrong)
			return wrong;
		kept += !block->used;
		last = node;
	}
	if (mp->blocks.prev != last)
		return "links disagree";
	return kept == mp->numkept && kept <= mp->numkeeps
		       ? NULL
		       : "number of kept blocks is wrong";
}

static const char *check_mempool(struct mempool *mp)
{
	const char *wrong;

	if (mp->pages == 0 || mp->pages > MAX_ALLOC_PAGES ||
	    mp->pages & (mp->pages - 1))
		return "there is no such block size";
	spin_lock(&mp->lock);
	wrong = check_pool_blocks(mp);
	spin_unlock(&mp->lock);
	return wrong;
}

/* What is wrong with a pool, and at which in *@where; NULL: with none. */
static const char *check_all_mempools(const void **where)
{
	const struct list *last = &mempools.list;

	list_for_each (node, &mempools.list) {
		struct mempool *mp = list_entry(node, struct mempool, link);
		const char *wrong = check_mempool_link(node, last);

		*where = mp;
		if (!wrong)
			wrong = check_mempool(mp);
		if (wrong)
			return wrong;
		last = node;
	}
	*where = NULL;
	return mempools.list.prev == last ? NULL : "links disagree";
}

static int check_mempools(void)
{
	const void *where = NULL;
	const char *wrong;

	spin_lock(&mempools.lock);
	wrong = check_all_mempools(&where);
	spin_unlock(&mempools.lock);
	if (!wrong)
		return 0;
	printf("mm_check: mempool 0x%lx: %s\n", (u64)where, wrong);
	return -EINVAL;
}

static void force_unlock_mempools(void)
{
	spin_force_unlock(&mempools.lock);
	list_for_each (node, &mempools.list)
		spin_force_unlock(
			&list_entry(node, struct mempool, link)->lock);
}

void mempool_init(void)
{
	static struct mm_layer layer = {
		.check = check_mempools,
		.force_unlock = force_unlock_mempools,
	};

	mempools.lock = SPINLOCK_INIT;
	list_init(&mempools.list);
	mm_add_layer(&layer);
}
