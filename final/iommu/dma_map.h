/*
 * The page tables of an IOMMU: which addresses a device may reach.
 *
 * Intel's and AMD's units walk trees like the CPU's, with other bits in the
 * entries; a struct dma_format holds the difference. All maps are identities:
 * an address is let through or it is not. They are complete when they are
 * built, since a device can't wait for a page; and they never change.
 * Book: chapter 15.
 */
#ifndef IOMMU_DMA_MAP_H
#define IOMMU_DMA_MAP_H

#include "lib/types.h"

/* How the vendor writes down an entry. */
struct dma_format {
	u64 table;        /* bits of an entry that points to a table */
	uint level_shift; /* and where that table's level goes; 0: nowhere */
	u64 leaf;         /* bits of a leaf that may be read and written */
	u64 large;        /* added to a leaf of more than 4 KiB */
};

/* [@base, @end). */
struct dma_range {
	u64 base, end;
};

struct dma_map {
	const struct dma_format *format;
	uint max_leaf; /* level of the largest leaf that the unit knows */

	/* Below @top all is reached but what lies in the ranges; with @top 0,
	 * only what lies in them. They may overlap. A page of which a part is
	 * not reached is not reached at all. */
	const struct dma_range *ranges;
	uint count;
	u64 top;

	phys_t root; /* four levels */
	uint pages;
};

/*
 * Build @map, all of whose fields but the last two are filled in. -ENOMEM: then
 * what was allocated stays with it. Before the guest runs.
 */
int dma_map_build(struct dma_map *map);

/*
 * The root for a unit that walks @levels levels: 4, or 3, for which the map has
 * what is below 512 GiB. 0: there is nothing.
 */
phys_t dma_map_root(const struct dma_map *map, uint levels);

#endif
