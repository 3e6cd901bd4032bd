/*
 * Making a sane memory map out of what firmware and loaders hand over.
 */
#ifndef BOOT_MEMMAP_H
#define BOOT_MEMMAP_H

#include "boot/boot_info.h"

/*
 * Add [@base, @base + @size) of @type to @map, in any order, overlapping or
 * not. An entry of size 0 or one that runs past the end of the address space
 * is named in a message and left out or cut. When the map is full, what costs
 * least is given up: the smallest RAM, or the line between two ranges that are
 * both something else. So nothing ever becomes RAM that was not.
 */
void mem_map_add(struct mem_map *map, u64 base, u64 size, u32 type);

/*
 * Bring @map into the order that struct mem_map promises: sorted, adjoining
 * ranges of one type joined, and where ranges overlap, whatever is not RAM
 * wins (and of two such, the higher type). Call once, after the last add.
 */
void mem_map_finish(struct mem_map *map);

/* Bytes of RAM in a finished @map. */
u64 mem_map_ram(const struct mem_map *map);

/* Is all of [@base, @base + @size) RAM, by a finished @map? */
bool mem_map_is_ram(const struct mem_map *map, u64 base, u64 size);

/* The usual name of a memory type. */
const char *mem_type_name(u32 type);

#endif
