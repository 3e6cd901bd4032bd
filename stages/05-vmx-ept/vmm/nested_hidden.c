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
 * page of zeros. Book: chapter 5, "Hiding".
 */
#include "vmm/nested_tree.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/paging.h"

/* Read by the guest and by nobody else: zeros. In our .rodata. */
static const u8 blank_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/* Belongs to the guest; nothing of ours may share the page with it. */
static u8 scratch_page[PAGE_SIZE] __aligned(PAGE_SIZE);

bool nested_is_hidden(u64 gpa, u64 size)
{
	u64 base = boot_info.vmm_base.v, end = base + boot_info.vmm_size;

	return gpa < end && base < gpa + size;
}

/* The leaf that shows @page of ours, which may be read and no more. */
static u64 page_entry(const struct nested_map *map, phys_t page)
{
	u64 bits = nested_leaf_bits(map, LEVEL_4K, CACHE_WB);

	return page.v | (bits ^ map->format->no_exec);
}

int nested_hidden_init(struct nested_map *map)
{
	u64 *table, blank = page_entry(map, virt_to_phys(blank_page));
	uint i;
	int err;

	if ((boot_info.vmm_base.v | boot_info.vmm_size) & (SIZE_2M - 1))
		return -EINVAL;
	err = nested_table_new(&map->hidden_pt);
	if (err)
		return err;
	map->pages++;
	map->hidden_tables = 1;
	table = nested_table(map->hidden_pt);
	for (i = 0; i < NESTED_ENTRIES; i++)
		table[i] = blank;
	return 0;
}

u64 nested_hidden_entry(const struct nested_map *map)
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
	int err = nested_table_new(&table);

	if (err)
		return err;
	map->pages++;
	map->hidden_tables++;
	memcpy(nested_table(table), nested_table(map->hidden_pt), PAGE_SIZE);
	nested_set(entry, table.v | map->format->table);
	return 0;
}

int nested_hidden_fault(struct nested_map *map, u64 gpa, bool write,
			bool *first)
{
	phys_t scratch = virt_to_phys(scratch_page);
	uint level;
	u64 *entry;
	int err = 0;

	if (!write) /* what may be read does not fault when it is read */
		return -EPERM;
	entry = nested_find(map, gpa, LEVEL_2M, &level);
	if (points_to(*entry, map->hidden_pt))
		err = make_private(map, entry);
	if (err)
		return err;
	entry = nested_find(map, gpa, LEVEL_4K, &level);
	if (points_to(*entry, scratch)) /* another CPU was here first */
		return 0;
	nested_set(entry, page_entry(map, scratch) | map->format->write);
	map->hidden_writes++;
	*first = true;
	return 0;
}

void nested_hidden_copy(struct nested_map *to, const struct nested_map *from)
{
	u64 end = boot_info.vmm_base.v + boot_info.vmm_size, gpa;
	uint level;

	for (gpa = boot_info.vmm_base.v; gpa < end; gpa += SIZE_2M) {
		u64 *entry = nested_find(to, gpa, LEVEL_2M, &level);

		nested_set(entry, *nested_find(from, gpa, LEVEL_2M, &level));
	}
}

/* A build that failed may have left any part of the tree out: hence the level,
 * and the look at the entry. */
void nested_hidden_free(struct nested_map *map)
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
