/*
 * Host tests of vmx/mtrr.c: when the guest's writes rebuild the map, on a
 * machine whose MTRRs are a variable. mtrr_read is replaced (test.mk), as it
 * reads MSRs; which states are equal is mtrr.c's own word.
 */
#include "host.h"
#include "lib/errno.h"
#include "paging/guarded.h"
#include "vmx/mtrr.h"
#include "vmm/test/mtrr_model.h"

#define MSR_PHYSBASE0 0x200
#define MSR_DEF_TYPE  0x2ff

static struct mtrr_state machine, map_types;
static struct vcpu vcpu;
static int wrmsr_error, retype_error;
static uint writes, retypes, flushes;
static u32 written_msr;
static u64 written_value;

void __wrap_mtrr_read(struct mtrr_state *state);

void __wrap_mtrr_read(struct mtrr_state *state)
{
	*state = machine;
}

int guarded_wrmsr(u32 msr, u64 value)
{
	if (wrmsr_error)
		return wrmsr_error;
	writes++;
	written_msr = msr;
	written_value = value;
	return 0;
}

int nested_root_retype(struct nested_root *which, const struct mtrr_state *mtrr)
{
	assert_ptr_equal(which, &vcpu.root);
	if (retype_error)
		return retype_error;
	retypes++;
	map_types = *mtrr;
	return 0;
}

static void flush_map(struct vcpu *which)
{
	assert_ptr_equal(which, &vcpu);
	flushes++;
	assert_int_equal(flushes, retypes); /* after it, never before */
}

static const struct vcpu_ops ops = {.flush_map = flush_map};
const struct vcpu_ops *vcpu_ops = &ops;

/* A machine with one uncached block, and a map that was built from it. */
static int start(void **state)
{
	memset(&machine, 0, sizeof(machine));
	mtrr_start(&machine, 40, CACHE_WB);
	mtrr_block(&machine, 3 * GIB, GIB, CACHE_UC);
	mtrr_guest_init(&machine);
	map_types = machine;
	wrmsr_error = retype_error = 0;
	writes = retypes = flushes = 0;
	host_printed[0] = '\0';
	return 0;
}

static int guest_writes(void)
{
	return mtrr_guest_write(&vcpu, MSR_PHYSBASE0, 0x1234);
}

static void expect_rebuilds(uint n)
{
	assert_int_equal(retypes, n);
	assert_int_equal(flushes, n);
}

static void a_write_reaches_the_register(void **state)
{
	assert_int_equal(mtrr_guest_write(&vcpu, MSR_DEF_TYPE, 0xc06), 0);
	assert_int_equal(writes, 1);
	assert_int_equal(written_msr, MSR_DEF_TYPE);
	assert_int_equal(written_value, 0xc06);
}

static void nothing_is_rebuilt_while_the_mtrrs_are_disabled(void **state)
{
	machine.enabled = false;
	assert_int_equal(guest_writes(), 0);
	machine.variable[0].base = 2 * GIB;
	assert_int_equal(guest_writes(), 0);
	machine.default_type = CACHE_UC;
	assert_int_equal(guest_writes(), 0);
	expect_rebuilds(0);
	assert_int_equal(writes, 3);
}

static void nothing_is_rebuilt_when_all_is_as_before(void **state)
{
	assert_int_equal(guest_writes(), 0);
	machine.enabled = false;
	assert_int_equal(guest_writes(), 0);
	machine.enabled = true;
	assert_int_equal(guest_writes(), 0);
	expect_rebuilds(0);
	assert_string_equal(host_printed, "");
}

static void the_map_is_rebuilt_once_when_enabled_and_different(void **state)
{
	machine.enabled = false;
	machine.variable[0].base = (2 * GIB) | CACHE_WT;
	assert_int_equal(guest_writes(), 0);
	expect_rebuilds(0);
	machine.enabled = true;
	assert_int_equal(guest_writes(), 0);
	expect_rebuilds(1);
	assert_true(mtrr_equal(&map_types, &machine));
	assert_non_null(strstr(host_printed, "nested page tables follow the "
					     "guest's MTRRs\n"));
	assert_int_equal(guest_writes(), 0);
	expect_rebuilds(1);
}

static void every_part_of_the_state_counts(void **state)
{
	machine.default_type = CACHE_WT;
	assert_int_equal(guest_writes(), 0);
	machine.fixed_enabled = true;
	assert_int_equal(guest_writes(), 0);
	machine.fixed[87] = CACHE_WP;
	assert_int_equal(guest_writes(), 0);
	machine.variable[0].mask &= ~MTRR_MASK_VALID;
	assert_int_equal(guest_writes(), 0);
	expect_rebuilds(4);
}

static void going_back_is_a_change_too(void **state)
{
	struct mtrr_state before = machine;

	machine.default_type = CACHE_UC;
	assert_int_equal(guest_writes(), 0);
	machine = before;
	assert_int_equal(guest_writes(), 0);
	expect_rebuilds(2);
	assert_true(mtrr_equal(&map_types, &before));
}

static void a_value_that_the_cpu_refuses_is_the_guests_fault(void **state)
{
	wrmsr_error = -EFAULT;
	machine.default_type = CACHE_UC;
	assert_int_equal(guest_writes(), -EPERM);
	expect_rebuilds(0);
	assert_int_equal(writes, 0);
}

static void without_memory_to_follow_there_is_no_going_on(void **state)
{
	retype_error = -ENOMEM;
	machine.default_type = CACHE_UC;
	assert_panics(guest_writes(), "no memory to follow the guest's MTRRs");
	expect_rebuilds(0);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_write_reaches_the_register),
		TEST(nothing_is_rebuilt_while_the_mtrrs_are_disabled),
		TEST(nothing_is_rebuilt_when_all_is_as_before),
		TEST(the_map_is_rebuilt_once_when_enabled_and_different),
		TEST(every_part_of_the_state_counts),
		TEST(going_back_is_a_change_too),
		TEST(a_value_that_the_cpu_refuses_is_the_guests_fault),
		TEST(without_memory_to_follow_there_is_no_going_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
