/*
 * The MTRRs once more, as plainly as the manual has it: one page at a time, no
 * boundaries. And MTRR states to try.
 */
#ifndef VMM_TEST_MTRR_MODEL_H
#define VMM_TEST_MTRR_MODEL_H

#include "vmm/mtrr.h"

/* Memory type of the page at @page. */
enum mem_cache model_type(const struct mtrr_state *state, u64 page);

/* Everything off but the default type, with @address_bits. */
void mtrr_start(struct mtrr_state *state, uint address_bits, u8 default_type);

/* Add a variable pair for one block: @size is a power of two. */
void mtrr_block(struct mtrr_state *state, u64 base, u64 size, u8 type);

/* Add a variable pair with any mask (bits 12 and up). */
void mtrr_masked(struct mtrr_state *state, u64 base, u64 mask, u8 type);

/* The first MiB as any BIOS sets it up: RAM, VGA, ROM. */
void mtrr_usual_fixed(struct mtrr_state *state);

/* Anything, for addresses below 2^@address_bits; some of it absurd. */
void mtrr_random(struct mtrr_state *state, uint address_bits);

#endif
