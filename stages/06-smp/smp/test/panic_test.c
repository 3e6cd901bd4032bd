/*
 * Locks in a panic: who waits stops, and leaves its queue. Under
 * ThreadSanitizer.
 */
#include <signal.h>

#include "host.h"
#include "lib/spinlock.h"
#include "smp/call.h"
#include "paging/trap.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "smp/place.h"

static struct smp_cpu cpus[4];

struct smp_cpu *smp_cpus = cpus;
uint smp_count = ARRAY_SIZE(cpus);

static uint calls, sipis;
static bool noted_in_guest;
static u64 noted_rip;
static bool noted, is_off; /* on this CPU, with virtualisation */

void place_note(bool in_guest, u64 rip, u64 rsp, u64 rbp)
{
	assert_false(is_off);
	noted_in_guest = in_guest;
	noted_rip = rip;
	noted = true;
}

void place_print_all(void)
{
}

static bool console_opened;

void console_force_unlock(void)
{
	console_opened = true;
}

/* As the last thing before it counts as stopped. */
static void disable(void)
{
	assert_false(smp_self()->stopped);
	is_off = true;
}

static const struct vcpu_ops ops = {.disable = disable};
const struct vcpu_ops *vcpu_ops = &ops;

/* A start-up IPI: the CPU leaves its wait, sees the panic, and stops. */
void lapic_send(u32 dest, u32 icr)
{
	assert_int_equal(icr & ICR_MODE, ICR_MODE_SIPI);
	sipis++;
	cpus[dest].waits_in_guest = false;
	cpus[dest].stopped = 1;
}

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
	calls = sipis = 0;
	noted = is_off = false;
	for (uint i = 0; i < smp_count; i++)
		cpus[i].apic_id = i;
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

/* An AMD CPU that prints goes on with that, and takes no NMI meanwhile. */
static void a_lock_that_is_released_late_stops_nobody(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	l.next = l.owner = 0xfffe; /* and where the numbers begin anew */
	panic_cpu = 1;             /* CPU 0, as we are */
	spin_lock(&l);
	spin_force_unlock(&l);
	for (uint i = 0; i < 4; i++) {
		spin_lock(&l);
		if (i == 1)
			spin_unlock(&l); /* by who held it at first */
		spin_unlock(&l);
	}
}

static void a_panic_belongs_to_the_cpu_that_was_first(void **state)
{
	*this_cpu(cpu_number) = 1;
	smp_claim_panic(1, 1);
	smp_claim_panic(2, 2); /* a panic within the panic */
	assert_int_equal(panic_cpu, 2);
	*this_cpu(cpu_number) = 3;
	signal(SIGSEGV, halted);
	if (sigsetjmp(after_halt, 1) == 0) {
		smp_claim_panic(0x1234, 1);
		fail_msg("two CPUs have a panic");
	}
	assert_int_equal(panic_cpu, 2);
	assert_true(cpus[3].stopped);
	assert_int_equal(noted_rip, 0x1234);
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

/* What is noted is where the panic came upon it, not where it was stopped. */
static void a_cpu_notes_where_it_was_before_it_leaves(void **state)
{
	const struct trap_frame frame = {.rip = 0x40001234, .rbp = 1};

	panic_cpu = 2; /* CPU 1; we are CPU 0 */
	signal(SIGSEGV, halted);
	if (sigsetjmp(after_halt, 1) == 0)
		smp_stop_in_nmi(&frame);
	assert_true(noted && is_off && cpus[0].stopped);
	assert_false(noted_in_guest);
	assert_int_equal(noted_rip, 0x40001234);
	nobody_panics(state);
	panic_cpu = 2;
	if (sigsetjmp(after_halt, 1) == 0)
		smp_stop_in_guest();
	assert_true(noted_in_guest && is_off && cpus[0].stopped);
	nobody_panics(state);
	smp_stop_in_nmi(&frame); /* there is no panic */
	smp_stop_in_guest();
	smp_stop_if_panic();
	assert_false(noted);
}

static void for_a_reset_all_leave_and_the_silent_are_counted(void **state)
{
	for (uint i = 0; i < smp_count; i++)
		cpus[i].state = CPU_READY;
	cpus[1].waits_in_guest = true; /* where no call gets through */
	host_printed[0] = '\0';
	smp_prepare_reset();
	assert_true(is_off && cpus[1].stopped && console_opened);
	assert_int_equal(sipis, 1);
	assert_int_equal(panic_cpu, 1);
	assert_string_equal(host_printed,
			    "smp: 4 of 4 CPUs are out of VMX and SVM\n");
	nobody_panics(state);
	for (uint i = 0; i < smp_count; i++)
		cpus[i].state = CPU_ARRIVED; /* but CPU 0, they take no call */
	cpus[0].state = CPU_READY;
	cpus[3].state = CPU_OFF;
	host_printed[0] = '\0';
	host_tsc_step = 1000000; /* nobody waits for the silent that long */
	smp_prepare_reset();
	host_tsc_step = 1;
	assert_string_equal(host_printed,
			    "smp: 1 of 3 CPUs are out of VMX and SVM\n");
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
		T(a_lock_that_is_released_late_stops_nobody),
		T(a_panic_belongs_to_the_cpu_that_was_first),
		T(a_cpu_notes_where_it_was_before_it_leaves),
		T(for_a_reset_all_leave_and_the_silent_are_counted),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
