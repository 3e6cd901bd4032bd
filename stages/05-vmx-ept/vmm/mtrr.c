/*
 * What the MTRRs say about an address, as SDM 3A 12.11 defines it.
 *
 * The first MiB has fixed pieces, one byte of type each:
 *
 *	0          512 KiB         768 KiB                    1 MiB
 *	| 8 x 64 KiB  | 16 x 16 KiB   | 64 x 4 KiB              |
 *
 * Above it (and in it, while the fixed ones are off) up to a few tens of pairs
 * of a base and a mask apply; a page belongs to a pair when
 *
 *	page & mask == base & mask
 *
 * A mask of ones followed by zeros makes one block, aligned to its size. The
 * rule allows holes in the mask, too; then the pair applies to a set of blocks,
 * each as long as the lowest bit of the mask. Nothing below assumes one block.
 * Book: chapter 5, "Memory types".
 */
#include "vmm/mtrr.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"

#define FIXED_END   (1 * MIB)
#define FIXED_16K   (512 * KIB) /* where the pieces of 16 KiB begin */
#define FIXED_4K    (768 * KIB)
#define NO_BOUNDARY BIT(63) /* beyond any physical address */
#define TYPE_BITS   0x7
#define VALID_TYPES                                                      \
	(BIT(CACHE_UC) | BIT(CACHE_WC) | BIT(CACHE_WT) | BIT(CACHE_WP) | \
	 BIT(CACHE_WB))

#define MTRRCAP_VCNT          0xff
#define MTRRCAP_FIX           BIT(8)
#define DEF_TYPE_TYPE         0xff
#define DEF_TYPE_FIXED_ENABLE BIT(10)
#define DEF_TYPE_ENABLE       BIT(11)

#define CPUID_EXT_MAX      0x80000000
#define CPUID_ADDRESS_BITS 0x80000008

/* Index into fixed[] for @address below 1 MiB; *@end: where the piece ends. */
static uint fixed_piece(u64 address, u64 *end)
{
	if (address < FIXED_16K) {
		*end = ALIGN_DOWN(address, 64 * KIB) + 64 * KIB;
		return address / (64 * KIB);
	}
	if (address < FIXED_4K) {
		*end = ALIGN_DOWN(address, 16 * KIB) + 16 * KIB;
		return 8 + (address - FIXED_16K) / (16 * KIB);
	}
	*end = ALIGN_DOWN(address, 4 * KIB) + 4 * KIB;
	return 24 + (address - FIXED_4K) / (4 * KIB);
}

/*
 * The first address from @address on with (address & @mask) == @base, or
 * NO_BOUNDARY. Look at the highest bit that is wrong. If it must become 1, the
 * bits above it can stay. If it must become 0, a bit above it that the mask
 * leaves free has to become 1. Everything below is as small as can be.
 */
static u64 next_match(u64 address, u64 mask, u64 base)
{
	u64 wrong = (address ^ base) & mask, bit, free;

	if (!wrong)
		return address;
	bit = BIT(63 - __builtin_clzl(wrong));
	if (!(base & bit)) {
		free = ~mask & ~address & ~(bit | (bit - 1));
		if (!free)
			return NO_BOUNDARY;
		bit = free & -free;
	}
	return (address & ~(bit - 1)) | bit | (base & (bit - 1));
}

/*
 * Does variable pair @i apply to @page? *@end becomes the next address where
 * the answer is another, if that is lower.
 */
static bool variable_applies(const struct mtrr_state *state, uint i, u64 page,
			     u64 *end)
{
	u64 mask = state->variable[i].mask, base, change;
	bool applies;

	if (!(mask & MTRR_MASK_VALID))
		return false;
	/* Bits that no address has are 0 in every page and every base. */
	mask = (mask & ~PAGE_MASK) | ~state->address_mask;
	base = state->variable[i].base & mask & state->address_mask;
	applies = (page & mask) == base;
	if (!applies)
		change = next_match(page, mask, base);
	else if (mask)
		change = (page | ((mask & -mask) - 1)) + 1;
	else
		change = NO_BOUNDARY;
	*end = MIN(*end, change);
	return applies;
}

bool mtrr_variable_range(const struct mtrr_state *state, uint i, u64 *first,
			 u64 *last)
{
	u64 mask = state->variable[i].mask & state->address_mask & ~PAGE_MASK;

	if (!(state->variable[i].mask & MTRR_MASK_VALID))
		return false;
	*first = state->variable[i].base & mask;
	*last = mask ? *first + (mask & -mask) - 1 : state->address_mask;
	return true;
}

/*
 * Which type wins where all those in the bit set @types apply (SDM 3A
 * 12.11.4.1). What the manual leaves undefined becomes UC: slow but coherent.
 */
static enum mem_cache winner(u64 types)
{
	if (types & BIT(CACHE_UC))
		return CACHE_UC;
	if (types == (BIT(CACHE_WT) | BIT(CACHE_WB)))
		return CACHE_WT;
	if ((types & (types - 1)) || (types & ~VALID_TYPES))
		return CACHE_UC;
	return __builtin_ctzl(types);
}

enum mem_cache mtrr_type(const struct mtrr_state *state, u64 address,
			 u64 *uniform)
{
	u64 page = ALIGN_DOWN(address, PAGE_SIZE), end = NO_BOUNDARY;
	u64 types = 0;
	uint i;

	if (!state->enabled) {
		types = BIT(CACHE_UC);
	} else if (state->fixed_enabled && page < FIXED_END) {
		i = fixed_piece(page, &end);
		types = BIT(state->fixed[i] & TYPE_BITS);
	} else {
		for (i = 0; i < state->variable_count; i++)
			if (variable_applies(state, i, page, &end))
				types |= BIT(state->variable[i].base &
					     TYPE_BITS);
		if (!types)
			types = BIT(state->default_type & TYPE_BITS);
	}
	*uniform = end - page;
	return winner(types);
}

void mtrr_all_write_back(struct mtrr_state *state)
{
	memset(state, 0, sizeof(*state));
	state->enabled = true;
	state->default_type = CACHE_WB;
	state->address_mask = BIT(52) - 1;
}

static u64 address_mask(void)
{
	uint bits = 36; /* SDM 2A, CPUID: without the leaf */

	if (cpuid(CPUID_EXT_MAX, 0).eax >= CPUID_ADDRESS_BITS)
		bits = cpuid(CPUID_ADDRESS_BITS, 0).eax & 0xff;
	return BIT(bits) - 1;
}

/* Eight pieces to an MSR, the lowest address in the lowest byte. */
static void read_fixed(u8 *type, u32 msr, uint count)
{
	for (; count; count--, msr++, type += 8) {
		u64 value = rdmsr(msr);

		memcpy(type, &value, 8);
	}
}

void mtrr_read(struct mtrr_state *state)
{
	u64 capabilities, def_type;
	uint i;

	mtrr_all_write_back(state);
	state->address_mask = address_mask();
	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR))
		return;
	capabilities = rdmsr(MSR_MTRRCAP);
	def_type = rdmsr(MSR_MTRR_DEF_TYPE);
	state->enabled = def_type & DEF_TYPE_ENABLE;
	state->default_type = def_type & DEF_TYPE_TYPE;
	state->variable_count =
		MIN(capabilities & MTRRCAP_VCNT, MTRR_MAX_VARIABLE);
	for (i = 0; i < state->variable_count; i++) {
		state->variable[i].base = rdmsr(MSR_MTRR_PHYSBASE0 + 2 * i);
		state->variable[i].mask = rdmsr(MSR_MTRR_PHYSBASE0 + 2 * i + 1);
	}
	state->has_fixed = capabilities & MTRRCAP_FIX;
	if (!state->has_fixed)
		return;
	state->fixed_enabled = def_type & DEF_TYPE_FIXED_ENABLE;
	read_fixed(&state->fixed[0], MSR_MTRR_FIX64K, 1);
	read_fixed(&state->fixed[8], MSR_MTRR_FIX16K, 2);
	read_fixed(&state->fixed[24], MSR_MTRR_FIX4K, 8);
}

/* Index into fixed[] of the first piece of fixed register @msr, or -1. */
static int fixed_index(u32 msr)
{
	if (msr == MSR_MTRR_FIX64K)
		return 0;
	if (msr - MSR_MTRR_FIX16K < 2)
		return 8 + 8 * (msr - MSR_MTRR_FIX16K);
	if (msr - MSR_MTRR_FIX4K < 8)
		return 24 + 8 * (msr - MSR_MTRR_FIX4K);
	return -1;
}

static u64 def_type(const struct mtrr_state *state)
{
	return state->default_type |
	       (state->fixed_enabled ? DEF_TYPE_FIXED_ENABLE : 0) |
	       (state->enabled ? DEF_TYPE_ENABLE : 0);
}

static bool is_type(u64 type)
{
	return type <= CACHE_WB && (VALID_TYPES & BIT(type));
}

int mtrr_get(const struct mtrr_state *state, u32 msr, u64 *value)
{
	u32 i = msr - MSR_MTRR_PHYSBASE0;
	int fixed = fixed_index(msr);

	if (msr == MSR_MTRR_DEF_TYPE)
		*value = def_type(state);
	else if (i < 2 * state->variable_count)
		*value = i % 2 ? state->variable[i / 2].mask
			       : state->variable[i / 2].base;
	else if (fixed >= 0 && state->has_fixed)
		memcpy(value, &state->fixed[fixed], sizeof(*value));
	else
		return -EPERM;
	return 0;
}

static int set_def_type(struct mtrr_state *state, u64 value)
{
	u64 switches = DEF_TYPE_ENABLE |
		       (state->has_fixed ? DEF_TYPE_FIXED_ENABLE : 0);

	if (!is_type(value & ~switches))
		return -EPERM;
	state->default_type = value & DEF_TYPE_TYPE;
	state->fixed_enabled = value & DEF_TYPE_FIXED_ENABLE;
	state->enabled = value & DEF_TYPE_ENABLE;
	return 0;
}

/* A pair's two registers have other bits below the address. */
static int set_variable(struct mtrr_state *state, u32 i, u64 value)
{
	u64 low = value & ~(state->address_mask & ~PAGE_MASK);

	if (i % 2 ? low & ~MTRR_MASK_VALID : !is_type(low))
		return -EPERM;
	if (i % 2)
		state->variable[i / 2].mask = value;
	else
		state->variable[i / 2].base = value;
	return 0;
}

/* Bits above a type may stay, where firmware has left some (AMD's RdMem and
 * WrMem, APM 2 7.9.1), but none can be added. */
static int set_fixed(u8 *type, u64 value)
{
	const u8 *byte = (const u8 *)&value;

	for (uint i = 0; i < 8; i++)
		if (!is_type(byte[i] & TYPE_BITS) ||
		    (byte[i] & ~TYPE_BITS & ~type[i]))
			return -EPERM;
	memcpy(type, &value, 8);
	return 0;
}

int mtrr_set(struct mtrr_state *state, u32 msr, u64 value)
{
	u32 i = msr - MSR_MTRR_PHYSBASE0;
	int fixed = fixed_index(msr);

	if (msr == MSR_MTRR_DEF_TYPE)
		return set_def_type(state, value);
	if (i < 2 * state->variable_count)
		return set_variable(state, i, value);
	if (fixed >= 0 && state->has_fixed)
		return set_fixed(&state->fixed[fixed], value);
	return -EPERM;
}

/* All registers but the switch. */
static void write_all(const struct mtrr_state *state)
{
	u64 value;

	for (u32 msr = MSR_MTRR_PHYSBASE0; msr < MSR_MTRR_DEF_TYPE; msr++)
		if (!mtrr_get(state, msr, &value))
			wrmsr(msr, value);
}

void mtrr_write(const struct mtrr_state *state)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4();

	write_cr0((cr0 | CR0_CD) & ~CR0_NW);
	wbinvd();
	write_cr4(cr4 & ~CR4_PGE); /* flushes the TLB, with what is global */
	write_cr3(read_cr3());
	wrmsr(MSR_MTRR_DEF_TYPE, 0);
	write_all(state);
	wrmsr(MSR_MTRR_DEF_TYPE, def_type(state));
	wbinvd();
	write_cr3(read_cr3());
	write_cr0(cr0 & ~(CR0_CD | CR0_NW));
	write_cr4(cr4);
}

/*
 * In a leaf, WB means "as the machine's MTRRs say". So it stands where those
 * say the same as the guest's, and where the guest wants WB, which can't be had
 * from any leaf: memory stays uncached, or written through. But what the
 * machine combines to bursts (WC) loses the order of stores, which a guest
 * relies on in WB memory: UC instead. All other types are the guest's for the
 * asking.
 */
enum mem_cache mtrr_leaf_type(enum mem_cache machine, enum mem_cache guest)
{
	if (guest == machine)
		return CACHE_WB;
	if (guest == CACHE_WB && machine == CACHE_WC)
		return CACHE_UC;
	return guest;
}

bool mtrr_equal(const struct mtrr_state *a, const struct mtrr_state *b)
{
	return a->has_fixed == b->has_fixed && a->enabled == b->enabled &&
	       a->fixed_enabled == b->fixed_enabled &&
	       a->default_type == b->default_type &&
	       a->variable_count == b->variable_count &&
	       a->address_mask == b->address_mask &&
	       !memcmp(a->fixed, b->fixed, sizeof(a->fixed)) &&
	       !memcmp(a->variable, b->variable,
		       a->variable_count * sizeof(a->variable[0]));
}
