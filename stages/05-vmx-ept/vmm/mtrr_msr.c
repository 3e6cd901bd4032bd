/*
 * Reading the MTRRs out of this CPU. Apart from mtrr.c, which knows what they
 * mean, because this half can run only on the machine.
 * Book: chapter 5, "Memory types".
 */
#include "vmm/mtrr.h"

#include "lib/cpu.h"
#include "lib/string.h"

#define MTRRCAP_VCNT          0xff
#define MTRRCAP_FIX           BIT(8)
#define DEF_TYPE_TYPE         0xff
#define DEF_TYPE_FIXED_ENABLE BIT(10)
#define DEF_TYPE_ENABLE       BIT(11)

#define CPUID_EXT_MAX      0x80000000
#define CPUID_ADDRESS_BITS 0x80000008

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
	if (!(capabilities & MTRRCAP_FIX))
		return;
	state->fixed_enabled = def_type & DEF_TYPE_FIXED_ENABLE;
	read_fixed(&state->fixed[0], MSR_MTRR_FIX64K, 1);
	read_fixed(&state->fixed[8], MSR_MTRR_FIX16K, 2);
	read_fixed(&state->fixed[24], MSR_MTRR_FIX4K, 8);
}
