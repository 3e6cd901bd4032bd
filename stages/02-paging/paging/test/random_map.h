/*
 * Random memory maps for property tests: sorted and without overlaps, as
 * boot/ hands them on, but otherwise as odd as firmware can be.
 */
#ifndef PAGING_TEST_RANDOM_MAP_H
#define PAGING_TEST_RANDOM_MAP_H

#include "boot/boot_info.h"
#include "host.h"

/* A size up to @most: a whole number of bytes, pages, or 4 MiB blocks. */
static inline u64 random_size(u64 most)
{
	static const u64 units[] = {1, PAGE_SIZE, 4 * MIB};
	u64 unit = units[host_random(3)];

	return ALIGN_DOWN(1 + host_random(most), unit);
}

/* Fill @map with up to 20 ranges from 0 on, each at most @most long, half of
 * them RAM, half of them adjoining the one before. */
static inline void random_map(struct mem_map *map, u64 most)
{
	u64 at = 0;

	map->count = 0;
	for (uint i = 0; i < 20; i++) {
		u64 size = random_size(most);

		if (host_random(2))
			at += random_size(most / 4);
		if (!size)
			continue;
		map->range[map->count++] = (struct mem_range){
			at, size, host_random(2) ? MEM_RAM : host_random(7)};
		at += size;
	}
}

/* How many bytes of [@start, @end) are of a type that @wanted accepts. */
static inline u64 bytes_of(const struct mem_map *map, u64 start, u64 end,
			   bool (*wanted)(u32 type))
{
	u64 sum = 0;

	for (uint i = 0; i < map->count; i++) {
		const struct mem_range *r = &map->range[i];
		u64 s = MAX(start, r->base), e = MIN(end, r->base + r->size);

		if (wanted(r->type) && s < e)
			sum += e - s;
	}
	return sum;
}

#endif
