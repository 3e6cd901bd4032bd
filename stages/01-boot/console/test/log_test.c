/*
 * The log ring: it keeps the newest, in order.
 */
#include "console/log.h"
#include "host.h"

static void what_was_put_in_first_is_read_first(void **state)
{
	char text[16] = "";

	for (const char *p = "hello world"; *p; p++)
		log_putc(*p);
	assert_int_equal(log_read(0, text, 15), 11);
	assert_string_equal(text, "hello world");
	assert_int_equal(log_read(6, text, 3), 3);
	assert_memory_equal(text, "wor", 3);
	assert_int_equal(log_read(11, text, 15), 0);
}

static void a_full_ring_forgets_the_oldest(void **state)
{
	static char all[LOG_SIZE + 1];

	for (u64 i = 0; i < LOG_SIZE; i++)
		log_putc('a' + i % 26);
	log_putc('!');
	assert_int_equal(log_read(0, all, sizeof(all)), LOG_SIZE);
	assert_int_equal(all[0], 'b');
	assert_int_equal(all[LOG_SIZE - 1], '!');
	assert_int_equal(log_read(LOG_SIZE, all, 1), 0);
	assert_int_equal(log_read(UINT64_MAX, all, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_in_first_is_read_first),
		cmocka_unit_test(a_full_ring_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
