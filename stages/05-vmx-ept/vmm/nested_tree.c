/*
 * A nested page table as a data structure.
 *
 *	guest-physical address, 48 bits used:
 *	 47     39 38     30 29     21 20     12 11        0
 *	+---------+---------+---------+---------+-----------+
 *	| level 4 | level 3 | level 2 | level 1 |  offset   |
 *	+---------+---------+---------+---------+-----------+
 *	   EPTP or nCR3 holds the root, of level 4; leaves are of level 3
 *	   (1 GiB), 2 (2 MiB) or 1 (4 KiB)
 *
 * The same tree as in chapter 2, walked by the hardware for each address that
 * the guest's own tables yield (SDM 3C 29.3.2, APM 2 15.25). An entry of 0 is
 * not present in either format, and no other value here is.
 * Book: chapter 5, "The tree".
 */
#include "vmm/nested_tree.h"

#include "lib/string.h"
#include "page/page.h"
#include "paging/address.h"

_Static_assert(NESTED_ENTRIES * sizeof(u64) == PAGE_SIZE, "a table is a page");

int nested_table_new(phys_t *phys)
{
	void *virt;
	int error = alloc_page(&virt, phys);

	if (error)
		return error;
	memset(virt, 0, PAGE_SIZE);
	return 0;
}

u64 *nested_table(phys_t phys)
{
	return vmm_phys_to_virt(phys);
}

bool nested_is_leaf(const struct nested_map *map, u64 entry, uint level)
{
	return level == LEVEL_4K || (entry & map->format->large);
}

u64 nested_leaf_bits(const struct nested_map *map, uint level,
		     enum mem_cache type)
{
	const struct nested_format *format = map->format;
	u64 bits = format->leaf;

	if (level > LEVEL_4K)
		bits |= format->large;
	if (format->has_type)
		return bits | (u64)type << format->type_shift;
	return bits | format->cache_bits[type];
}

void nested_set(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

u64 *nested_find(const struct nested_map *map, u64 gpa, uint level, uint *found)
{
	u64 *table = nested_table(map->root);
	uint l = LEVEL_ROOT;
	u64 *entry;

	for (;; l--) {
		entry = nested_slot(table, gpa, l);
		if (l == level || !*entry || nested_is_leaf(map, *entry, l))
			break;
		table = nested_table(PHYS(*entry & NESTED_ADDRESS));
	}
	*found = l;
	return entry;
}

/* Free the table of @level at @phys, which covers memory from @base on. The
 * depth of the recursion is that of the tree. */
static void free_table(const struct nested_map *map, phys_t phys, uint level,
		       u64 base)
{
	u64 *table = nested_table(phys);
	uint i;

	for (i = 0; level > LEVEL_4K && i < NESTED_ENTRIES; i++) {
		u64 size = nested_level_size(level), at = base + i * size;

		if (!table[i] || nested_is_leaf(map, table[i], level))
			continue;
		if (level == LEVEL_2M && overlaps_vmm_range(at, size))
			continue;
		free_table(map, PHYS(table[i] & NESTED_ADDRESS), level - 1, at);
	}
	free_page_phys(phys);
}

void nested_tree_free(const struct nested_map *map, phys_t root)
{
	free_table(map, root, LEVEL_ROOT, 0);
}
