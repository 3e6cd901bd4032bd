/*
 * Memory pools. A pool has blocks, a block has runs, in order of address:
 *
 *	pool --> block --> block	from alloc(), private
 *	           |
 *	           v
 *	         run (0, 64) used, run (64, 192) free, run (256, 3840) used
 *	           :
 *	         the block's pages	from alloc_pages(), shared
 *
 * A run is an (offset, length) pair. Together the runs of a block cover it
 * exactly, and two neighbours are never both free. They are found by walking:
 * pools are for few, long-lived objects, the heap is for many.
 * Book: chapter 4, "Memory for others to see".
 */
#include "console/panic.h"
#include "heap/heap.h"
#include "heap/pool_block.h"
#include "lib/string.h"

struct mempool_list mempools;

/* A new run after @prev, a run or the head of the list. NULL: no memory. */
static struct run *add_run(struct list *prev, u32 offset, u32 length)
{
	struct run *run = alloc(sizeof(*run));

	if (run) {
		*run = (struct run){.offset = offset, .length = length};
		list_add(prev, &run->link);
	}
	return run;
}

/* A new, clean block of @pages pages with one free run, or NULL. */
static struct block *new_block(uint pages)
{
	struct block *block = alloc(sizeof(*block));

	if (!block)
		return NULL;
	*block = (struct block){.pages = pages, .dirty = false};
	list_init(&block->runs);
	if (!add_run(&block->runs, 0, pages * PAGE_SIZE))
		goto no_run;
	if (alloc_pages((void **)&block->base, NULL, pages))
		goto no_pages;
	memset(block->base, 0, pages * PAGE_SIZE);
	return block;

no_pages:
	free(list_first(&block->runs, struct run, link));
no_run:
	free(block);
	return NULL;
}

/* Free @block, which is on no list, with all that is in it. */
static void free_block(struct block *block)
{
	list_for_each_safe (node, &block->runs)
		free(list_entry(node, struct run, link));
	free_page(block->base);
	free(block);
}

static void free_blocks(struct list *blocks)
{
	list_for_each_safe (node, blocks)
		free_block(list_entry(node, struct block, link));
}

/* A block for @length bytes that had no place in those in use, or NULL. */
static struct block *fresh_block(struct mempool *mp, u32 length)
{
	uint pages = MAX(mp->pages, (length + PAGE_MASK) >> PAGE_SHIFT);
	struct block *block = list_first(&mp->kept, struct block, link);

	if (!block || pages != mp->pages)
		return new_block(pages);
	if (mp->clear && block->dirty)
		memset(block->base, 0, block->pages * PAGE_SIZE);
	list_del(&block->link);
	mp->numkept--;
	return block;
}

/*
 * Take @length bytes off the front of the free run @run of @block. Returns
 * NULL, and leaves all as it was, when there is no memory for the remainder's
 * run.
 */
static void *cut_run(struct block *block, struct run *run, u32 length)
{
	if (run->length > length) {
		if (!add_run(&run->link, run->offset + length,
			     run->length - length))
			return NULL;
		run->length = length;
	}
	run->used = true;
	block->used += length;
	block->dirty = true;
	return block->base + run->offset;
}

/* The first free run of @length or more bytes in @block, or NULL. */
static struct run *find_free_run(struct block *block, u32 length)
{
	if (block->pages * PAGE_SIZE - block->used < length)
		return NULL;
	list_for_each (node, &block->runs) {
		struct run *run = list_entry(node, struct run, link);

		if (!run->used && run->length >= length)
			return run;
	}
	return NULL;
}

/* Allocate in the blocks in use, else in a fresh one. The lock is held. */
static void *alloc_in_pool(struct mempool *mp, u32 length)
{
	struct block *block;
	void *p;

	list_for_each (node, &mp->blocks) {
		struct run *run;

		block = list_entry(node, struct block, link);
		run = find_free_run(block, length);
		if (run)
			return cut_run(block, run, length);
	}
	block = fresh_block(mp, length);
	if (!block)
		return NULL;
	p = cut_run(block, list_first(&block->runs, struct run, link), length);
	if (p)
		list_add(&mp->blocks, &block->link);
	else
		free_block(block);
	return p;
}

void *mempool_allocmem(struct mempool *mp, uint len)
{
	u64 length = ALIGN_UP((u64)MAX(len, 1U), RUN_ALIGN);
	void *p;

	if (length > MAX_ALLOC_PAGES * PAGE_SIZE)
		return NULL;
	spin_lock(&mp->lock);
	p = alloc_in_pool(mp, length);
	spin_unlock(&mp->lock);
	if (p && mp->clear)
		memset(p, 0, len);
	return p;
}

/* The block of @mp that @p lies in, or NULL. */
static struct block *find_block(struct mempool *mp, const void *p)
{
	list_for_each (node, &mp->blocks) {
		struct block *block = list_entry(node, struct block, link);

		if ((u64)p - (u64)block->base < block->pages * PAGE_SIZE)
			return block;
	}
	return NULL;
}

/* The run of @block that @offset lies in: the runs cover the block. */
static struct run *find_run(struct block *block, u32 offset)
{
	struct run *run = NULL;

	list_for_each (node, &block->runs) {
		run = list_entry(node, struct run, link);
		if (offset - run->offset < run->length)
			break;
	}
	return run;
}

/* Let @run swallow the run after it, if both are free and there is one. */
static void merge_with_next(struct block *block, struct run *run)
{
	struct run *next = list_entry(run->link.next, struct run, link);

	if (run->link.next == &block->runs || run->used || next->used)
		return;
	run->length += next->length;
	list_del(&next->link);
	free(next);
}

/* Free @run of @block; keep or free the block when that was its last. */
static void free_run(struct mempool *mp, struct block *block, struct run *run)
{
	run->used = false;
	block->used -= run->length;
	merge_with_next(block, run);
	if (run->link.prev != &block->runs)
		merge_with_next(block,
				list_entry(run->link.prev, struct run, link));
	if (block->used)
		return;
	list_del(&block->link);
	if (mp->numkept < mp->numkeeps && block->pages == mp->pages) {
		list_add(&mp->kept, &block->link);
		mp->numkept++;
	} else {
		free_block(block);
	}
}

/* Free the object at @p; returns what is wrong with the address, or NULL. */
static const char *free_in_pool(struct mempool *mp, void *p)
{
	struct block *block = find_block(mp, p);
	struct run *run;
	u32 offset;

	if (!block)
		return "not in this pool, or already free";
	offset = (char *)p - block->base;
	run = find_run(block, offset);
	if (!run->used)
		return "already free";
	if (run->offset != offset)
		return "inside an object, not its start";
	free_run(mp, block, run);
	return NULL;
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
		.lock = SPINLOCK_INIT,
		.numkeeps = numkeeps,
		.clear = clear,
		.pages = pages == 1 ? 1 : 1U << (32 - __builtin_clz(pages - 1)),
	};
	list_init(&mp->blocks);
	list_init(&mp->kept);
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
	free_blocks(&mp->blocks);
	free_blocks(&mp->kept);
	free(mp);
}
