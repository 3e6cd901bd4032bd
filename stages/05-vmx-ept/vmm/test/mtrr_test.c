/*
 * Host tests of mtrr.c: which type wins, where it ends, and what is read.
 */
#include "host.h"
#include "lib/cpu.h"
#include "vmm/test/mtrr_model.h"

/* The type at @address, when the caller does not care how far it reaches. */
static enum mem_cache type_at(const struct mtrr_state *state, u64 address)
{
	u64 uniform;

	return mtrr_type(state, address, &uniform);
}

static u64 uniform_at(const struct mtrr_state *state, u64 address)
{
	u64 uniform;

	mtrr_type(state, address, &uniform);
	return uniform;
}

static void all_memory_is_uncached_while_the_mtrrs_are_disabled(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, CACHE_WB);
	mtrr_usual_fixed(&state);
	mtrr_block(&state, 0, GIB, CACHE_WB);
	state.enabled = false;
	assert_int_equal(type_at(&state, 0), CACHE_UC);
	assert_int_equal(type_at(&state, 64 * GIB), CACHE_UC);
	assert_true(uniform_at(&state, 0) >= BIT(52));
}

static void without_mtrrs_all_memory_is_write_back(void **arg)
{
	struct mtrr_state state;

	mtrr_all_write_back(&state);
	assert_int_equal(type_at(&state, 0xa0000), CACHE_WB);
	assert_true(uniform_at(&state, 0) >= BIT(52));
}

static void fixed_ranges_count_in_the_first_mib_when_enabled(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, CACHE_WT);
	mtrr_usual_fixed(&state);
	mtrr_block(&state, 0, 2 * MIB, CACHE_UC);
	assert_int_equal(type_at(&state, 0x9ffff), CACHE_WB);
	assert_int_equal(type_at(&state, 0xa0000), CACHE_UC);
	assert_int_equal(type_at(&state, 0xc0000), CACHE_WP);
	assert_int_equal(type_at(&state, 0xfffff), CACHE_WP);
	assert_int_equal(type_at(&state, 0x100000), CACHE_UC);
	assert_int_equal(type_at(&state, 0x200000), CACHE_WT);
	state.fixed_enabled = false;
	assert_int_equal(type_at(&state, 0), CACHE_UC);
	assert_int_equal(uniform_at(&state, 0), 2 * MIB);
}

static void each_fixed_piece_has_its_own_type_and_size(void **arg)
{
	struct mtrr_state state;
	u64 address = 0;

	mtrr_start(&state, 40, CACHE_WT);
	state.fixed_enabled = true;
	for (uint i = 0; i < MTRR_FIXED; i++) {
		u64 size = (i < 8 ? 64 : i < 24 ? 16 : 4) * KIB;

		memset(state.fixed, CACHE_UC, sizeof(state.fixed));
		state.fixed[i] = CACHE_WC;
		assert_int_equal(type_at(&state, address), CACHE_WC);
		assert_int_equal(type_at(&state, address + size - 1), CACHE_WC);
		assert_int_equal(uniform_at(&state, address), size);
		assert_int_not_equal(type_at(&state, address + size), CACHE_WC);
		address += size;
	}
	assert_int_equal(address, MIB);
}

/* SDM 3A 12.11.4.1, rule by rule. */
static void where_ranges_overlap_the_manual_says_who_wins(void **arg)
{
	static const struct {
		u8 a, b, winner;
	} rules[] = {
		{CACHE_WB, CACHE_WB, CACHE_WB}, {CACHE_WP, CACHE_WP, CACHE_WP},
		{CACHE_UC, CACHE_WB, CACHE_UC}, {CACHE_UC, CACHE_WC, CACHE_UC},
		{CACHE_UC, CACHE_WP, CACHE_UC}, {CACHE_WT, CACHE_WB, CACHE_WT},
		{CACHE_WC, CACHE_WB, CACHE_UC}, {CACHE_WP, CACHE_WT, CACHE_UC},
		{CACHE_WP, CACHE_WB, CACHE_UC}, {CACHE_WC, CACHE_WT, CACHE_UC},
	};
	struct mtrr_state state;

	for (uint i = 0; i < ARRAY_SIZE(rules); i++) {
		for (uint order = 0; order < 2; order++) {
			u8 a = order ? rules[i].b : rules[i].a;
			u8 b = order ? rules[i].a : rules[i].b;

			mtrr_start(&state, 40, CACHE_WB);
			mtrr_block(&state, 0, 4 * GIB, a);
			mtrr_block(&state, GIB, GIB, b);
			assert_int_equal(type_at(&state, GIB), rules[i].winner);
			assert_int_equal(uniform_at(&state, 0), GIB);
			assert_int_equal(uniform_at(&state, GIB), GIB);
			assert_int_equal(type_at(&state, 2 * GIB), a);
		}
	}
}

static void the_default_type_does_not_compete_with_a_range(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, CACHE_UC);
	mtrr_block(&state, 0, GIB, CACHE_WB);
	assert_int_equal(type_at(&state, GIB - 1), CACHE_WB);
	assert_int_equal(type_at(&state, GIB), CACHE_UC);
}

static void a_reserved_type_is_taken_for_uncached(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, 3);
	assert_int_equal(type_at(&state, 0), CACHE_UC);
	mtrr_block(&state, 0, GIB, 7);
	assert_int_equal(type_at(&state, 0), CACHE_UC);
}

static void a_pair_that_is_not_valid_says_nothing(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, CACHE_WB);
	mtrr_block(&state, GIB, GIB, CACHE_UC);
	state.variable[0].mask &= ~MTRR_MASK_VALID;
	assert_int_equal(type_at(&state, GIB), CACHE_WB);
	assert_true(uniform_at(&state, 0) > 2 * GIB);
}

static void a_mask_of_zero_takes_all_memory(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, CACHE_UC);
	mtrr_masked(&state, 0, 0, CACHE_WB);
	assert_int_equal(type_at(&state, 0), CACHE_WB);
	assert_int_equal(type_at(&state, BIT(40) - 1), CACHE_WB);
	assert_true(uniform_at(&state, 0) >= BIT(40));
}

static void a_mask_with_a_hole_takes_every_second_block(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 36, CACHE_WB);
	mtrr_masked(&state, 0, ~(2 * MIB | (MIB - 1)), CACHE_UC);
	assert_int_equal(type_at(&state, 0), CACHE_UC);
	assert_int_equal(uniform_at(&state, 0), MIB);
	assert_int_equal(type_at(&state, MIB), CACHE_WB);
	assert_int_equal(uniform_at(&state, MIB), MIB);
	assert_int_equal(type_at(&state, 2 * MIB), CACHE_UC);
	assert_int_equal(type_at(&state, 3 * MIB), CACHE_WB);
	assert_true(uniform_at(&state, 3 * MIB) > GIB);
}

/*
 * In a small address space, each page: the type is the model's, and as far as
 * it is said to be uniform it is. Where it ends, some register begins or ends,
 * so that two pages of one type on either side are the exception.
 */
static void random_states_agree_with_the_model_in_each_page(void **arg)
{
	u64 count = host_operations(300);
	struct mtrr_state state;

	host_seed();
	while (count--) {
		const u64 end = BIT(25);

		mtrr_random(&state, 25);
		for (u64 page = 0, until = 0; page < end; page += PAGE_SIZE) {
			enum mem_cache expect = model_type(&state, page);
			u64 uniform;

			assert_int_equal(mtrr_type(&state, page, &uniform),
					 expect);
			assert_true(uniform >= PAGE_SIZE);
			assert_int_equal(uniform & PAGE_MASK, 0);
			if (page < until)
				assert_int_equal(page + uniform, until);
			until = page + uniform;
			if (until < end && page + PAGE_SIZE < until)
				assert_int_equal(
					model_type(&state, page + PAGE_SIZE),
					expect);
		}
	}
}

static void a_page_inside_means_the_same_as_its_start(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, CACHE_WB);
	mtrr_block(&state, 0, 64 * KIB, CACHE_UC);
	assert_int_equal(uniform_at(&state, 0xfff), 64 * KIB);
	assert_int_equal(uniform_at(&state, 0xffff), 4 * KIB);
	assert_int_equal(type_at(&state, 0xffff), CACHE_UC);
}

static void equality_sees_each_register(void **arg)
{
	struct mtrr_state a, b;

	mtrr_start(&a, 40, CACHE_WB);
	mtrr_usual_fixed(&a);
	mtrr_block(&a, GIB, GIB, CACHE_UC);
	b = a;
	b.variable[1].base = 1; /* there is no such register */
	assert_true(mtrr_equal(&a, &b));
	b.variable[0].mask ^= BIT(30);
	assert_false(mtrr_equal(&a, &b));
	b = a;
	b.fixed[87] = CACHE_UC;
	assert_false(mtrr_equal(&a, &b));
	b = a;
	b.default_type = CACHE_UC;
	assert_false(mtrr_equal(&a, &b));
	b = a;
	b.enabled = false;
	assert_false(mtrr_equal(&a, &b));
}

static void a_pair_tells_its_first_block(void **arg)
{
	struct mtrr_state state;
	u64 first = 1, last = 1;

	mtrr_start(&state, 36, CACHE_WB);
	mtrr_block(&state, 3 * GIB, GIB, CACHE_UC);
	assert_true(mtrr_variable_range(&state, 0, &first, &last));
	assert_int_equal(first, 3 * GIB);
	assert_int_equal(last, 4 * GIB - 1);
	/* A hole in the mask: blocks of 1 GiB, here the first. */
	state.variable[0].mask &= ~(8 * GIB);
	assert_true(mtrr_variable_range(&state, 0, &first, &last));
	assert_int_equal(last - first, GIB - 1);
	state.variable[0].mask = MTRR_MASK_VALID;
	assert_true(mtrr_variable_range(&state, 0, &first, &last));
	assert_int_equal(first, 0);
	assert_int_equal(last, BIT(36) - 1);
	state.variable[0].mask = 0;
	assert_false(mtrr_variable_range(&state, 0, &first, &last));
}

/* The MSRs of a CPU whose MTRRs are those of @state. */
static void set_msrs(const struct mtrr_state *state)
{
	const u32 first[] = {MSR_MTRR_FIX64K, MSR_MTRR_FIX16K,
			     MSR_MTRR_FIX16K + 1};
	uint bits = 64 - __builtin_clzl(state->address_mask);

	host_cpu_reset();
	host_set_cpuid(1, 0, (struct cpuid_regs){.edx = CPUID_1_EDX_MTRR});
	host_set_cpuid(0x80000000, 0, (struct cpuid_regs){.eax = 0x80000008});
	host_set_cpuid(0x80000008, 0, (struct cpuid_regs){.eax = bits});
	host_set_msr(MSR_MTRRCAP, state->variable_count | BIT(8) | BIT(10));
	host_set_msr(MSR_MTRR_DEF_TYPE,
		     state->default_type | (u64)state->fixed_enabled << 10 |
			     (u64)state->enabled << 11);
	for (uint i = 0; i < MTRR_FIXED / 8; i++) {
		u64 value;

		memcpy(&value, &state->fixed[i * 8], 8);
		host_set_msr(i < ARRAY_SIZE(first) ? first[i]
						   : MSR_MTRR_FIX4K + i - 3,
			     value);
	}
	for (uint i = 0; i < state->variable_count; i++) {
		host_set_msr(MSR_MTRR_PHYSBASE0 + 2 * i,
			     state->variable[i].base);
		host_set_msr(MSR_MTRR_PHYSBASE0 + 2 * i + 1,
			     state->variable[i].mask);
	}
}

static void what_the_registers_say_is_read(void **arg)
{
	struct mtrr_state state, read;

	host_seed();
	for (uint i = 0; i < 1000; i++) {
		mtrr_random(&state, 36 + host_random(17));
		set_msrs(&state);
		mtrr_read(&read);
		assert_true(mtrr_equal(&read, &state));
	}
}

/* Whatever state there is can be written as it was read, register by register;
 * and what the CPU gets then is that state. */
static void a_state_survives_its_own_registers(void **arg)
{
	struct mtrr_state from, to, read;
	u64 value;

	host_seed();
	for (uint i = 0; i < 1000; i++) {
		uint bits = 36 + host_random(17), count = 0;

		mtrr_random(&from, bits);
		mtrr_start(&to, bits, CACHE_UC);
		to.variable_count = from.variable_count;
		set_msrs(&to);
		for (u32 msr = 0; msr < 0x1000; msr++) {
			if (mtrr_get(&from, msr, &value)) {
				assert_int_equal(mtrr_set(&to, msr, 0), -EPERM);
				continue;
			}
			count++;
			assert_int_equal(mtrr_set(&to, msr, value), 0);
		}
		assert_int_equal(count, 2 * from.variable_count + 11 + 1);
		assert_true(mtrr_equal(&from, &to));
		mtrr_write(&from);
		mtrr_read(&read);
		assert_true(mtrr_equal(&from, &read));
	}
}

static void what_hardware_refuses_is_refused(void **arg)
{
	struct mtrr_state state, before;

	mtrr_start(&state, 40, CACHE_WB);
	mtrr_block(&state, GIB, GIB, CACHE_UC);
	before = state;
#define REFUSED(msr, value) \
	assert_int_equal(mtrr_set(&state, msr, value), -EPERM)
	REFUSED(MSR_MTRR_DEF_TYPE, 0xc02); /* no such type */
	REFUSED(MSR_MTRR_DEF_TYPE, 0xd06); /* a reserved bit */
	REFUSED(MSR_MTRR_DEF_TYPE, BIT(32) | 0xc06);
	REFUSED(MSR_MTRR_PHYSBASE0, GIB | 7);
	REFUSED(MSR_MTRR_PHYSBASE0, GIB | BIT(8) | CACHE_WB);
	REFUSED(MSR_MTRR_PHYSBASE0, BIT(40) | CACHE_WB);
	REFUSED(MSR_MTRR_PHYSBASE0 + 1, BIT(40) | MTRR_MASK_VALID);
	REFUSED(MSR_MTRR_PHYSBASE0 + 1, BIT(10) | MTRR_MASK_VALID);
	REFUSED(MSR_MTRR_PHYSBASE0 + 2, 0); /* no such pair */
	REFUSED(MSR_MTRR_FIX4K, 0x0606060606060206);
	REFUSED(MSR_MTRR_FIX4K, 0x0606060606061e06);
	state.has_fixed = before.has_fixed = false;
	REFUSED(MSR_MTRR_FIX4K, 0);
	REFUSED(MSR_MTRR_DEF_TYPE, 0xc06); /* FE */
	assert_true(mtrr_equal(&state, &before));
	assert_int_equal(mtrr_set(&state, MSR_MTRR_DEF_TYPE, 0x806), 0);
}

/* AMD's firmware may have left RdMem and WrMem above a type. */
static void bits_above_a_fixed_type_may_stay_but_not_come(void **arg)
{
	struct mtrr_state state;

	mtrr_start(&state, 40, CACHE_WB);
	state.fixed[0] = 0x1e;
	assert_int_equal(mtrr_set(&state, MSR_MTRR_FIX64K, 0x1e), 0);
	assert_int_equal(mtrr_set(&state, MSR_MTRR_FIX64K, 0x1e1e), -EPERM);
	assert_int_equal(mtrr_set(&state, MSR_MTRR_FIX64K, 0x06), 0);
	assert_int_equal(mtrr_set(&state, MSR_MTRR_FIX64K, 0x1e), -EPERM);
}

static void a_cpu_that_has_no_mtrrs_is_not_asked_for_them(void **arg)
{
	struct mtrr_state read, all_wb;

	host_cpu_reset();
	mtrr_all_write_back(&all_wb);
	all_wb.address_mask = BIT(36) - 1;
	mtrr_read(&read);
	assert_true(mtrr_equal(&read, &all_wb));
}

static void fixed_ranges_that_do_not_exist_are_not_read(void **arg)
{
	struct mtrr_state read;

	host_cpu_reset();
	host_set_cpuid(1, 0, (struct cpuid_regs){.edx = CPUID_1_EDX_MTRR});
	host_set_msr(MSR_MTRRCAP, 0);
	host_set_msr(MSR_MTRR_DEF_TYPE, 0xc06);
	mtrr_read(&read);
	assert_true(read.enabled);
	assert_false(read.fixed_enabled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			all_memory_is_uncached_while_the_mtrrs_are_disabled),
		cmocka_unit_test(without_mtrrs_all_memory_is_write_back),
		cmocka_unit_test(
			fixed_ranges_count_in_the_first_mib_when_enabled),
		cmocka_unit_test(each_fixed_piece_has_its_own_type_and_size),
		cmocka_unit_test(where_ranges_overlap_the_manual_says_who_wins),
		cmocka_unit_test(
			the_default_type_does_not_compete_with_a_range),
		cmocka_unit_test(a_reserved_type_is_taken_for_uncached),
		cmocka_unit_test(a_pair_that_is_not_valid_says_nothing),
		cmocka_unit_test(a_mask_of_zero_takes_all_memory),
		cmocka_unit_test(a_mask_with_a_hole_takes_every_second_block),
		cmocka_unit_test(
			random_states_agree_with_the_model_in_each_page),
		cmocka_unit_test(a_page_inside_means_the_same_as_its_start),
		cmocka_unit_test(equality_sees_each_register),
		cmocka_unit_test(a_pair_tells_its_first_block),
		cmocka_unit_test(what_the_registers_say_is_read),
		cmocka_unit_test(a_state_survives_its_own_registers),
		cmocka_unit_test(what_hardware_refuses_is_refused),
		cmocka_unit_test(bits_above_a_fixed_type_may_stay_but_not_come),
		cmocka_unit_test(a_cpu_that_has_no_mtrrs_is_not_asked_for_them),
		cmocka_unit_test(fixed_ranges_that_do_not_exist_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
