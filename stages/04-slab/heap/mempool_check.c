/*
 * Set-up and checker of the memory pools.
 * Book: chapter 4, "What must always be true".
 */
#include "console/printf.h"
#include "heap/pool_block.h"
#include "lib/errno.h"
#include "page/mm.h"
#include "page/page.h"

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
static const char *check_link(const struct list *node, const struct list *last)
{
	if (!in_page_memory(node))
		return "link leads out of our memory";
	return node->prev == last ? NULL : "links disagree";
}

static const char *check_block(const struct block *block)
{
	if (block->seal != seal_of_block(block))
		return "block has the pages or the runs of another";
	if (pages_of_block(block->base) != block->pages)
		return "block has lost its pages";
	return check_runs(block);
}

static const char *check_blocks(const struct mempool *mp)
{
	const struct list *last = &mp->blocks;
	uint kept = 0;

	list_for_each (node, &mp->blocks) {
		struct block *block = list_entry(node, struct block, link);
		const char *wrong = check_link(node, last);

		if (!wrong)
			wrong = check_block(block);
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

static const char *check_pool(struct mempool *mp)
{
	const char *wrong;

	if (mp->pages == 0 || mp->pages > MAX_ALLOC_PAGES ||
	    mp->pages & (mp->pages - 1))
		return "there is no such block size";
	spin_lock(&mp->lock);
	wrong = check_blocks(mp);
	spin_unlock(&mp->lock);
	return wrong;
}

/* What is wrong with a pool, and at which in *@where; NULL: with none. */
static const char *check_list(const void **where)
{
	const struct list *last = &mempools.list;

	list_for_each (node, &mempools.list) {
		struct mempool *mp = list_entry(node, struct mempool, link);
		const char *wrong = check_link(node, last);

		*where = mp;
		if (!wrong)
			wrong = check_pool(mp);
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
	wrong = check_list(&where);
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

void setup_mempools(void)
{
	static struct mm_layer layer = {
		.check = check_mempools,
		.force_unlock = force_unlock_mempools,
	};

	mempools.lock = SPINLOCK_INIT;
	list_init(&mempools.list);
	mm_add_layer(&layer);
}
