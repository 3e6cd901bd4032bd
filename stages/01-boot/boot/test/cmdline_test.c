/*
 * Words and values on the command line.
 */
#include "boot/boot_info.h"
#include "host.h"

struct boot_info boot_info = {
	.cmdline = "/boot/vellum.elf  boot=0xe0 hypercall console=com2 empty=",
};

static void a_word_is_found_whole_only(void **state)
{
	assert_true(cmdline_has("hypercall"));
	assert_true(cmdline_has("boot"));
	assert_false(cmdline_has("hyper"));
	assert_false(cmdline_has("call"));
	assert_false(cmdline_has("unprotected"));
}

static void a_value_is_what_follows_the_equals_sign(void **state)
{
	char value[8];

	assert_int_equal(cmdline_value("boot", value, sizeof(value)), 0);
	assert_string_equal(value, "0xe0");
	assert_int_equal(cmdline_value("console", value, sizeof(value)), 0);
	assert_string_equal(value, "com2");
	assert_int_equal(cmdline_value("empty", value, sizeof(value)), 0);
	assert_string_equal(value, "");
}

static void a_word_without_a_value_has_none(void **state)
{
	char value[8];

	assert_int_equal(cmdline_value("hypercall", value, sizeof(value)),
			 -ENOENT);
	assert_int_equal(cmdline_value("absent", value, sizeof(value)),
			 -ENOENT);
}

static void a_value_that_does_not_fit_is_an_error(void **state)
{
	char value[4];

	assert_int_equal(cmdline_value("boot", value, sizeof(value)), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_found_whole_only),
		cmocka_unit_test(a_value_is_what_follows_the_equals_sign),
		cmocka_unit_test(a_word_without_a_value_has_none),
		cmocka_unit_test(a_value_that_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
