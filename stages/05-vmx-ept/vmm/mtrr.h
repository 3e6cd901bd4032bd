/*
 * Memory type range registers: which physical memory is cached how (SDM 3A
 * 12.11). With EPT, Vellum must put these types into its tables, because the
 * CPU ignores the MTRRs for guest memory. mtrr_read() asks this CPU; the others
 * are pure functions.
 * Book: chapter 5.
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

/* Is @msr one of the MTRRs (PHYSBASE/MASK, FIX*, DEF_TYPE)? */
bool mtrr_is_msr(u32 msr);

/* Do @a and @b say the same in every register? */
bool mtrr_equal(const struct mtrr_state *a, const struct mtrr_state *b);

#endif
