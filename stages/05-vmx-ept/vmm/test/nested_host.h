/*
 * What nested_*.c stands on, for its host tests: pages from the C library (so
 * that the sanitizer sees whoever uses a freed table), boot information of a
 * machine of one's choice, both formats, and a little of what the hardware
 * does with the tables.
 */
#ifndef VMM_TEST_NESTED_HOST_H
#define VMM_TEST_NESTED_HOST_H

#include "host.h"
#include "vmm/nested_map.h"

/* EPT (SDM 3C 29.3.2) and NPT (APM 2 15.25, 5.4), 1 GiB pages and none. */
extern const struct nested_format ept_1g, ept_2m, npt_1g, npt_2m;

/* Pages that are allocated at this moment. */
extern u32 host_live_pages;

/* Allocations that will still succeed; below 0: all. */
extern int host_pages_left;

/* A machine of @size bytes of RAM of which at most @below lie below 4 GiB, with
 * the BIOS's usual holes, and our range of @vmm_size at @vmm_base. */
void host_machine(u64 size, u64 below, u64 vmm_base, u64 vmm_size);

/*
 * Walk as the hardware does: sets the accessed and dirty bits on the way.
 * Returns false for an access that would exit.
 */
bool host_touch(struct nested_map *map, u64 gpa, bool write);

/* Host address, entry and leaf size for @gpa; -ENOENT when nothing is mapped.
 * Any may be NULL. */
int host_lookup(const struct nested_map *map, gphys_t gpa, phys_t *hpa,
		u64 *entry, u64 *leaf_size);

/* The bits of @entry that host_touch() does not change. */
u64 host_fixed_bits(const struct nested_map *map, u64 entry);

#endif
