/*
 * The nested page table of one CPU: guest-physical to host-physical.
 *
 * EPT and NPT are the same four-level tree with other bits in the entries; a
 * struct nested_format holds the difference, and this layer builds the tree.
 * Book: chapter 5.
 */
#ifndef VMM_NESTED_MAP_H
#define VMM_NESTED_MAP_H

#include "boot/boot_info.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "vmm/mtrr.h"

/* How the vendor writes down an entry. */
struct nested_format {
	u64 table;   /* bits of an entry that points to a table */
	u64 leaf;    /* bits of a readable, executable leaf */
	u64 write;   /* added to a leaf that may be written */
	u64 large;   /* added to a 2 MiB or 1 GiB leaf */
	u64 no_exec; /* flipped in a leaf that may not be executed: EPT clears
			X (bit 2), NPT sets NX (bit 63) */
	uint type_shift; /* where a leaf's memory type goes ... */
	bool has_type;   /* ... if it is all that counts (EPT) */
	/* Else (NPT) the types that the hardware applies besides, and the bits
	 * of a leaf with a type of its own. */
	const struct mtrr_state *machine;
	u8 cache_bits[CACHE_WB + 1];
	bool has_1g; /* the CPU has 1 GiB leaves */
};

struct nested_map {
	const struct nested_format *format;
	phys_t root;       /* never changes once the map is built */
	u64 limit;         /* first guest-physical address beyond the map */
	uint pages;        /* table pages that belong to this map */
	u64 hidden_writes; /* pages of our range that the guest wrote to */
	bool slower;       /* a leaf is slower than the guest's MTRRs say */

	/* The rest is nested_*.c's own. */
	struct mtrr_state mtrr;  /* what the leaf types come from */
	uint hidden_tables;      /* of @pages, those of our range */
	phys_t hidden_pt;        /* shows the blank page 512 times */
	struct nested_map *next; /* nested_root.c: all maps there are, */
	uint users;              /* and how many roots use this one */
	/*
	 * Protects the tables and all fields but format, root and limit
	 * against the faults and retypes of other CPUs. The page layer's lock
	 * is taken while it is held, never the other way round.
	 */
	spinlock_t lock;
};

/* Four levels of 9 bits and a page reach this far, whatever the CPU can. */
#define NESTED_LIMIT BIT(48)

/*
 * Build the map: identity, RAM and the first 4 GiB at once; device memory from
 * there up to @limit (2^physical address bits; cut to NESTED_LIMIT) at first
 * touch. Leaf types come from @mtrr; NULL: all write-back. It is copied, so
 * that a fault while the guest has the MTRRs off for a moment does not make a
 * leaf of another type. A leaf is as large as the type is uniform, the
 * machine's as well where the hardware looks at that, too: a large page over
 * several types is undefined (SDM 3A 12.11.9). Our own range (boot_info) is
 * readable only, and shows one blank page. Returns 0, -ENOMEM (then nothing
 * stays allocated), or -EINVAL when our range is not made of whole 2 MiB.
 */
int nested_map_build(struct nested_map *map, const struct nested_format *format,
		     const struct mtrr_state *mtrr, u64 limit);

/*
 * The guest touched @gpa and the tables did not allow it. Maps device memory
 * at first touch; lets the first write to a page of our range, and all after
 * it, end in a scratch page. Returns 0 when the guest may try again, -EFAULT
 * when @gpa lies beyond the limit, -ENOMEM, or -EPERM when the access was the
 * fetch of an instruction from our range: it can never succeed.
 */
int nested_map_fault(struct nested_map *map, gphys_t gpa, bool write);

/*
 * The MTRRs changed: give every leaf its type anew. The root stays where it
 * is, the tables under it are new; device memory is found again at the next
 * touch. On -ENOMEM the old map stays as it was. The CPUs that use the map must
 * not be in the guest, and flush (vcpu_ops.flush_map) before they go back.
 */
int nested_map_retype(struct nested_map *map, const struct mtrr_state *mtrr);

/*
 * What is watched at @gpa (vmm/mmio.h) is something else now: forget the leaf
 * there, which is found again at the next touch. The CPUs that use the map may
 * know it until they flush.
 */
void nested_map_forget(struct nested_map *map, gphys_t gpa);

/* Free all that the map has. No CPU may be using it. */
void nested_map_free(struct nested_map *map);

#endif
