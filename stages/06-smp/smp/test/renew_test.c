/*
 * Who takes an entry from the nested tables goes on only when no CPU is in the
 * guest with it any more; and waits for no CPU that can't be there.
 */
#include "host.h"
#include "smp/call.h"
#include "smp/panic.h"
#include "smp/renew.h"
#include "vmm/vcpu.h"

#define CPUS 5

static struct smp_cpu cpus[CPUS];

struct smp_cpu *smp_cpus = cpus;
uint smp_count = CPUS;

static struct vcpu vcpu;
static char called[CPUS + 1]; /* a letter each */
static uint pauses, flushed, renewed, still_called;

static void flush(struct vcpu *v)
{
	assert_ptr_equal(v, &vcpu);
	flushed++;
	for (uint i = 0; i < CPUS; i++)
		still_called += !cpus[i].waits_in_guest && cpus[i].called;
}

static const struct vcpu_ops ops = {.flush_map = flush};
const struct vcpu_ops *vcpu_ops = &ops;

struct vcpu *vcpu_current(void)
{
	return &vcpu;
}

void nested_root_renew(struct nested_root *root)
{
	assert_ptr_equal(root, &vcpu.root);
	renewed++;
}

void smp_call(struct smp_cpu *cpu)
{
	called[cpu - cpus] = 'c';
	cpu->called = 1;
}

void smp_stop_if_panic(void)
{
}

/* The others take their calls one by one; the last that is called begins to
 * wait for a start-up IPI instead, and takes none. */
void cpu_pause(void)
{
	pauses++;
	if (pauses == 10)
		cpus[4].waits_in_guest = true;
	for (uint i = 1; i < 4; i++)
		if (pauses == 3 * i)
			cpus[i].called = 0;
}

static void it_waits_for_those_that_may_be_in_the_guest(void **state)
{
	memset(called, '-', CPUS);
	for (uint i = 0; i < CPUS; i++)
		cpus[i].state = CPU_READY;
	cpus[2].state = CPU_ABSENT;
	*this_cpu(cpu_number) = 0;
	smp_renew_maps();
	assert_string_equal(called, "-c-cc");
	assert_true(pauses >= 10);
	assert_int_equal(still_called, 0);
	assert_int_equal(flushed, 1);
	assert_int_equal(renewed, 1);
}

static void one_that_waits_for_a_start_up_is_not_called(void **state)
{
	memset(called, '-', CPUS);
	pauses = 0;
	smp_renew_maps();
	assert_string_equal(called, "-c-c-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_waits_for_those_that_may_be_in_the_guest),
		cmocka_unit_test(one_that_waits_for_a_start_up_is_not_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
