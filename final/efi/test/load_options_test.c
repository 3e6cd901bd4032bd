/*
 * Load options, good and bad.
 */
#include "efi/loader/load_options.h"
#include "host.h"

static char words[32];

/* True if a command was skipped. */
static bool skipped;

static int options(const char *text, bool skip_command)
{
	skipped = skip_command;
	u16 wide[128];
	size_t n = 0;

	for (; text[n]; n++)
		wide[n] = (u8)text[n];
	wide[n] = 0;
	return options_parse(wide, n + 1, &skipped, words, sizeof(words));
}

static void words_may_fill_the_buffer_and_no_more(void **state)
{
	assert_int_equal(options("0123456789 0123456789 012345678", false), 0);
	assert_int_equal(strlen(words), sizeof(words) - 1);
	assert_int_equal(options("0123456789 0123456789 0123456789", false),
			 -E2BIG);
	assert_int_equal(options("0123456789012345678901234567890 x", false),
			 -E2BIG);
}

static void load_options_end_at_the_nul(void **state)
{
	const u16 wide[] = {'a', 0, 'b'};

	skipped = false;
	assert_int_equal(options_parse(wide, 3, &skipped, words, sizeof(words)),
			 0);
	assert_string_equal(words, "a");
}

static void the_name_of_the_program_is_left_out(void **state)
{
	assert_int_equal(options("\\EFI\\vellum.EFI  check x", true), 0);
	assert_string_equal(words, "check x");
	assert_true(skipped);
	assert_int_equal(options("vellum.efi", true), 0);
	assert_string_equal(words, "");
	assert_true(skipped);
	assert_int_equal(options("check vellum.efi", true), 0);
	assert_string_equal(words, "check vellum.efi");
	assert_false(skipped);
	assert_int_equal(options("vellum.efi check", false), 0);
	assert_string_equal(words, "vellum.efi check");
	assert_false(skipped);
}

static void binary_load_options_are_refused(void **state)
{
	const u16 wide[] = {'a', 0x1234};

	skipped = true;
	assert_int_equal(options_parse(wide, 2, &skipped, words, sizeof(words)),
			 -EINVAL);
}

static void random_bytes_stay_in_the_buffer(void **state)
{
	char text[64];

	host_seed();
	for (uint round = 0; round < 20000; round++) {
		size_t size = host_random(sizeof(text) + 1);

		for (uint i = 0; i < size; i++)
			text[i] = host_random(8) ? ' ' + host_random(64)
						 : host_random(256);
		skipped = true;
		options_parse((u16 *)text, size / 2, &skipped, words,
			      sizeof(words));
		assert_true(strlen(words) < sizeof(words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_may_fill_the_buffer_and_no_more),
		cmocka_unit_test(load_options_end_at_the_nul),
		cmocka_unit_test(the_name_of_the_program_is_left_out),
		cmocka_unit_test(binary_load_options_are_refused),
		cmocka_unit_test(random_bytes_stay_in_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
