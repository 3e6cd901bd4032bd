/*
 * Host tests of lib/spinlock.h, under ThreadSanitizer: a lock that let two
 * threads in, or ordered memory wrongly, would be reported as a data race.
 */
#include "host.h"
#include "lib/spinlock.h"

#define THREADS 4

static spinlock_t lock;
static u64 counter; /* only under the lock: plain on purpose */
static uint inside;

static void *count_up(void *rounds)
{
	for (u64 i = *(u64 *)rounds; i; i--) {
		spin_lock(&lock);
		if (++inside != 1)
			abort(); /* somebody else is in here too */
		counter++;
		inside--;
		spin_unlock(&lock);
	}
	return NULL;
}

static void only_one_thread_at_a_time_is_inside(void **state)
{
	pthread_t threads[THREADS];
	u64 rounds = host_operations(2000);

	for (uint i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, count_up, &rounds),
			0);
	for (uint i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, THREADS * rounds);
	assert_false(spin_is_locked(&lock));
}

/* Draw a ticket, as spin_lock() does first, without waiting. */
static u16 draw(spinlock_t *l)
{
	return l->next++;
}

static void tickets_are_served_in_the_order_they_were_drawn(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	spin_lock(&l);
	assert_int_equal(draw(&l), 1);
	assert_int_equal(draw(&l), 2);
	spin_unlock(&l);
	assert_int_equal(l.owner, 1);
	spin_unlock(&l);
	assert_int_equal(l.owner, 2);
	assert_true(spin_is_locked(&l));
	spin_unlock(&l);
	assert_false(spin_is_locked(&l));
}

static void a_lock_survives_the_wrap_of_its_numbers(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	for (uint i = 0; i < 70000; i++) {
		assert_false(spin_is_locked(&l));
		spin_lock(&l);
		assert_true(spin_is_locked(&l));
		spin_unlock(&l);
	}
	assert_false(spin_is_locked(&l));
}

static void spin_is_locked_tells_held_from_free(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	assert_false(spin_is_locked(&l));
	spin_lock(&l);
	assert_true(spin_is_locked(&l));
	spin_unlock(&l);
	assert_false(spin_is_locked(&l));
}

static void force_unlock_opens_a_lock_that_others_wait_for(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	spin_lock(&l);
	draw(&l); /* a CPU that was stopped while it waited */
	draw(&l);
	spin_force_unlock(&l);
	assert_false(spin_is_locked(&l));
	spin_lock(&l);
	spin_unlock(&l);
	assert_false(spin_is_locked(&l));
}

static void force_unlock_of_an_open_lock_does_nothing(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	spin_force_unlock(&l);
	assert_false(spin_is_locked(&l));
}

static jmp_buf stopped;

static __noreturn void stop(void)
{
	longjmp(stopped, 1);
}

static void who_waits_for_a_lock_stops_when_another_cpu_panics(void **state)
{
	static spinlock_t held = SPINLOCK_INIT;

	spin_lock(&held);
	spin_stop = stop;
	spin_only_cpu = 2; /* CPU 1; we are CPU 0 */
	if (setjmp(stopped) == 0) {
		spin_lock(&held);
		fail_msg("got a lock that somebody has");
	}
	spin_only_cpu = 0;
	/* The holder opens it, that CPU leaves the queue, and it is free. */
	spin_unlock(&held);
	assert_true(spin_is_locked(&held));
	spin_leave();
	assert_false(spin_is_locked(&held));
	spin_leave(); /* its turn is over: others may have the lock */
	spin_lock(&held);
	spin_leave();
	assert_true(spin_is_locked(&held));
	spin_unlock(&held);
	assert_false(spin_is_locked(&held));
}

static __noreturn void must_not_stop(void)
{
	abort();
}

static void every_cpu_but_the_one_that_panics_must_stop(void **state)
{
	for (u32 cpu = 0; cpu < 4; cpu++) {
		*this_cpu(cpu_number) = cpu;
		spin_only_cpu = 2; /* CPU 1: there are some on either side */
		assert_int_equal(spin_must_stop(), cpu != 1);
		spin_only_cpu = 0;
		assert_false(spin_must_stop());
	}
	*this_cpu(cpu_number) = 0;
}

static void *wait_for_lock(void *l)
{
	spin_lock(l);
	return NULL;
}

static void the_cpu_that_panics_waits_until_it_has_the_lock(void **state)
{
	spinlock_t l = SPINLOCK_INIT;
	pthread_t thread;

	spin_lock(&l);
	spin_stop = must_not_stop;
	spin_only_cpu = 1; /* CPU 0, as every thread here is */
	pthread_create(&thread, NULL, wait_for_lock, &l);
	while (__atomic_load_n(&l.next, __ATOMIC_RELAXED) != 2)
		sched_yield();
	for (uint i = 0; i < 100; i++) /* let it wait a while */
		sched_yield();
	spin_unlock(&l);
	pthread_join(thread, NULL);
	spin_only_cpu = 0;
}

static void a_free_lock_is_had_even_in_a_panic(void **state)
{
	spinlock_t l = SPINLOCK_INIT;

	spin_stop = must_not_stop;
	spin_only_cpu = 2;
	spin_lock(&l);
	spin_unlock(&l);
	spin_only_cpu = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_one_thread_at_a_time_is_inside),
		cmocka_unit_test(
			tickets_are_served_in_the_order_they_were_drawn),
		cmocka_unit_test(a_lock_survives_the_wrap_of_its_numbers),
		cmocka_unit_test(spin_is_locked_tells_held_from_free),
		cmocka_unit_test(
			force_unlock_opens_a_lock_that_others_wait_for),
		cmocka_unit_test(force_unlock_of_an_open_lock_does_nothing),
		cmocka_unit_test(
			who_waits_for_a_lock_stops_when_another_cpu_panics),
		cmocka_unit_test(every_cpu_but_the_one_that_panics_must_stop),
		cmocka_unit_test(
			the_cpu_that_panics_waits_until_it_has_the_lock),
		cmocka_unit_test(a_free_lock_is_had_even_in_a_panic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
