/*
 * The nested page table of one CPU: what is mapped, and in which leaves; how
 * our own range is hidden; and its life: built, mended at a fault, given new
 * types, taken down.
 *
 * Errors leave nothing half done. A build that runs out of memory gives back
 * what it took. New types are a whole new tree beside the old one; only when it
 * is complete do the two change places, under a root that stays where it is,
 * so that EPTP and nCR3 need not change. Book: chapter 5.
 */
#include "vmm/nested_map.h"

#include "console/printf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/address.h"
#include "vmm/mmio.h"
#include "vmm/nested_tree.h"

#define HIDDEN_WRITES_LOGGED 8

/*
 * Vellum's own range, as the guest finds it: one blank page, over and over.
 *
 *	level 2, one entry          one table of            one page,
 *	for each 2 MiB              level 1                 read-only
 *	+---------+                 +---------+             +-------+
 *	|    *----+---+------------>|    *----+--+--------->| blank |
 *	+---------+   |             +---------+  |          +-------+
 *	|    *----+---+             |    *----+--+
 *	+---------+                 +---------+  |
 *	|    *----+-> written to:   |   ...   +--+          +---------+
 *	+---------+   a copy, with one entry changed ------>| scratch |
 *
 * So 128 MiB are hidden by one table. A guest that writes there in spite of
 * the memory map that it got would exit at each write; decoding its
 * instructions to drop the write is much code, and the exits much time. The
 * first write to a page gets it remapped to a scratch page that may be written,
 * and the guest is left alone with what it does to that. All such pages are one
 * and the same: whoever writes to memory that is not there must not expect to
 * read it back.
 *
 * Nothing here may be executed: a fetch is refused rather than sent through a
 * page of zeros. Book: chapter 5, "The one thing that is hidden".
 */

/* Read by the guest and by nobody else: zeros, so not in the image. */
static u8 blank_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/* Belongs to the guest; nothing of ours may share the page with it. */
static u8 scratch_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/* The leaf that shows @page of ours, which may be read and no more. */
static u64 page_entry(const struct nested_map *map, phys_t page)
{
	u64 bits = nested_leaf_bits(map, LEVEL_4K, CACHE_WB);

	return page.v | (bits ^ map->format->no_exec);
}

/* Make the shared table. -ENOMEM; -EINVAL when the range is not whole 2 MiB. */
static int nested_hidden_init(struct nested_map *map)
{
	u64 *table, blank = page_entry(map, virt_to_phys(blank_page));
	uint i;
	int error;

	if ((boot_info.vmm_base.v | boot_info.vmm_size) & (SIZE_2M - 1))
		return -EINVAL;
	error = nested_table_new(&map->hidden_pt);
	if (error)
		return error;
	map->pages++;
	map->hidden_tables = 1;
	table = nested_table(map->hidden_pt);
	for (i = 0; i < NESTED_ENTRIES; i++)
		table[i] = blank;
	return 0;
}

/* Entry of level 2 for each 2 MiB of our range. */
static u64 nested_hidden_entry(const struct nested_map *map)
{
	return map->hidden_pt.v | map->format->table;
}

/*
 * Does @entry point to the page at @phys? The other bits may differ from what
 * we wrote: the hardware sets accessed and dirty bits (always with NPT).
 */
static bool points_to(u64 entry, phys_t phys)
{
	return (entry & NESTED_ADDRESS) == phys.v;
}

/* Give the 2 MiB behind *@entry of level 2 a table of its own. */
static int make_private(struct nested_map *map, u64 *entry)
{
	phys_t table;
	int error = nested_table_new(&table);

	if (error)
		return error;
	map->pages++;
	map->hidden_tables++;
	memcpy(nested_table(table), nested_table(map->hidden_pt), PAGE_SIZE);
	nested_set(entry, table.v | map->format->table);
	return 0;
}

/* The guest touched @gpa in our range in vain. As nested_map_fault(); sets
 * *@first when this page had not been written to before. */
static int nested_hidden_fault(struct nested_map *map, u64 gpa, bool write,
			       bool *first)
{
	phys_t scratch = virt_to_phys(scratch_page);
	uint level;
	u64 *entry;
	int error = 0;

	if (!write) /* what may be read does not fault when it is read */
		return -EPERM;
	entry = nested_find(map, gpa, LEVEL_2M, &level);
	if (points_to(*entry, map->hidden_pt))
		error = make_private(map, entry);
	if (error)
		return error;
	entry = nested_find(map, gpa, LEVEL_4K, &level);
	if (points_to(*entry, scratch)) /* another CPU was here first */
		return 0;
	nested_set(entry, page_entry(map, scratch) | map->format->write);
	map->hidden_writes++;
	*first = true;
	return 0;
}

/* Give @to, a newer tree, the tables that @from has for our range. */
static void nested_hidden_copy(struct nested_map *to,
			       const struct nested_map *from)
{
	u64 end = boot_info.vmm_base.v + boot_info.vmm_size, gpa;
	uint level;

	for (gpa = boot_info.vmm_base.v; gpa < end; gpa += SIZE_2M) {
		u64 *entry = nested_find(to, gpa, LEVEL_2M, &level);

		nested_set(entry, *nested_find(from, gpa, LEVEL_2M, &level));
	}
}

/* Free the tables of our range; to be called before the tree goes.
 * A build that failed may have left any part of the tree out: hence the level,
 * and the look at the entry. */
static void nested_hidden_free(struct nested_map *map)
{
	u64 end = boot_info.vmm_base.v + boot_info.vmm_size, gpa;
	uint level;

	for (gpa = boot_info.vmm_base.v; gpa < end; gpa += SIZE_2M) {
		u64 entry = *nested_find(map, gpa, LEVEL_2M, &level);

		if (level == LEVEL_2M && entry &&
		    !points_to(entry, map->hidden_pt))
			free_page_phys(PHYS(entry & NESTED_ADDRESS));
	}
	free_page_phys(map->hidden_pt);
}

#define EAGER_END (4 * GIB) /* all of it is mapped at once, RAM or not */

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

/*
 * The type of a leaf for [@base, @base + @size), in *@type; false when it would
 * need more than one. Where the guest gets a slower one than it wants,
 * map->slower.
 */
static bool leaf_type(struct nested_map *map, u64 base, u64 size,
		      enum mem_cache *type)
{
	const struct nested_format *format = map->format;
	const u8 *bits = format->cache_bits;
	enum mem_cache guest, machine;

	if (!one_type(&map->mtrr, base, size, &guest))
		return false;
	*type = guest;
	if (!format->machine)
		return true;
	if (!one_type(format->machine, base, size, &machine))
		return false;
	*type = mtrr_leaf_type(machine, guest);
	if (guest != machine && guest != CACHE_UC)
		map->slower |= bits[guest] == bits[CACHE_UC] ||
			       (guest != CACHE_WC && machine != CACHE_WB);
	return true;
}

/* May one leaf of @level map all that the entry for @base covers? */
static bool may_be_leaf(struct nested_map *map, u64 base, uint level,
			enum mem_cache *type)
{
	u64 size = nested_level_size(level);

	if (level > (map->format->has_1g ? LEVEL_1G : LEVEL_2M))
		return false;
	if (overlaps_vmm_range(base, size))
		return false;
	if (level > LEVEL_4K &&
	    (mmio_find(base, size) || overlaps_vmm_low(base, size)))
		return false;
	return leaf_type(map, base, size, type);
}

/* The leaf of @level for what is at @base. What is watched is seldom written,
 * or is not even shown. */
static u64 leaf_entry(const struct nested_map *map, u64 base, uint level,
		      enum mem_cache type)
{
	const struct mmio_page *page =
		mmio_find(base, nested_level_size(level));

	if (!page)
		return base | nested_leaf_bits(map, level, type) |
		       map->format->write;
	if (!page->shown)
		return base | nested_leaf_bits(map, level, type);
	return virt_to_phys(page->shown).v |
	       nested_leaf_bits(map, level, CACHE_WB);
}

/* Fill *@entry, which is empty, of @level, and covers memory from @base on. */
static int fill_entry(struct nested_map *map, u64 *entry, u64 base, uint level)
{
	enum mem_cache type;
	phys_t table;
	int error;

	if (level == LEVEL_4K && overlaps_vmm_low(base, PAGE_SIZE)) {
		nested_set(entry, page_entry(map, virt_to_phys(blank_page)));
		return 0;
	}
	if (may_be_leaf(map, base, level, &type)) {
		nested_set(entry, leaf_entry(map, base, level, type));
		return 0;
	}
	if (level == LEVEL_2M && overlaps_vmm_range(base, SIZE_2M)) {
		nested_set(entry, nested_hidden_entry(map));
		return 0;
	}
	error = nested_table_new(&table);
	if (error)
		return error;
	map->pages++;
	nested_set(entry, table.v | map->format->table);
	return 0;
}

/* Map the largest uniform leaf that covers @gpa (below the limit), if nothing
 * does, with the tables on the way. *@next: the first byte after it. -ENOMEM.
 */
static int nested_build_leaf(struct nested_map *map, u64 gpa, u64 *next)
{
	phys_t table = map->root;
	uint level;

	for (level = LEVEL_ROOT;; level--) {
		u64 size = nested_level_size(level);
		u64 *entry = nested_slot(nested_table(table), gpa, level);
		u64 base = ALIGN_DOWN(gpa, size);
		int error = 0;

		if (!*entry)
			error = fill_entry(map, entry, base, level);
		if (error)
			return error;
		*next = base + size;
		if (nested_is_leaf(map, *entry, level) ||
		    (level == LEVEL_2M && overlaps_vmm_range(base, size)))
			return 0;
		table = PHYS(*entry & NESTED_ADDRESS);
	}
}

/* Map all of [@base, @base + @size) that lies below the limit. */
static int map_range(struct nested_map *map, u64 base, u64 size)
{
	u64 gpa, end;
	int error;

	if (base >= map->limit)
		return 0;
	end = base + MIN(size, map->limit - base);
	for (gpa = base; gpa < end;) {
		error = nested_build_leaf(map, gpa, &gpa);
		if (error)
			return error;
	}
	return 0;
}

/* Map RAM and the first 4 GiB into the empty tree of @map. -ENOMEM: some of
 * the tables are there. */
static int nested_build_all(struct nested_map *map)
{
	const struct mem_map *memory = &boot_info.map;
	int error = map_range(map, 0, EAGER_END);
	uint i;

	for (i = 0; i < memory->count && !error; i++) {
		const struct mem_range *r = &memory->range[i];

		if (r->type == MEM_RAM || r->type == MEM_ACPI ||
		    r->type == MEM_NVS)
			error = map_range(map, r->base, r->size);
	}
	return error;
}

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
	int error = nested_table_new(&map->root);

	if (!error)
		map->pages++;
	return error;
}

int nested_map_build(struct nested_map *map, const struct nested_format *format,
		     const struct mtrr_state *mtrr, u64 limit)
{
	int error;

	*map = (struct nested_map){
		.format = format,
		.limit = MIN(limit, NESTED_LIMIT),
		.lock = SPINLOCK_INIT,
	};
	set_types(map, mtrr);
	error = nested_hidden_init(map);
	if (error)
		return error;
	error = new_root(map);
	if (error) {
		free_page_phys(map->hidden_pt);
		return error;
	}
	error = nested_build_all(map);
	if (error)
		nested_map_free(map);
	return error;
}

int nested_map_fault(struct nested_map *map, gphys_t gpa, bool write)
{
	bool first = false;
	u64 next, writes;
	int error;

	if (gpa.v >= map->limit)
		return -EFAULT;
	spin_lock(&map->lock);
	if (overlaps_vmm_range(gpa.v, 1) || overlaps_vmm_low(gpa.v, 1))
		error = nested_hidden_fault(map, gpa.v, write, &first);
	else
		error = nested_build_leaf(map, gpa.v, &next);
	writes = map->hidden_writes;
	spin_unlock(&map->lock);
	if (first && writes <= HIDDEN_WRITES_LOGGED)
		printf("vellum: the guest wrote to 0x%lx in Vellum's range%s\n",
		       gpa.v,
		       writes == HIDDEN_WRITES_LOGGED ? "; no more of these"
						      : "");
	return error;
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
	int error;

	*copy = (struct nested_map){
		.format = map->format,
		.limit = map->limit,
		.pages = map->hidden_tables,
		.hidden_pt = map->hidden_pt,
	};
	set_types(copy, mtrr);
	error = new_root(copy);
	if (error)
		return error;
	error = nested_build_all(copy);
	if (error)
		nested_tree_free(copy, copy->root);
	else
		nested_hidden_copy(copy, map);
	return error;
}

int nested_map_retype(struct nested_map *map, const struct mtrr_state *mtrr)
{
	struct nested_map copy;
	int error;

	spin_lock(&map->lock);
	error = rebuild(&copy, map, mtrr);
	if (!error) {
		swap_trees(map, &copy);
		map->pages = copy.pages;
		map->mtrr = copy.mtrr;
		map->slower = copy.slower;
		nested_tree_free(&copy, copy.root);
	}
	spin_unlock(&map->lock);
	return error;
}

void nested_map_forget(struct nested_map *map, gphys_t gpa)
{
	uint level;

	if (gpa.v >= map->limit || overlaps_vmm_range(gpa.v, 1))
		return;
	spin_lock(&map->lock);
	nested_set(nested_find(map, gpa.v, LEVEL_4K, &level), 0);
	spin_unlock(&map->lock);
}

void nested_map_free(struct nested_map *map)
{
	nested_hidden_free(map);
	nested_tree_free(map, map->root);
	map->pages = 0;
}
