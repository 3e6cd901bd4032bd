/*
 * The choice of our range: pure arithmetic on a memory map, tested on the host.
 */
#ifndef PAGING_RANGE_H
#define PAGING_RANGE_H

#include "boot/boot_info.h"
#include "lib/types.h"

#define RANGE_ALIGN (4 * MIB)

/*
 * Find the highest place below 4 GiB where @size bytes (a multiple of 4 MiB),
 * aligned to 4 MiB, lie wholly in RAM at or above 1 MiB. Adjoining RAM entries
 * count as one. Returns 0 and the base, or -ENOMEM with the largest aligned
 * size that there is in *@found. What is chosen does not overlap @avoid, which
 * the loader has put into RAM for us (NULL, or of size 0: there is none).
 */
int range_choose(const struct mem_map *map, const struct mem_range *avoid,
		 u64 size, phys_t *base, u64 *found);

#endif
