/*
 * What belongs in the direct map: arithmetic on the memory map.
 *
 *	map:	| RAM          |ACPI|NVS|      hole     | RAM ...
 *	runs:	|<------------- one ----------->|       |<-- ...
 *
 * All three types are memory chips, so one mapping serves them, and the larger
 * a run is, the larger its pages can be. Everything else may be a device, and
 * must not be mapped as memory: the CPU reads ahead where it is allowed to.
 * Book: chapter 2, "The direct map".
 */
#include "paging/direct.h"

static bool is_memory(u32 type)
{
	return type == MEM_RAM || type == MEM_ACPI || type == MEM_NVS;
}

/* Cut @r to what may be mapped; false when nothing is left. */
static bool clip_range(const struct mem_range *r, u64 limit, u64 *start,
		       u64 *end)
{
	if (!is_memory(r->type) || r->base >= limit)
		return false;
	*end = r->base + MIN(r->size, limit - r->base);
	*end = ALIGN_UP(*end, PAGE_SIZE);
	*start = MAX(ALIGN_DOWN(r->base, PAGE_SIZE), MIB);
	return *start < *end;
}

bool direct_next_run(const struct mem_map *map, u64 limit, uint *i, u64 *start,
		     u64 *end)
{
	u64 s, e;

	while (*i < map->count &&
	       !clip_range(&map->range[*i], limit, start, end))
		++*i;
	if (*i == map->count)
		return false;
	for (++*i; *i < map->count; ++*i) {
		if (!clip_range(&map->range[*i], limit, &s, &e))
			continue;
		if (s > *end)
			break;
		*end = e;
	}
	return true;
}
