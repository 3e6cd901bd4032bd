/*
 * Building an IOMMU's page tables.
 *
 *	level 4    512 GiB an entry
 *	level 3      1 GiB an entry: a leaf, where the unit can
 *	level 2      2 MiB an entry: a leaf, around what is kept out
 *	level 1      4 KiB an entry: a leaf, around what is no multiple of that
 *
 * One question decides: is a piece as large as an entry let through whole, not
 * at all, or in part? Only the last needs a table. Book: chapter 15.
 */
#include "iommu/dma_map.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/pagetable.h"

#define LEVELS  4
#define ADDRESS 0x000ffffffffff000UL

enum reach {
	REACH_NOTHING,
	REACH_PART,
	REACH_ALL
};

/* What of [@base, @base + @size) may be reached? The smallest piece is a page,
 * of which there is no part. */
static enum reach reach(const struct dma_map *map, u64 base, u64 size)
{
	enum reach outside = map->top ? REACH_ALL : REACH_NOTHING;

	if (map->top && base >= map->top)
		return REACH_NOTHING;
	if (map->top && size > map->top - base)
		return size == PAGE_SIZE ? REACH_NOTHING : REACH_PART;
	for (uint i = 0; i < map->count; i++) {
		const struct dma_range *r = &map->ranges[i];

		if (base >= r->base && base + size <= r->end)
			return outside == REACH_ALL ? REACH_NOTHING : REACH_ALL;
		if (base < r->end && r->base < base + size)
			return size == PAGE_SIZE ? REACH_NOTHING : REACH_PART;
	}
	return outside;
}

static int new_table(struct dma_map *map, u64 **table, phys_t *phys)
{
	*table = new_page(phys);
	if (!*table)
		return -ENOMEM;
	memset(*table, 0, PAGE_SIZE);
	map->pages++;
	return 0;
}

/* Fill the table of @level for what begins at @base. Four deep at most. */
static int fill(struct dma_map *map, u64 *table, uint level, u64 base)
{
	const struct dma_format *f = map->format;
	u64 size = level_size(level);

	for (uint i = 0; i < PT_ENTRIES; i++, base += size) {
		enum reach r = reach(map, base, size);
		phys_t phys;
		u64 *next;
		int error;

		if (r == REACH_NOTHING)
			continue;
		if (r == REACH_ALL && level <= map->max_leaf) {
			table[i] = base | f->leaf |
				   (level > LEVEL_4K ? f->large : 0);
			continue;
		}
		error = new_table(map, &next, &phys);
		if (error)
			return error;
		table[i] = phys.v | f->table |
			   (f->level_shift ? (u64)(level - 1) << f->level_shift
					   : 0);
		error = fill(map, next, level - 1, base);
		if (error)
			return error;
	}
	return 0;
}

int dma_map_build(struct dma_map *map)
{
	u64 *root;
	int error = new_table(map, &root, &map->root);

	return error ? error : fill(map, root, LEVELS, 0);
}

phys_t dma_map_root(const struct dma_map *map, uint levels)
{
	const u64 *root = vmm_phys_to_virt(map->root);

	return levels == LEVELS ? map->root : PHYS(root[0] & ADDRESS);
}
