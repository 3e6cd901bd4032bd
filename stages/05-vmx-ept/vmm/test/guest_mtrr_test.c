/*
 * Host tests of vmm/guest_mtrr.c: what the guest writes reaches its copy and
 * the nested tables, and no register.
 */
#include "host.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "vmm/guest_mtrr.h"
#include "vmm/test/mtrr_model.h"

static struct mtrr_state set;
static struct nested_map map;
static struct vcpu vcpu = {.root = {.map = &map}};
static int retype_error;
static uint retypes, flushes, register_writes;
static bool reads_exit[0x300], writes_exit[0x300];

int nested_root_retype(struct nested_root *which, const struct mtrr_state *mtrr)
{
	assert_ptr_equal(which, &vcpu.root);
	if (retype_error)
		return retype_error;
	retypes++;
	map.mtrr = *mtrr;
	return 0;
}

static void flush_map(struct vcpu *which)
{
	assert_ptr_equal(which, &vcpu);
	flushes++;
	assert_int_equal(flushes, retypes); /* after it, never before */
}

static void intercept_msr(struct vcpu *which, u32 msr, bool read, bool write)
{
	u64 value;

	assert_ptr_equal(which, &vcpu);
	assert_int_equal(mtrr_get(&set, msr, &value), 0);
	reads_exit[msr] = read;
	writes_exit[msr] = write;
}

static const struct vcpu_ops ops = {.flush_map = flush_map,
				    .intercept_msr = intercept_msr};
const struct vcpu_ops *vcpu_ops = &ops;

/* This CPU's registers. */
static struct mtrr_state cpu;

void __wrap_mtrr_read(struct mtrr_state *state);
void __wrap_mtrr_write(const struct mtrr_state *state);

void __wrap_mtrr_read(struct mtrr_state *state)
{
	*state = cpu;
}

void __wrap_mtrr_write(const struct mtrr_state *state)
{
	register_writes++;
	cpu = *state;
}

/* A machine with one uncached block, and a map that was built from it. */
static int start(void **state)
{
	*this_cpu(cpu_number) = 0;
	mtrr_start(&cpu, 40, CACHE_WB);
	mtrr_block(&cpu, 3 * GIB, GIB, CACHE_UC);
	set = cpu;
	map = (struct nested_map){.mtrr = *guest_mtrr_init()};
	retype_error = 0;
	retypes = flushes = register_writes = 0;
	host_printed[0] = '\0';
	guest_mtrr_watch(&vcpu);
	return 0;
}

/* The registers are what they were, whatever the guest did. */
static int stop(void **state)
{
	assert_int_equal(register_writes, 0);
	assert_true(mtrr_equal(&machine_mtrrs, &set));
	return 0;
}

static void guest_writes(u32 msr, u64 value)
{
	assert_int_equal(guest_mtrr_write(&vcpu, msr, value), 0);
}

static u64 guest_reads(u32 msr)
{
	u64 value;

	assert_int_equal(guest_mtrr_read(&vcpu, msr, &value), 0);
	return value;
}

static void expect_rebuilds(uint n)
{
	assert_int_equal(retypes, n);
	assert_int_equal(flushes, n);
}

static uint count(const bool *exits)
{
	uint n = 0;

	for (uint i = 0; i < ARRAY_SIZE(reads_exit); i++)
		n += exits[i];
	return n;
}

static void reads_exit_only_where_the_copy_differs(void **state)
{
	assert_int_equal(count(writes_exit), 2 + 11 + 1);
	assert_int_equal(count(reads_exit), 0);
	guest_writes(MSR_MTRR_DEF_TYPE, CACHE_WB);
	assert_true(reads_exit[MSR_MTRR_DEF_TYPE]);
	guest_writes(MSR_MTRR_PHYSBASE0, 2 * GIB);
	assert_true(reads_exit[MSR_MTRR_PHYSBASE0]);
	assert_int_equal(count(reads_exit), 2);
	assert_int_equal(guest_reads(MSR_MTRR_PHYSBASE0), 2 * GIB);
	guest_writes(MSR_MTRR_PHYSBASE0, 3 * GIB);
	guest_writes(MSR_MTRR_DEF_TYPE, 0x800 | CACHE_WB);
	assert_int_equal(count(reads_exit), 0);
	assert_int_equal(count(writes_exit), 2 + 11 + 1);
}

static void nothing_is_rebuilt_while_the_mtrrs_are_disabled(void **state)
{
	guest_writes(MSR_MTRR_DEF_TYPE, CACHE_WB);
	guest_writes(MSR_MTRR_PHYSBASE0, 2 * GIB);
	guest_writes(MSR_MTRR_FIX64K, 0);
	expect_rebuilds(0);
}

static void the_dance_rebuilds_once_and_only_if_something_changed(void **state)
{
	guest_writes(MSR_MTRR_DEF_TYPE, CACHE_WB);
	guest_writes(MSR_MTRR_DEF_TYPE, 0x800 | CACHE_WB);
	expect_rebuilds(0);
	assert_string_equal(host_printed, "");
	guest_writes(MSR_MTRR_DEF_TYPE, CACHE_WB);
	guest_writes(MSR_MTRR_PHYSBASE0, 2 * GIB | CACHE_WT);
	guest_writes(MSR_MTRR_DEF_TYPE, 0xc00 | CACHE_WB);
	expect_rebuilds(1);
	assert_int_equal(mtrr_type(&map.mtrr, 2 * GIB, &(u64){0}), CACHE_WT);
	assert_non_null(strstr(host_printed, "nested page tables follow the "
					     "guest's MTRRs\n"));
	guest_writes(MSR_MTRR_DEF_TYPE, 0xc00 | CACHE_WB);
	expect_rebuilds(1);
}

static void going_back_is_a_change_too(void **state)
{
	guest_writes(MSR_MTRR_PHYSBASE0, 2 * GIB);
	guest_writes(MSR_MTRR_PHYSBASE0, 3 * GIB);
	expect_rebuilds(2);
	assert_true(mtrr_equal(&map.mtrr, &set));
}

static void a_value_that_no_cpu_takes_is_the_guests_fault(void **state)
{
	assert_int_equal(guest_mtrr_write(&vcpu, MSR_MTRR_DEF_TYPE, 0xc03),
			 -EPERM);
	assert_int_equal(guest_mtrr_write(&vcpu, MSR_MTRR_PHYSBASE0 + 2, 0),
			 -EPERM);
	assert_int_equal(guest_reads(MSR_MTRR_DEF_TYPE), 0x800 | CACHE_WB);
	expect_rebuilds(0);
}

static void without_memory_the_types_stay_and_the_guest_goes_on(void **state)
{
	retype_error = -ENOMEM;
	guest_writes(MSR_MTRR_DEF_TYPE, 0x800 | CACHE_WT);
	assert_int_equal(guest_reads(MSR_MTRR_DEF_TYPE), 0x800 | CACHE_WT);
	assert_true(mtrr_equal(&map.mtrr, &set));
	assert_int_equal(flushes, 0);
}

/* A firmware that forgot one, or a CPU that came later. */
static void a_cpu_with_other_mtrrs_gets_those_of_cpu_0(void **state)
{
	*this_cpu(cpu_number) = 3;
	cpu.enabled = false;
	cpu.variable[0].base = 0;
	assert_true(mtrr_equal(guest_mtrr_init(), &set));
	assert_true(mtrr_equal(&cpu, &set));
	assert_int_equal(register_writes, 1);
	register_writes = 0;
	assert_string_equal(host_printed, "");
	cpu.variable_count = 0; /* of another kind: it would fault */
	assert_true(mtrr_equal(guest_mtrr_init(), &set));
	assert_non_null(strstr(host_printed, "CPU 3 has other MTRRs"));
}

static void changes_without_end_are_logged_with_an_end(void **s)
{
	uint lines = 0;

	for (uint i = 0; i < 100; i++)
		guest_writes(MSR_MTRR_PHYSBASE0, (2 + i % 2) * GIB);
	for (const char *at = host_printed; (at = strchr(at, '\n')); at++)
		lines++;
	assert_true(lines <= 8);
	assert_non_null(strstr(host_printed, "; no more of these\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_exit_only_where_the_copy_differs),
		TEST(nothing_is_rebuilt_while_the_mtrrs_are_disabled),
		TEST(the_dance_rebuilds_once_and_only_if_something_changed),
		TEST(going_back_is_a_change_too),
		TEST(a_value_that_no_cpu_takes_is_the_guests_fault),
		TEST(without_memory_the_types_stay_and_the_guest_goes_on),
		TEST(a_cpu_with_other_mtrrs_gets_those_of_cpu_0),
		TEST(changes_without_end_are_logged_with_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
