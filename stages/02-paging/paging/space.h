/*
 * Our own address space, as the rest of paging/ sees it. Private to paging/.
 */
#ifndef PAGING_SPACE_H
#define PAGING_SPACE_H

#include "lib/types.h"
#include "paging/pagetable.h"

/* Its tables. After the build they change only in map_phys.c, under a lock. */
extern struct pagetable own_space;

/*
 * Build our page tables in the range that boot_info names; the CPU does not
 * use them yet. Panics when there is no room for them.
 */
void space_build(void);

/* Set by relocate.c as soon as the CPU runs on our tables. */
extern bool space_entered;

/* Print what is mapped where. */
void space_print(void);

/* First physical address that the CPU, or our windows, cannot reach. */
u64 space_phys_limit(void);

#endif
