/*
 * Sharing nested maps between CPUs. See nested_root.h.
 */
#include "vmm/nested_root.h"

#include "heap/heap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "vmm/nested_tree.h"

/* Protects the list, and each map's users. Taken before a map's own lock. */
static spinlock_t maps_lock;
static struct nested_map *maps;

/* A map that is there already, has just these types, and was made for CPUs that
 * can do just the same. */
static struct nested_map *find_map(const struct nested_format *format,
				   const struct mtrr_state *mtrr, u64 limit)
{
	for (struct nested_map *m = maps; m; m = m->next)
		if (m->format == format && m->limit == limit &&
		    mtrr_equal(&m->mtrr, mtrr))
			return m;
	return NULL;
}

static int build_map(struct nested_map **map,
		     const struct nested_format *format,
		     const struct mtrr_state *mtrr, u64 limit)
{
	int error;

	*map = alloc(sizeof(**map));
	if (!*map)
		return -ENOMEM;
	error = nested_map_build(*map, format, mtrr, limit);
	if (error) {
		free(*map);
		return error;
	}
	(*map)->next = maps;
	maps = *map;
	return 0;
}

/* One user more for the map with these types. maps_lock is held. */
static int get_map(struct nested_map **map, const struct nested_format *format,
		   const struct mtrr_state *mtrr, u64 limit)
{
	int error = 0;

	*map = find_map(format, mtrr, limit);
	if (!*map)
		error = build_map(map, format, mtrr, limit);
	if (!error)
		(*map)->users++;
	return error;
}

/* One user less; the last one takes it down. maps_lock is held. */
static void put_map(struct nested_map *map)
{
	struct nested_map **link = &maps;

	if (--map->users)
		return;
	while (*link != map)
		link = &(*link)->next;
	*link = map->next;
	nested_map_free(map);
	free(map);
}

void nested_root_renew(struct nested_root *root)
{
	for (uint i = 0; i < NESTED_PLAIN; i++)
		root->plain[i] = ~0UL; /* no piece has this number */
}

/* Hang what is under the map's own root under @root, too. */
static void copy_root(struct nested_root *root)
{
	u64 *to = nested_table(root->table);
	const u64 *from = nested_table(root->map->root);

	nested_root_renew(root);
	for (uint i = 0; i < NESTED_ENTRIES; i++)
		nested_set(&to[i], from[i]);
}

int nested_root_init(struct nested_root *root,
		     const struct nested_format *format,
		     const struct mtrr_state *mtrr, u64 limit)
{
	struct mtrr_state all_wb;
	int error = nested_table_new(&root->table);

	if (error)
		return error;
	if (!mtrr) {
		mtrr_all_write_back(&all_wb);
		mtrr = &all_wb;
	}
	spin_lock(&maps_lock);
	error = get_map(&root->map, format, mtrr, MIN(limit, NESTED_LIMIT));
	spin_unlock(&maps_lock);
	if (error)
		free_page_phys(root->table);
	else
		copy_root(root);
	return error;
}

/* Only @root's CPU changes root->map, so no lock is needed to follow it. */
int nested_root_fault(struct nested_root *root, gphys_t gpa, bool write)
{
	int error = nested_map_fault(root->map, gpa, write);

	if (!error) {
		u64 *from = nested_slot(nested_table(root->map->root), gpa.v,
					LEVEL_ROOT);
		u64 *to = nested_slot(nested_table(root->table), gpa.v,
				      LEVEL_ROOT);

		nested_set(to, *from);
	}
	return error;
}

/* All that is mapped may be read. */
static bool nested_allows(const struct nested_map *map, u64 entry, bool write)
{
	return entry && (!write || (entry & map->format->write));
}

int nested_root_lookup(struct nested_root *root, gphys_t gpa, bool write,
		       phys_t *hpa)
{
	const struct nested_map *map = root->map;
	u64 entry, offset, piece = gpa.v / SIZE_2M;
	u64 *plain = &root->plain[piece % NESTED_PLAIN];
	uint level;
	int error;

	*hpa = PHYS(gpa.v);
	if (*plain == piece)
		return 0;
	if (gpa.v >= map->limit)
		return -EFAULT;
	entry = *nested_find(map, gpa.v, LEVEL_4K, &level);
	if (!nested_allows(map, entry, write)) {
		error = nested_root_fault(root, gpa, write);
		if (error)
			return error;
		entry = *nested_find(map, gpa.v, LEVEL_4K, &level);
	}
	if (!nested_allows(map, entry, write))
		return -EPERM;
	if (level > LEVEL_4K && nested_allows(map, entry, true))
		*plain = piece;
	offset = nested_level_size(level) - 1;
	*hpa = PHYS((entry & NESTED_ADDRESS & ~offset) | (gpa.v & offset));
	return 0;
}

int nested_root_retype(struct nested_root *root, const struct mtrr_state *mtrr)
{
	struct nested_map *old = root->map, *map;
	int error;

	spin_lock(&maps_lock);
	if (old->users == 1 && !find_map(old->format, mtrr, old->limit)) {
		error = nested_map_retype(old, mtrr); /* nobody else is in it */
	} else {
		error = get_map(&map, old->format, mtrr, old->limit);
		if (!error)
			root->map = map;
	}
	if (!error)
		copy_root(root);
	if (!error && root->map != old)
		put_map(old);
	spin_unlock(&maps_lock);
	return error;
}

void nested_maps_forget(gphys_t gpa)
{
	spin_lock(&maps_lock);
	for (struct nested_map *m = maps; m; m = m->next)
		nested_map_forget(m, gpa);
	spin_unlock(&maps_lock);
}
