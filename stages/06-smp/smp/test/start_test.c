/*
 * Starting the other CPUs, of which one does not come: who is told, and whether
 * Vellum can go on.
 */
#include "lib/percpu.h"

PERCPU(u64, self_offset);

#include "smp/start.c" /* for its lock */

#include "host.h"

static struct smp_cpu cpus[3];

struct smp_cpu *smp_cpus = cpus;
uint smp_count = 3;
const struct vcpu_ops *vcpu_ops = &(const struct vcpu_ops){0};
void (*machine_reset_prepare)(void);

static bool traps;
static uint dead; /* the number of a CPU that does not come; 0: all do */
static struct smp_cpu *expected;

bool smp_traps_icr(void)
{
	return traps;
}

bool lapic_is_x2apic(void)
{
	return false;
}

void lapic_send(u32 apic_id, u32 icr)
{
	if ((icr & ICR_MODE) == ICR_MODE_SIPI && apic_id != dead && expected)
		expected->state = CPU_READY;
}

u8 trampoline_vector(void)
{
	return 8;
}

void trampoline_expect(struct smp_cpu *cpu, void *stack_top,
		       void (*entry)(struct smp_cpu *cpu))
{
	expected = cpu;
}

bool trampoline_expect_nobody(void)
{
	expected = NULL;
	return true;
}

/* All have their memory. */
char percpu_start[1], percpu_end[1];

int alloc_pages(void **virt, phys_t *phys, int n)
{
	return -ENOMEM;
}

int paging_make_guard(void *page)
{
	return -ENOMEM;
}

void delay(uint us)
{
}

uint num_of_available_pages(void)
{
	return 0;
}

void smp_note_features(void)
{
}

void smp_first_is_ready(void)
{
	cpus[0].state = CPU_READY;
}

void smp_prepare_reset(void)
{
}

static void each(void)
{
}

static int make_cpus(void **state)
{
	for (uint i = 0; i < smp_count; i++)
		cpus[i] = (struct smp_cpu){.apic_id = i, .stack_top = cpus};
	dead = 0;
	traps = false;
	host_printed[0] = '\0';
	return 0;
}

static void all_that_come_are_ready(void **state)
{
	smp_start(each);
	assert_int_equal(cpus[1].state, CPU_READY);
	assert_int_equal(cpus[2].state, CPU_READY);
}

static void at_the_first_start_one_that_does_not_come_is_a_panic(void **state)
{
	dead = 1;
	assert_panics(smp_start(each), "switch them off");
	assert_non_null(strstr(host_printed, "2 of 3 CPUs are under Vellum"));
}

/* It decides itself: after a sleep that is a reset (sleep/wake.c). */
static void later_the_caller_is_told(void **state)
{
	dead = 2;
	smp_prepare(each);
	assert_false(smp_start_cpus());
	assert_int_equal(cpus[1].state, CPU_READY);
	assert_int_equal(cpus[2].state, CPU_ABSENT);
	assert_int_equal(start_lock.owner, start_lock.next);
}

static void whom_no_init_reaches_may_be_away(void **state)
{
	dead = 1;
	traps = true;
	smp_start(each);
	assert_int_equal(cpus[1].state, CPU_ABSENT);
	assert_int_equal(cpus[2].state, CPU_READY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_that_come_are_ready, make_cpus),
		cmocka_unit_test_setup(
			at_the_first_start_one_that_does_not_come_is_a_panic,
			make_cpus),
		cmocka_unit_test_setup(later_the_caller_is_told, make_cpus),
		cmocka_unit_test_setup(whom_no_init_reaches_may_be_away,
				       make_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
