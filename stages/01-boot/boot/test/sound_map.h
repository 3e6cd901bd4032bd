/*
 * What must be true of every finished memory map, for the fuzz targets of those
 * that make one.
 */
#ifndef BOOT_TEST_SOUND_MAP_H
#define BOOT_TEST_SOUND_MAP_H

#include "boot/memmap.h"
#include "fuzz.h"

static inline void require_sound_map(const struct mem_map *map)
{
	u64 end = 0, ram = 0;

	require(map->count <= BOOT_MEM_RANGES);
	for (uint i = 0; i < map->count; i++) {
		const struct mem_range *r = &map->range[i];

		require(r->size && r->base >= end);
		require(r->base + r->size > r->base);
		if (i && r->base == end)
			require(r->type != map->range[i - 1].type);
		end = r->base + r->size;
		ram += r->type == MEM_RAM ? r->size : 0;
	}
	require(mem_map_ram(map) == ram);
}

#endif
