/*
 * Which part of the machine's memory becomes ours.
 *
 * The guest must find memory that looks like that of an ordinary machine. It
 * wants the low addresses for itself, and the oldest BIOS interfaces tell only
 * how much memory there is, as one number: to make that number smaller, what
 * is hidden must lie at the top. The top of what, though? Devices that can
 * address only 32 bits must reach us, so: the highest place below 4 GiB.
 *
 *	0        1 MiB                                 top of RAM    4 GiB
 *	|  BIOS  |######## RAM ##############[ ours ]#|   devices    |
 *	                                     ^ 4 MiB aligned
 *
 * Nothing here touches the machine, so the same file is tested on the host.
 * Book: chapter 2, "Choosing the range".
 */
#include "paging/range.h"

#include "lib/errno.h"

/* What we may use at all: below it live the BIOS's own data and ROMs, above it
 * a 32-bit device cannot reach. */
#define RANGE_LOWEST  (1 * MIB)
#define RANGE_HIGHEST (4 * GIB)

/*
 * Join the RAM entries from @*i on that adjoin into *@start..*@last, and move
 * @*i past them. @map->range[*i] is RAM. A sorted map has no sum that wraps,
 * save the last entry's, which may end at 2^64 exactly: hence the last bytes.
 */
static void join_ram(const struct mem_map *map, uint *i, u64 *start, u64 *last)
{
	const struct mem_range *r = &map->range[*i];

	*start = r->base;
	*last = r->base + (r->size - 1);
	for (++*i; *i < map->count; ++*i) {
		r = &map->range[*i];
		if (r->type != MEM_RAM || r->base - 1 != *last)
			break;
		*last = r->base + (r->size - 1);
	}
}

struct choice {
	u64 size;    /* wanted */
	u64 best;    /* highest base so far; 0: none */
	u64 largest; /* aligned piece so far */
};

/* All of [@start, @end) is RAM that could be ours: is it a better place? */
static void consider_place(struct choice *choice, u64 start, u64 end)
{
	start = ALIGN_UP(MAX(start, RANGE_LOWEST), RANGE_ALIGN);
	end = ALIGN_DOWN(MIN(end, RANGE_HIGHEST), RANGE_ALIGN);
	if (end <= start)
		return;
	choice->largest = MAX(choice->largest, end - start);
	if (end - start >= choice->size)
		choice->best = MAX(choice->best, end - choice->size);
}

int range_choose(const struct mem_map *map, const struct mem_range *avoid,
		 u64 size, phys_t *base, u64 *found)
{
	struct choice choice = {.size = size};
	u64 hole = 0, hole_end = 0;
	uint i = 0;

	if (avoid && avoid->size) {
		hole = avoid->base;
		hole_end = avoid->base + avoid->size;
	}

	while (i < map->count) {
		u64 start, last, end;

		if (map->range[i].type != MEM_RAM) {
			i++;
			continue;
		}
		join_ram(map, &i, &start, &last);
		if (start >= RANGE_HIGHEST)
			break;
		end = MIN(last, RANGE_HIGHEST - 1) + 1;
		consider_place(&choice, start, MIN(end, MAX(hole, start)));
		consider_place(&choice, MAX(start, MIN(hole_end, end)), end);
	}
	if (!choice.best) {
		*found = choice.largest;
		return -ENOMEM;
	}
	*base = PHYS(choice.best);
	return 0;
}
