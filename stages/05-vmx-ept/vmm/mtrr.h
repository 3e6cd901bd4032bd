/*
 * Memory type range registers: which physical memory is cached how (SDM 3A
 * 12.11). The machine's own stay as the firmware set them; what the guest has
 * is a copy (guest_mtrr.h), whose types Vellum puts into the nested tables.
 * mtrr_read() and mtrr_write() are about this CPU; the others are pure
 * functions. Book: chapter 5.
 */
#ifndef VMM_MTRR_H
#define VMM_MTRR_H

#include "lib/types.h"

/* Memory types, numbered as in the MTRRs and in EPT entries. */
enum mem_cache {
	CACHE_UC = 0,
	CACHE_WC = 1,
	CACHE_WT = 4,
	CACHE_WP = 5,
	CACHE_WB = 6,
};

#define CPUID_1_EDX_MTRR BIT(12) /* there are MTRRs */

#define MTRR_MAX_VARIABLE 32
#define MTRR_FIXED        88      /* 8 of 64 KiB, 16 of 16 KiB, 64 of 4 KiB */
#define MTRR_MASK_VALID   BIT(11) /* in PHYSMASK: the pair is in use */

struct mtrr_state {
	bool has_fixed; /* the registers for the first MiB exist */
	bool enabled, fixed_enabled;
	u8 default_type;
	u8 fixed[MTRR_FIXED]; /* types of the pieces of the first MiB */
	uint variable_count;
	struct {
		u64 base, mask; /* PHYSBASE and PHYSMASK as in the MSRs */
	} variable[MTRR_MAX_VARIABLE];
	u64 address_mask; /* bits of a physical address: 2^n - 1 */
};

/* Read this CPU's MTRRs. Without MTRRs in CPUID: all memory write-back. */
void mtrr_read(struct mtrr_state *state);

/*
 * Make this CPU's MTRRs those of @state, which a CPU of the same kind has. Only
 * before the CPU runs a guest: caches are off for a while (SDM 3A 12.11.8).
 */
void mtrr_write(const struct mtrr_state *state);

/* As if there were no MTRRs: all memory write-back. */
void mtrr_all_write_back(struct mtrr_state *state);

/*
 * Memory type of the 4 KiB page at @address (below 2^52), and in *@uniform how
 * many bytes from the start of that page the type certainly stays the same: up
 * to the next place where any register begins or ceases to apply. At least
 * 4 KiB and a multiple of it. SDM 3A 12.11.4.1 says which type wins.
 */
enum mem_cache mtrr_type(const struct mtrr_state *state, u64 address,
			 u64 *uniform);

/*
 * The addresses from @first to @last to which variable pair @i applies; when
 * its mask has holes, the first of its blocks. False when the pair is off.
 */
bool mtrr_variable_range(const struct mtrr_state *state, uint i, u64 *first,
			 u64 *last);

/* RDMSR and WRMSR of an MTRR, done to @state. -EPERM where hardware raises #GP:
 * no such register, a reserved bit, a type that does not exist. */
int mtrr_get(const struct mtrr_state *state, u32 msr, u64 *value);
int mtrr_set(struct mtrr_state *state, u32 msr, u64 value);

/*
 * The type that a leaf of the NPT must have for memory to which the guest's
 * MTRRs give @guest, while the machine's give it @machine: the hardware
 * combines the machine's with the leaf's, and the result is never faster than
 * either (APM 2 15.25.8). Where @guest can't be had, the answer leads to a type
 * that is slower, and as safe.
 */
enum mem_cache mtrr_leaf_type(enum mem_cache machine, enum mem_cache guest);

/* Do @a and @b say the same in every register? */
bool mtrr_equal(const struct mtrr_state *a, const struct mtrr_state *b);

#endif
