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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
