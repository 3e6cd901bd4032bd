/*
 * Page tables as a data structure: entries, levels, mapping, splitting. What
 * is mapped where, and why, is the business of paging.c. Tables come from
 * table_alloc() and are seen through vmm_phys_to_virt(); host tests have their
 * own.
 */
#ifndef PAGING_PAGETABLE_H
#define PAGING_PAGETABLE_H

#include "lib/pte.h"
#include "lib/types.h"

#define PTE_GUARD BIT(9) /* ours: left unmapped to catch stack overflow */

#define PT_ENTRIES 512

/* Level 1 holds pages of 4 KiB, level 2 of 2 MiB, level 3 of 1 GiB. */
#define LEVEL_4K 1
#define LEVEL_2M 2
#define LEVEL_1G 3

struct pagetable {
	phys_t root;
	uint levels;              /* 4, or 5 where CR4.LA57 is set */
	uint max_leaf;            /* level of the largest page the CPU knows */
	u64 nx;                   /* PTE_NX, or 0 on a CPU without it */
	uint tables;              /* how many tables there are */
	u64 leaves[LEVEL_1G + 1]; /* how many pages were mapped, by level */
};

/* Bytes that one entry of @level covers. */
static inline u64 level_size(uint level)
{
	return PAGE_SIZE << (9 * (level - 1));
}

/* What a mapping allows. Nothing is ever writable and executable at once. */
enum map_flags {
	MAP_READ = 0,
	MAP_WRITE = 1,
	MAP_EXEC = 2,
	MAP_DEVICE = 4,          /* uncached */
	MAP_WRITE_COMBINING = 8, /* as efi/write_combining.h has it */
};

/* Entry bits for @flags. */
u64 pt_bits(const struct pagetable *pt, enum map_flags flags);

/*
 * Map [@virt, @virt + @size) to @phys with entry bits @bits, in pages as large
 * as alignment, size and @pt->max_leaf allow. All three are multiples of 4 KiB.
 * Returns -ENOMEM when there was no page for a table, -EEXIST when something
 * was mapped there; what had been mapped by then stays.
 */
int pt_map(struct pagetable *pt, u64 virt, phys_t phys, u64 size, u64 bits);

/*
 * Find the entry for @virt at @level, making the tables on the way; a large
 * page on the way is split. The caller flushes the TLB if it changes what is
 * mapped. Returns NULL when there was no page for a table.
 */
u64 *pt_entry(struct pagetable *pt, u64 virt, uint level);

/*
 * The entry that decides about @virt: a leaf, or the first that is not
 * present; and its level in *@level, if that is not NULL. Changes nothing.
 */
u64 pt_lookup(const struct pagetable *pt, u64 virt, uint *level);

#endif
