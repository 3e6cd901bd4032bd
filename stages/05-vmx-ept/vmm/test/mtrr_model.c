/*
 * A model of the MTRRs, to compare mtrr.c with.
 */
#include "vmm/test/mtrr_model.h"

#include "host.h"

static const u8 types[] = {CACHE_UC, CACHE_WC, CACHE_WT, CACHE_WP, CACHE_WB};

enum mem_cache model_type(const struct mtrr_state *state, u64 page)
{
	const u64 mask_bits = state->address_mask & ~0xfffUL;
	uint matches = 0, i;
	bool only_wt_wb = true, all_same = true;
	u8 first = 0;

	if (!state->enabled)
		return CACHE_UC;
	if (page < 0x100000 && state->fixed_enabled) {
		if (page < 0x80000)
			return state->fixed[page >> 16];
		if (page < 0xc0000)
			return state->fixed[8 + ((page - 0x80000) >> 14)];
		return state->fixed[24 + ((page - 0xc0000) >> 12)];
	}
	for (i = 0; i < state->variable_count; i++) {
		u64 base = state->variable[i].base & mask_bits;
		u64 mask = state->variable[i].mask & mask_bits;
		u8 type = state->variable[i].base & 0xff;

		if (!(state->variable[i].mask & 0x800))
			continue;
		if ((page & mask) != (base & mask))
			continue;
		if (type == CACHE_UC)
			return CACHE_UC;
		if (matches++ == 0)
			first = type;
		all_same &= type == first;
		only_wt_wb &= type == CACHE_WT || type == CACHE_WB;
	}
	if (matches == 0)
		return state->default_type;
	if (all_same)
		return first;
	return only_wt_wb ? CACHE_WT : CACHE_UC;
}

void mtrr_start(struct mtrr_state *state, uint address_bits, u8 default_type)
{
	memset(state, 0, sizeof(*state));
	state->enabled = state->has_fixed = true;
	state->default_type = default_type;
	state->address_mask = BIT(address_bits) - 1;
}

void mtrr_masked(struct mtrr_state *state, u64 base, u64 mask, u8 type)
{
	uint i = state->variable_count++;

	assert_true(i < MTRR_MAX_VARIABLE);
	state->variable[i].base = base | type;
	state->variable[i].mask =
		(mask & state->address_mask & ~PAGE_MASK) | MTRR_MASK_VALID;
}

void mtrr_block(struct mtrr_state *state, u64 base, u64 size, u8 type)
{
	assert_int_equal(size & (size - 1), 0);
	assert_int_equal(base & (size - 1), 0);
	mtrr_masked(state, base, ~(size - 1), type);
}

void mtrr_usual_fixed(struct mtrr_state *state)
{
	state->fixed_enabled = true;
	memset(&state->fixed[0], CACHE_WB, 16);  /* to 640 KiB */
	memset(&state->fixed[16], CACHE_UC, 8);  /* VGA, to 768 KiB */
	memset(&state->fixed[24], CACHE_WP, 64); /* ROM */
}

static u8 random_type(void)
{
	return types[host_random(ARRAY_SIZE(types))];
}

/* A block, mostly a large one; sometimes a mask with holes. */
static void random_variable(struct mtrr_state *state, uint address_bits)
{
	uint bits = host_random(4) ? 20 + host_random(address_bits - 19)
				   : 12 + host_random(address_bits - 11);
	u64 mask = ~(BIT(bits) - 1);
	u64 base = host_random(BIT(address_bits)) & mask;

	if (!host_random(6)) /* few holes, and none in the low bits */
		mask &= ~(BIT(22 + host_random(address_bits - 22)));
	mtrr_masked(state, base & mask, mask, random_type());
	if (!host_random(8))
		state->variable[state->variable_count - 1].mask &=
			~MTRR_MASK_VALID;
}

void mtrr_random(struct mtrr_state *state, uint address_bits)
{
	uint count = host_random(9), i;

	mtrr_start(state, address_bits, random_type());
	state->enabled = host_random(20);
	state->fixed_enabled = host_random(2);
	for (i = 0; i < MTRR_FIXED; i++)
		state->fixed[i] = i && host_random(3) ? state->fixed[i - 1]
						      : random_type();
	for (i = 0; i < count; i++)
		random_variable(state, address_bits);
}
