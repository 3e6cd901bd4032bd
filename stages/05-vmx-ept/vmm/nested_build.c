/*
 * What the guest's memory is, and in which leaves.
 *
 * Everything is mapped to itself. A leaf should be as large as it can be: the
 * tables get smaller, and so do the TLB's worries. It must not be larger than
 * what has one memory type, and must not touch our own range. (It cannot cross
 * the limit, which is a power of two of many GiB.) So each empty entry on the
 * way down is asked: could you be a leaf?
 *
 *	entry of level 3, 1 GiB:  all of one kind -> leaf
 *	                          else a table of 512 entries, and we go down to
 *	entry of level 2, 2 MiB:  all of one kind -> leaf
 *	                          in our range    -> the table that hides it
 *	                          else a table of 512 entries, and we go down to
 *	entry of level 1, 4 KiB:  always a leaf
 *
 * The same step serves the first build and the first touch of device memory
 * later. It costs a walk per leaf, and a question per entry that was empty.
 * Book: chapter 5, "As large as the type allows".
 */
#include "vmm/nested_tree.h"

#include "lib/errno.h"
#include "vmm/mmio.h"

#define EAGER_END (4 * GIB) /* all of it is mapped at once, RAM or not */

/* Has [@base, @base + @size) one memory type? Which, in *@type. */
static bool one_type(const struct mtrr_state *mtrr, u64 base, u64 size,
		     enum mem_cache *type)
{
	u64 done, more;

	*type = mtrr_type(mtrr, base, &done);
	while (done < size) {
		if (mtrr_type(mtrr, base + done, &more) != *type)
			return false;
		done += more;
	}
	return true;
}

/* May one leaf of @level map all that the entry for @base covers? */
static bool may_be_leaf(const struct nested_map *map, u64 base, uint level,
			enum mem_cache *type)
{
	u64 size = nested_level_size(level);

	if (level > (map->format->has_1g ? LEVEL_1G : LEVEL_2M))
		return false;
	if (nested_is_hidden(base, size))
		return false;
	if (level > LEVEL_4K && mmio_find(base, size))
		return false;
	return one_type(&map->mtrr, base, size, type);
}

/* Fill *@entry, which is empty, of @level, and covers memory from @base on. */
static int fill_entry(struct nested_map *map, u64 *entry, u64 base, uint level)
{
	enum mem_cache type;
	phys_t table;
	int err;

	if (may_be_leaf(map, base, level, &type)) {
		u64 bits = nested_leaf_bits(map, level, type);

		if (!mmio_find(base, nested_level_size(level)))
			bits |= map->format->write;
		nested_set(entry, base | bits);
		return 0;
	}
	if (level == LEVEL_2M && nested_is_hidden(base, SIZE_2M)) {
		nested_set(entry, nested_hidden_entry(map));
		return 0;
	}
	err = nested_table_new(&table);
	if (err)
		return err;
	map->pages++;
	nested_set(entry, table.v | map->format->table);
	return 0;
}

int nested_build_leaf(struct nested_map *map, u64 gpa, u64 *next)
{
	phys_t table = map->root;
	uint level;

	for (level = LEVEL_ROOT;; level--) {
		u64 size = nested_level_size(level);
		u64 *entry = nested_slot(nested_table(table), gpa, level);
		u64 base = ALIGN_DOWN(gpa, size);
		int err = 0;

		if (!*entry)
			err = fill_entry(map, entry, base, level);
		if (err)
			return err;
		*next = base + size;
		if (nested_is_leaf(map, *entry, level) ||
		    (level == LEVEL_2M && nested_is_hidden(base, size)))
			return 0;
		table = PHYS(*entry & NESTED_ADDRESS);
	}
}

/* Map all of [@base, @base + @size) that lies below the limit. */
static int map_range(struct nested_map *map, u64 base, u64 size)
{
	u64 gpa, end;
	int err;

	if (base >= map->limit)
		return 0;
	end = base + MIN(size, map->limit - base);
	for (gpa = base; gpa < end;) {
		err = nested_build_leaf(map, gpa, &gpa);
		if (err)
			return err;
	}
	return 0;
}

int nested_build_all(struct nested_map *map)
{
	const struct mem_map *memory = &boot_info.map;
	int err = map_range(map, 0, EAGER_END);
	uint i;

	for (i = 0; i < memory->count && !err; i++) {
		const struct mem_range *r = &memory->range[i];

		if (r->type == MEM_RAM || r->type == MEM_ACPI ||
		    r->type == MEM_NVS)
			err = map_range(map, r->base, r->size);
	}
	return err;
}
