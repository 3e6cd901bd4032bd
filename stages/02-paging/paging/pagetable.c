/*
 * Page tables as a data structure.
 *
 *	virtual address, 48 bits used:
 *	 47     39 38     30 29     21 20     12 11        0
 *	+---------+---------+---------+---------+-----------+
 *	| level 4 | level 3 | level 2 | level 1 |  offset   |
 *	+----+----+----+----+----+----+----+----+-----------+
 *	     |         |         |         |
 *	root +-> table +-> table +-> table +-> page of 4 KiB
 *	               |         +-> or a page of 2 MiB (PS)
 *	               +-> or a page of 1 GiB (PS)
 *
 * Each table is a page of 512 entries. A walk starts at the root (CR3) and
 * takes nine bits of the address per level, until an entry is not present or
 * is a leaf. Rights are the leaf's: every entry above it allows all. Never
 * does an entry exist that is both writable and executable.
 *
 * The file knows neither where tables come from nor what is mapped, so host
 * tests walk the very same code. Book: chapter 2, "Page tables".
 */
#include "paging/pagetable.h"

#include "lib/errno.h"
#include "paging/address.h"
#include "paging/early.h"

static uint index_of(u64 virt, uint level)
{
	return virt >> (PAGE_SHIFT + 9 * (level - 1)) & (PT_ENTRIES - 1);
}

/* Level 1 has no PS bit: that place is the PAT's there. */
static bool is_leaf(u64 entry, uint level)
{
	return level == LEVEL_4K || (entry & PTE_PS);
}

u64 pt_bits(const struct pagetable *pt, enum map_flags flags)
{
	u64 bits = PTE_P;

	if (flags & MAP_WRITE)
		bits |= PTE_W;
	if (!(flags & MAP_EXEC))
		bits |= pt->nx;
	if (flags & MAP_DEVICE)
		bits |= PTE_PCD | PTE_PWT;
	if (flags & MAP_WRITE_COMBINING)
		bits |= PTE_PWT;
	return bits;
}

/* Make *@entry, which is not present, point to an empty table. */
static int add_table(struct pagetable *pt, u64 *entry)
{
	phys_t phys;
	int error = table_alloc(&phys);

	if (error)
		return error;
	pt->tables++;
	*entry = phys.v | PTE_P | PTE_W;
	return 0;
}

/*
 * Turn the large page *@entry of @level into a table of 512 pages, each an
 * equal part of it. The table is complete before *@entry points to it, so
 * another CPU that walks meanwhile sees the same mapping either way.
 */
static int split_page(struct pagetable *pt, u64 *entry, uint level)
{
	u64 piece = *entry, table;
	u64 *to;
	uint i;

	if (add_table(pt, &table))
		return -ENOMEM;
	to = vmm_phys_to_virt(PHYS(table & PTE_ADDRESS));
	if (level - 1 == LEVEL_4K)
		piece &= ~PTE_PS;
	for (i = 0; i < PT_ENTRIES; i++)
		to[i] = piece + i * level_size(level - 1);
	__atomic_store_n(entry, table, __ATOMIC_RELEASE);
	return 0;
}

u64 *pt_entry(struct pagetable *pt, u64 virt, uint level)
{
	u64 *table = vmm_phys_to_virt(pt->root);
	uint l;

	for (l = pt->levels; l > level; l--) {
		u64 *entry = &table[index_of(virt, l)];
		int error = 0;

		if (!(*entry & PTE_P))
			error = add_table(pt, entry);
		else if (is_leaf(*entry, l))
			error = split_page(pt, entry, l);
		if (error)
			return NULL;
		table = vmm_phys_to_virt(PHYS(*entry & PTE_ADDRESS));
	}
	return &table[index_of(virt, level)];
}

/* The largest page that may begin at @virt, and at @phys, and end in @size. */
static uint leaf_level(const struct pagetable *pt, u64 virt, u64 phys, u64 size)
{
	uint level = pt->max_leaf;

	while (level > LEVEL_4K && (((virt | phys) & (level_size(level) - 1)) ||
				    size < level_size(level)))
		level--;
	return level;
}

int pt_map(struct pagetable *pt, u64 virt, phys_t phys, u64 size, u64 bits)
{
	u64 p = phys.v;

	while (size) {
		uint level = leaf_level(pt, virt, p, size);
		u64 *entry = pt_entry(pt, virt, level);

		if (!entry)
			return -ENOMEM;
		if (*entry)
			return -EEXIST;
		*entry = p | bits | (level > LEVEL_4K ? PTE_PS : 0);
		pt->leaves[level]++;
		virt += level_size(level);
		p += level_size(level);
		size -= level_size(level);
	}
	return 0;
}

u64 pt_lookup(const struct pagetable *pt, u64 virt, uint *level)
{
	phys_t table = pt->root;
	uint l = pt->levels;
	u64 entry;

	for (;; l--) {
		const u64 *entries = vmm_phys_to_virt(table);

		entry = entries[index_of(virt, l)];
		if (!(entry & PTE_P) || is_leaf(entry, l))
			break;
		table = PHYS(entry & PTE_ADDRESS);
	}
	if (level)
		*level = l;
	return entry;
}
