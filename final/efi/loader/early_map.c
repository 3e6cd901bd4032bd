/*
 * Building the early page tables. The firmware's own tables can't serve: they
 * have its memory at the address where we are linked. Ours have a short life,
 * for stage 02 makes better ones, so large pages and all rights will do.
 *
 * Nothing here touches the machine, so the same file is tested on the host.
 */
#include "efi/loader/early_map.h"

#include "lib/errno.h"
#include "lib/pte.h"

#define LEVEL_2M 2

static u64 *new_table(struct early_map *map)
{
	return map->used < EARLY_TABLES ? map->table[map->used++] : NULL;
}

/* The entry for @virt in the table of level 2, tables on the way made. */
static u64 *find_entry(struct early_map *map, u64 virt)
{
	u64 *table = map->table[0];

	if (!map->used)
		map->used = 1;
	for (uint level = map->levels;; level--) {
		u64 *entry = &table[virt >> (12 + 9 * (level - 1)) & 511];

		if (level == LEVEL_2M)
			return entry;
		if (!(*entry & PTE_P)) {
			table = new_table(map);
			if (!table)
				return NULL;
			*entry = (u64)table | PTE_P | PTE_W;
		}
		table = (u64 *)(*entry & PTE_ADDRESS);
	}
}

int early_map(struct early_map *map, u64 virt, u64 phys, u64 size, u64 bits)
{
	for (u64 at = 0; at < size; at += SIZE_2M) {
		u64 *entry = find_entry(map, virt + at);

		if (!entry)
			return -ENOMEM;
		*entry = (phys + at) | PTE_P | PTE_W | PTE_PS | bits;
	}
	return 0;
}
