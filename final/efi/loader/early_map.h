/*
 * The page tables on which the hypervisor starts.
 */
#ifndef EFI_LOADER_EARLY_MAP_H
#define EFI_LOADER_EARLY_MAP_H

#include "lib/types.h"

#define EARLY_TABLES 24

/* Tables that are identity-mapped; zeroed but for @levels at first. */
struct early_map {
	u64 (*table)[512]; /* EARLY_TABLES pages; the first is the root */
	uint used;
	uint levels; /* 4, or 5 with CR4.LA57 */
};

/*
 * Map @size bytes at @virt to @phys in pages of 2 MiB, readable, writable and
 * executable; all three are multiples of that. @bits are more bits of the
 * entries. What was mapped there before is replaced. Returns -ENOMEM when the
 * tables are used up.
 */
int early_map(struct early_map *map, u64 virt, u64 phys, u64 size, u64 bits);

#endif
