/*
 * Set-up, statistics and checker of the memory pools.
 * Book: chapter 4, "What must always be true".
 */
#include "console/printf.h"
#include "heap/pool_block.h"
#include "lib/errno.h"

/* Do the runs of @block cover it exactly, and are free ones merged? */
static const char *check_runs(struct block *block)
{
	bool after_free = false;
	u64 end = 0, used = 0;

	list_for_each (node, &block->runs) {
		struct run *run = list_entry(node, struct run, link);

		if (run->offset != end)
			return "runs leave a gap or overlap";
		if (run->length == 0 || run->length % RUN_ALIGN)
			return "run has no such length";
		if (!run->used && after_free)
			return "neighbouring free runs are not merged";
		if (run->link.next->prev != node)
			return "links disagree";
		after_free = !run->used;
		used += run->used ? run->length : 0;
		end += run->length;
		if (end > block->pages * PAGE_SIZE)
			return "run reaches past the end of its block";
	}
	if (end != block->pages * PAGE_SIZE)
		return "runs do not reach the end of their block";
	return used == block->used ? NULL : "sum does not agree with the runs";
}

static const char *check_blocks(struct mempool *mp, struct list *blocks,
				uint *count)
{
	const char *wrong = NULL;

	list_for_each (node, blocks) {
		struct block *block = list_entry(node, struct block, link);

		++*count;
		if (pages_of_block(block->base) != block->pages)
			return "block has lost its pages";
		if ((block->used == 0) != (blocks == &mp->kept))
			return "block is on the wrong list";
		wrong = check_runs(block);
		if (wrong)
			break;
	}
	return wrong;
}

static const char *check_mempool(struct mempool *mp)
{
	uint blocks = 0, kept = 0;
	const char *wrong;

	spin_lock(&mp->lock);
	wrong = check_blocks(mp, &mp->blocks, &blocks);
	if (!wrong)
		wrong = check_blocks(mp, &mp->kept, &kept);
	if (!wrong && (kept != mp->numkept || kept > mp->numkeeps))
		wrong = "number of kept blocks is wrong";
	spin_unlock(&mp->lock);
	return wrong;
}

static int check_mempools(void)
{
	int error = 0;

	spin_lock(&mempools.lock);
	list_for_each (node, &mempools.list) {
		struct mempool *mp = list_entry(node, struct mempool, link);
		const char *wrong = check_mempool(mp);

		if (!wrong)
			continue;
		printf("mm_check: mempool 0x%lx: %s\n", (u64)mp, wrong);
		error = -EINVAL;
	}
	spin_unlock(&mempools.lock);
	return error;
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
	static struct mm_layer layer = {check_mempools, force_unlock_mempools,
					NULL};

	mempools.lock = SPINLOCK_INIT;
	list_init(&mempools.list);
	mm_add_layer(&layer);
}

void get_mempool_stats(struct mempool *mp, struct mempool_stats *stats)
{
	*stats = (struct mempool_stats){0};
	spin_lock(&mp->lock);
	stats->kept = mp->numkept;
	list_for_each (node, &mp->blocks) {
		stats->blocks++;
		stats->used += list_entry(node, struct block, link)->used;
	}
	spin_unlock(&mp->lock);
}
