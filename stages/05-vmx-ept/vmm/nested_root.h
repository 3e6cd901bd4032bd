/*
 * One CPU's way into a nested map: a root table of its own, over tables that it
 * shares with every CPU whose memory types are the same.
 *
 *	CPU 0: root --\
 *	CPU 1: root ---+--> the tables of one struct nested_map
 *	CPU 2: root --/
 *	CPU 3: root ------> another one, while its MTRRs differ
 *
 * A guest changes the MTRRs of one CPU after the other. Each moves over to the
 * new tables when its own types change; the last one to leave takes the old
 * ones down. Book: chapter 5, "A root of one's own".
 */
#ifndef VMM_NESTED_ROOT_H
#define VMM_NESTED_ROOT_H

#include "vmm/nested_map.h"

#define NESTED_PLAIN 8

struct nested_root {
	phys_t table;           /* for EPTP or nCR3; never changes */
	struct nested_map *map; /* whose tables hang under it */
	/* For nested_root_lookup(): pieces of 2 MiB known to be mapped to
	 * themselves, to read and write; piece n can be in one place only. */
	u64 plain[NESTED_PLAIN];
};

/* Make @root, over a map as nested_map_build() would build it. -ENOMEM. */
int nested_root_init(struct nested_root *root,
		     const struct nested_format *format,
		     const struct mtrr_state *mtrr, u64 limit);

/* As nested_map_fault(), for the CPU that has @root. */
int nested_root_fault(struct nested_root *root, gphys_t gpa, bool write);

/*
 * The host-physical address in *@hpa that the guest's access to @gpa goes to.
 * What can be mapped is mapped on the way, as at a first touch. Errors as
 * nested_root_fault(), and -EPERM for a write to a page that is watched.
 */
int nested_root_lookup(struct nested_root *root, gphys_t gpa, bool write,
		       phys_t *hpa);

/* As nested_map_retype(): the MTRRs of the CPU that has @root changed. The
 * CPU flushes before it enters the guest. */
int nested_root_retype(struct nested_root *root, const struct mtrr_state *mtrr);

/* As nested_map_forget(), in all maps. Then each CPU, before it is in the guest
 * again, does nested_root_renew() and flushes. */
void nested_maps_forget(gphys_t gpa);
void nested_root_renew(struct nested_root *root);

#endif
