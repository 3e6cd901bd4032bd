/*
 * The tree under a nested map: tables, entries, walking. What is mapped where
 * is for nested_map.c to say. Private to nested_*.c.
 */
#ifndef VMM_NESTED_TREE_H
#define VMM_NESTED_TREE_H

#include "lib/types.h"
#include "vmm/nested_map.h"

#define NESTED_ENTRIES 512
#define NESTED_ADDRESS 0x000ffffffffff000UL

/* Level 1 holds leaves of 4 KiB, 2 of 2 MiB, 3 of 1 GiB; the root is level 4,
 * and has none. */
#define LEVEL_4K   1
#define LEVEL_2M   2
#define LEVEL_1G   3
#define LEVEL_ROOT 4

/* An entry of @level covers this power of two of bytes, ... */
static inline uint nested_level_shift(uint level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

/* ... which are so many. */
static inline u64 nested_level_size(uint level)
{
	return BIT(nested_level_shift(level));
}

/* The entry of @table, which is of @level, that covers @gpa. */
static inline u64 *nested_slot(u64 *table, u64 gpa, uint level)
{
	return &table[gpa >> nested_level_shift(level) & (NESTED_ENTRIES - 1)];
}

/* Allocate an empty table. -ENOMEM. */
int nested_table_new(phys_t *phys);

/* The table at @phys. */
u64 *nested_table(phys_t phys);

/* Does the (present) @entry of @level map memory, not a table? */
bool nested_is_leaf(const struct nested_map *map, u64 entry, uint level);

/* The bits, without the address, of a leaf of @level with @type. */
u64 nested_leaf_bits(const struct nested_map *map, uint level,
		     enum mem_cache type);

/*
 * Put @value into *@entry. Other CPUs, and the hardware, may be walking: what
 * @value points to is complete before they can see it.
 */
void nested_set(u64 *entry, u64 value);

/*
 * The entry for @gpa at @level, or at the higher level where the walk ends at
 * a leaf or at nothing; that level in *@found. Changes nothing.
 */
u64 *nested_find(const struct nested_map *map, u64 gpa, uint level,
		 uint *found);

/* Free the table @root and all tables under it, but not those of
 * our range, which may hang in another tree as well. */
void nested_tree_free(const struct nested_map *map, phys_t root);

#endif
