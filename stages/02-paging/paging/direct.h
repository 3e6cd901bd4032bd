/*
 * What belongs in the direct map: arithmetic on the memory map.
 */
#ifndef PAGING_DIRECT_H
#define PAGING_DIRECT_H

#include "boot/boot_info.h"
#include "lib/types.h"

/*
 * Find the next run of memory (RAM, ACPI, NVS) above 1 MiB and below @limit, in
 * whole pages: a page of which only a part is memory counts. Ranges that touch
 * make one run. @*i is 0 at first. Returns false when there is no more.
 */
bool direct_next_run(const struct mem_map *map, u64 limit, uint *i, u64 *start,
		     u64 *end);

#endif
