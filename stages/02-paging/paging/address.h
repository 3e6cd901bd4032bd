/*
 * Addresses in and out of our own range. Any CPU, any time after the choice of
 * the range. (phys_to_direct() for all other RAM is in boot/layout.h.)
 */
#ifndef PAGING_ADDRESS_H
#define PAGING_ADDRESS_H

#include "lib/types.h"

/*
 * Physical address of something in our range or in the direct map. Panics for
 * any other address.
 */
phys_t virt_to_phys(const void *virt);

/*
 * Where the part of our own range at @phys can be read and written: the inverse
 * of the above, and before the move its place in the early direct map. @phys
 * must lie in our range.
 */
void *vmm_phys_to_virt(phys_t phys);

/* Is [@phys, @phys + @size) wholly inside our own range? */
bool in_vmm_range(phys_t phys, u64 size);

/* Has [@phys, @phys + @size), which does not go beyond the last address, any
 * byte in common with it? */
bool overlaps_vmm_range(u64 phys, u64 size);

/* Likewise with our page below 1 MiB. */
bool overlaps_vmm_low(u64 phys, u64 size);

/* Does this CPU run on our own page tables? Set by relocate.c, once. */
extern bool space_entered;

#endif
