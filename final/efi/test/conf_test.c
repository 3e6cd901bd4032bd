/*
 * vellum.conf and load options, good and bad.
 */
#include "efi/loader/conf.h"
#include "host.h"

static char words[32];
static uint line;

static int parse(const char *text)
{
	return conf_parse(text, strlen(text), words, sizeof(words), &line);
}

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

static void lines_become_one_line_of_words(void **state)
{
	assert_int_equal(parse("hypercall\r\n\r\n\tconsole=com2  check\n"), 0);
	assert_string_equal(words, "hypercall console=com2 check");
}

static void comments_end_with_their_line(void **state)
{
	assert_int_equal(parse("# \xc3\xa4\nnext=\\a.efi# x\nb #"), 0);
	assert_string_equal(words, "next=\\a.efi b");
}

static void an_empty_file_has_no_words(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_string_equal(words, "");
	assert_int_equal(parse(" \n\n# only a comment"), 0);
	assert_string_equal(words, "");
}

static void a_byte_that_is_no_text_is_named_by_its_line(void **state)
{
	assert_int_equal(parse("a\nb\nc\x80"), -EINVAL);
	assert_int_equal(line, 3);
	assert_int_equal(conf_parse("\0", 1, words, sizeof(words), &line),
			 -EINVAL);
}

static void words_may_fill_the_buffer_and_no_more(void **state)
{
	assert_int_equal(parse("0123456789 0123456789 012345678"), 0);
	assert_int_equal(strlen(words), sizeof(words) - 1);
	assert_int_equal(parse("0123456789 0123456789 0123456789"), -E2BIG);
	assert_int_equal(parse("0123456789012345678901234567890 x"), -E2BIG);
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
		conf_parse(text, size, words, sizeof(words), &line);
		assert_true(strlen(words) < sizeof(words));
		skipped = true;
		options_parse((u16 *)text, size / 2, &skipped, words,
			      sizeof(words));
		assert_true(strlen(words) < sizeof(words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_one_line_of_words),
		cmocka_unit_test(comments_end_with_their_line),
		cmocka_unit_test(an_empty_file_has_no_words),
		cmocka_unit_test(a_byte_that_is_no_text_is_named_by_its_line),
		cmocka_unit_test(words_may_fill_the_buffer_and_no_more),
		cmocka_unit_test(load_options_end_at_the_nul),
		cmocka_unit_test(the_name_of_the_program_is_left_out),
		cmocka_unit_test(binary_load_options_are_refused),
		cmocka_unit_test(random_bytes_stay_in_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
