/*
 * Our own address space: where things are mapped, and how to map more.
 * Book: chapter 2.
 */
#ifndef PAGING_PAGING_H
#define PAGING_PAGING_H

#include "lib/types.h"
#include "paging/pagetable.h"

/*
 * Choose our range, build our address space, and move into both. CPU 0, once,
 * before there is any other memory.
 */
void paging_init(void);

/* CPU 0's guard pages, as soon as there are page tables to take them out of. */
void guard_stacks(void);

/* Break each promise of the address space on purpose, and print what held. */
void paging_demonstrate(void);

/* In a build with TEST=1; the second raises what fault= names, if anything. */
void paging_selftest(void);
void fault_on_demand(void);

/*
 * Map device registers or firmware tables: @size bytes at @phys, NX, uncached
 * unless @flags lacks MAP_DEVICE. Returns the virtual address of that very
 * byte. Returns NULL when memory for page tables ran out, when the CPU has no
 * such physical address, for any part of our own range, and when a page was
 * mapped before with rights that do not include @flags (uncached includes
 * cached). Never unmapped again; the same page is always at the same address,
 * and asking for it twice costs nothing. Any CPU.
 */
void *map_phys(phys_t phys, u64 size, enum map_flags flags);

/* Root of our page tables: what CR3 holds on every CPU. 0 before the move. */
phys_t paging_root(void);

/*
 * Let this CPU obey our page tables' rights: NX and write protection. Every
 * CPU calls it before it loads CR3 with paging_root().
 */
void paging_prepare_cpu(void);

/*
 * The entry for the page at @virt in our page tables, made if need be, for a
 * page that one caller alone maps and unmaps. NULL: no memory. Any CPU.
 */
u64 *paging_entry(u64 virt);

/*
 * Unmap @page, a page of our range, for good, so that a stack above it that
 * grows too large faults. Splits a large page when need be. Returns -ENOMEM
 * when there is no page for that. Other CPUs may see it mapped for a while.
 */
int paging_make_guard(void *page);

/* Does @virt lie in a guard page? For telling a stack overflow. Any time. */
bool paging_is_guard(u64 virt);

/*
 * Build our page tables in the range that boot_info names; the CPU does not
 * use them yet. Panics when there is no room for them. Called by relocate.c.
 */
void paging_build(void);

/* Print what is mapped where. */
void paging_print(void);

/* First physical address that the CPU, or our windows, cannot reach. */
u64 paging_phys_limit(void);

#endif
