/*
 * The nested page table of one CPU: built, mended at a fault, given new types,
 * taken down.
 *
 * Errors leave nothing half done. A build that runs out of memory gives back
 * what it took. New types are a whole new tree beside the old one; only when it
 * is complete do the two change places, under a root that stays where it is,
 * so that EPTP and nCR3 need not change. Book: chapter 5.
 */
#include "vmm/nested_tree.h"

#include "console/printf.h"
#include "lib/errno.h"
#include "page/page.h"

#define HIDDEN_WRITES_LOGGED 8

static void set_types(struct nested_map *map, const struct mtrr_state *mtrr)
{
	if (mtrr)
		map->mtrr = *mtrr;
	else
		mtrr_all_write_back(&map->mtrr);
}

/* The root of @map, an empty table. */
static int new_root(struct nested_map *map)
{
	int err = nested_table_new(&map->root);

	if (!err)
		map->pages++;
	return err;
}

int nested_map_build(struct nested_map *map, const struct nested_format *format,
		     const struct mtrr_state *mtrr, u64 limit)
{
	int err;

	*map = (struct nested_map){
		.format = format,
		.limit = MIN(limit, NESTED_LIMIT),
		.lock = SPINLOCK_INIT,
	};
	set_types(map, mtrr);
	err = nested_hidden_init(map);
	if (err)
		return err;
	err = new_root(map);
	if (err) {
		free_page_phys(map->hidden_pt);
		return err;
	}
	err = nested_build_all(map);
	if (err)
		nested_map_free(map);
	return err;
}

int nested_map_fault(struct nested_map *map, gphys_t gpa, bool write)
{
	bool first = false;
	u64 next, writes;
	int err;

	if (gpa.v >= map->limit)
		return -EFAULT;
	spin_lock(&map->lock);
	if (nested_is_hidden(gpa.v, 1))
		err = nested_hidden_fault(map, gpa.v, write, &first);
	else
		err = nested_build_leaf(map, gpa.v, &next);
	writes = map->hidden_writes;
	spin_unlock(&map->lock);
	if (first && writes <= HIDDEN_WRITES_LOGGED)
		printf("vellum: the guest wrote to 0x%lx in Vellum's range%s\n",
		       gpa.v,
		       writes == HIDDEN_WRITES_LOGGED ? "; no more of these"
						      : "");
	return err;
}

/* Let the tables under the roots of @a and @b change places. */
static void swap_trees(struct nested_map *a, struct nested_map *b)
{
	u64 *root_a = nested_table(a->root), *root_b = nested_table(b->root);
	uint i;

	for (i = 0; i < NESTED_ENTRIES; i++) {
		u64 entry = root_a[i];

		nested_set(&root_a[i], root_b[i]);
		nested_set(&root_b[i], entry);
	}
}

/* The tree of @map once more, with types from @mtrr, as @copy. The tables of
 * our range are in both. */
static int rebuild(struct nested_map *copy, const struct nested_map *map,
		   const struct mtrr_state *mtrr)
{
	int err;

	*copy = (struct nested_map){
		.format = map->format,
		.limit = map->limit,
		.pages = map->hidden_tables,
		.hidden_pt = map->hidden_pt,
	};
	set_types(copy, mtrr);
	err = new_root(copy);
	if (err)
		return err;
	err = nested_build_all(copy);
	if (err)
		nested_tree_free(copy, copy->root);
	else
		nested_hidden_copy(copy, map);
	return err;
}

int nested_map_retype(struct nested_map *map, const struct mtrr_state *mtrr)
{
	struct nested_map copy;
	int err;

	spin_lock(&map->lock);
	err = rebuild(&copy, map, mtrr);
	if (!err) {
		swap_trees(map, &copy);
		map->pages = copy.pages;
		map->mtrr = copy.mtrr;
		nested_tree_free(&copy, copy.root);
	}
	spin_unlock(&map->lock);
	return err;
}

void nested_map_free(struct nested_map *map)
{
	nested_hidden_free(map);
	nested_tree_free(map, map->root);
	map->pages = 0;
}

int nested_map_lookup(const struct nested_map *map, gphys_t gpa, phys_t *hpa,
		      u64 *entry, u64 *leaf_size)
{
	u64 value, size;
	uint level;

	if (gpa.v >= map->limit)
		return -ENOENT;
	value = *nested_find(map, gpa.v, LEVEL_4K, &level);
	if (!value)
		return -ENOENT;
	size = nested_level_size(level);
	if (hpa)
		*hpa = PHYS((value & NESTED_ADDRESS & ~(size - 1)) |
			    (gpa.v & (size - 1)));
	if (entry)
		*entry = value;
	if (leaf_size)
		*leaf_size = size;
	return 0;
}
