/*
 * Locks in a panic: who waits stops, and leaves its queue. Under
 * ThreadSanitizer.
 */
#include <signal.h>

#include "host.h"
#include "lib/spinlock.h"
#include "smp/call.h"
#include "smp/panic.h"

static struct smp_cpu cpus[4];

struct smp_cpu *smp_cpus = cpus;
uint smp_count = ARRAY_SIZE(cpus);

static uint calls;

/* Who is called stops at once. */
void smp_call(struct smp_cpu *cpu)
{
	calls++;
	__atomic_store_n(&cpu->stopped, 1, __ATOMIC_RELEASE);
}

/* A CPU halts by instructions that are privileged: here, by a signal. */
static sigjmp_buf after_halt;

static void halted(int number)
{
	siglongjmp(after_halt, 1);
}

static int nobody_panics(void **state)
{
	panic_cpu = 0;
	*this_cpu(cpu_number) = 0;
	memset(cpus, 0, sizeof(cpus));
	calls = 0;
	return 0;
}

/* NULL: it has halted instead. */
static void *wait_for_lock(void *volatile l)
{
	if (sigsetjmp(after_halt, 1))
		return NULL;
	spin_lock(l);
	return l;
}

static void who_waits_for_a_lock_stops_when_another_cpu_panics(void **state)
{
	spinlock_t l = SPINLOCK_INIT;
	pthread_t thread;
	void *got;

	spin_lock(&l);
	signal(SIGSEGV, halted);
	panic_cpu = 2; /* CPU 1; we are CPU 0 */
	pthread_create(&thread, NULL, wait_for_lock, &l);
	while (!__atomic_load_n(&cpus[0].stopped, __ATOMIC_ACQUIRE))
		sched_yield();
	/* The holder opens it, that CPU leaves the queue, and it is free. */
	assert_true(spin_is_locked(&l));
	spin_unlock(&l);
	pthread_join(thread, &got);
	assert_null(got);
	assert_false(spin_is_locked(&l));
	smp_leave_queue(); /* its turn is over: others may have the lock */
	spin_lock(&l);
	smp_leave_queue();
	assert_true(spin_is_locked(&l));
	spin_unlock(&l);
	assert_false(spin_is_locked(&l));
}

static void every_cpu_but_the_one_that_panics_must_stop(void **state)
{
	for (u32 cpu = 0; cpu < 4; cpu++) {
		*this_cpu(cpu_number) = cpu;
		panic_cpu = 2; /* CPU 1: there are some on either side */
		assert_int_equal(smp_must_stop(), cpu != 1);
		panic_cpu = 0;
		assert_false(smp_must_stop());
	}
}

static void the_cpu_that_panics_waits_until_it_has_the_lock(void **state)
{
	spinlock_t l = SPINLOCK_INIT;
	pthread_t thread;

	spin_lock(&l);
	panic_cpu = 1; /* CPU 0, as every thread here is */
	pthread_create(&thread, NULL, wait_for_lock, &l);
	while (__atomic_load_n(&l.next, __ATOMIC_RELAXED) != 2)
		sched_yield();
	for (uint i = 0; i < 100; i++) /* let it wait a while */
		sched_yield();
	spin_unlock(&l);
	pthread_join(thread, NULL);
}

static void a_free_lock_is_had_even_in_a_panic(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	panic_cpu = 2;
	spin_lock(&l);
	spin_unlock(&l);
}

static void a_panic_belongs_to_the_cpu_that_was_first(void **state)
{
	*this_cpu(cpu_number) = 1;
	smp_claim_panic();
	smp_claim_panic(); /* a panic within the panic */
	assert_int_equal(panic_cpu, 2);
	*this_cpu(cpu_number) = 3;
	signal(SIGSEGV, halted);
	if (sigsetjmp(after_halt, 1) == 0) {
		smp_claim_panic();
		fail_msg("two CPUs have a panic");
	}
	assert_int_equal(panic_cpu, 2);
	assert_true(cpus[3].stopped);
}

/* No NMI gets through to a CPU in wait-for-SIPI. The time that rdtsc() tells
 * here grows by 1 a call: a wait for it would show. */
static void a_cpu_that_the_hardware_lets_wait_is_not_called(void **state)
{
	for (uint i = 0; i < smp_count; i++)
		cpus[i].state = CPU_READY;
	cpus[2].waits_in_guest = true;
	host_tsc = 0;
	smp_stop_others();
	assert_int_equal(calls, 2);
	assert_false(cpus[2].stopped);
	assert_true(host_tsc < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, nobody_panics)
		T(who_waits_for_a_lock_stops_when_another_cpu_panics),
		T(every_cpu_but_the_one_that_panics_must_stop),
		T(the_cpu_that_panics_waits_until_it_has_the_lock),
		T(a_free_lock_is_had_even_in_a_panic),
		T(a_cpu_that_the_hardware_lets_wait_is_not_called),
		T(a_panic_belongs_to_the_cpu_that_was_first),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
