/*
 * Host tests of console/printf.c: what it knows, it must do as the C library
 * does, character for character.
 */
#include "console/printf.h"
#include "host.h"

static char ours[256], theirs[256];

static int libc_snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = libc_vsnprintf(buffer, size, format, args);
	va_end(args);
	return n;
}

/* Format with both, and compare text and result. Evaluates arguments twice. */
#define assert_same(...)                                                    \
	do {                                                                \
		int n = snprintf(ours, sizeof(ours), __VA_ARGS__);          \
		int m = libc_snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
                                                                            \
		assert_string_equal(ours, theirs);                          \
		assert_int_equal(n, m);                                     \
	} while (0)

static const u64 values[] = {
	0,          1,         9,          10,        15,
	16,         99,        100,        255,       65535,
	0x7fffffff, 1UL << 31, 0xffffffff, 1UL << 32, 0x123456789abcdef0,
	INT64_MAX,  1UL << 63, UINT64_MAX,
};

static void plain_text_and_percent_signs_pass_through(void **state)
{
	assert_same("");
	assert_same("plain text\n");
	assert_same("100%% of it");
	assert_same("%%%%");
}

static void numbers_of_every_width_and_flag_print_as_in_libc(void **state)
{
	static const char *const flags[] = {"", "-", "0", "-0", "0-"};
	static const char *const widths[] = {"", "1", "5", "19", "20", "40"};
	static const char *const lengths[] = {"", "l", "ll", "z"};
	char f[32];

	for (uint i = 0; i < ARRAY_SIZE(flags); i++)
		for (uint j = 0; j < ARRAY_SIZE(widths); j++)
			for (uint k = 0; k < ARRAY_SIZE(lengths); k++)
				for (const char *c = "diuxX"; *c; c++)
					for (uint v = 0; v < ARRAY_SIZE(values);
					     v++) {
						libc_snprintf(f, sizeof(f),
							      "<%%%s%s%s%c>",
							      flags[i],
							      widths[j],
							      lengths[k], *c);
						assert_same(f, values[v]);
					}
}

static void strings_and_characters_are_padded_with_spaces(void **state)
{
	assert_same("[%s] [%10s] [%-10s] [%2s]", "abc", "abc", "abc", "abc");
	assert_same("[%s] [%5s]", "", "");
	assert_same("[%c] [%3c] [%-3c]", 'x', 'y', 'z');
}

static void pointers_print_as_in_libc(void **state)
{
	assert_same("%p %20p %-20p|", (void *)0x40101234, (void *)1, ours);
}

static void a_null_string_is_named(void **state)
{
	char *null = NULL;

	snprintf(ours, sizeof(ours), "%s", null);
	assert_string_equal(ours, "(null)");
}

static void many_arguments_arrive_in_order(void **state)
{
	assert_same("%d %s %lx %c %u %s %zu %d %d %lld %p", 1, "two", 3UL, '4',
		    5, "six", (size_t)7, 8, -9, -10LL, (void *)11);
}

static void output_is_cut_but_the_whole_length_is_returned(void **state)
{
	for (size_t size = 0; size < 12; size++) {
		memset(ours, '#', sizeof(ours));
		memset(theirs, '#', sizeof(theirs));
		assert_int_equal(snprintf(ours, size, "%s%d", "hello", 12345),
				 10);
		libc_snprintf(theirs, size, "%s%d", "hello", 12345);
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
}

static void a_format_that_ends_in_mid_conversion_reads_nothing(void **state)
{
	assert_int_equal(snprintf(ours, sizeof(ours), "ab%"), 2);
	assert_string_equal(ours, "ab");
	assert_int_equal(snprintf(ours, sizeof(ours), "ab%-08l"), 2);
	assert_string_equal(ours, "ab");
}

/* One conversion of random letter, flag, width and value. */
static void compare_random_conversion(void)
{
	static const char *const forms[] = {"%%%s%lu%s%c", "%%%s%lu%s%c|"};
	static const char *const flags[] = {"", "-", "0"};
	static const char *const lengths[] = {"", "l", "ll", "z"};
	u64 value = host_random(UINT64_MAX) >> host_random(64);
	char f[32];

	libc_snprintf(f, sizeof(f), forms[host_random(2)],
		      flags[host_random(3)], host_random(60) + 1,
		      lengths[host_random(4)], "diuxX"[host_random(5)]);
	assert_same(f, value);
}

static void random_conversions_print_as_in_libc(void **state)
{
	for (u64 i = host_operations(100000); i; i--)
		compare_random_conversion();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_and_percent_signs_pass_through),
		cmocka_unit_test(
			numbers_of_every_width_and_flag_print_as_in_libc),
		cmocka_unit_test(strings_and_characters_are_padded_with_spaces),
		cmocka_unit_test(pointers_print_as_in_libc),
		cmocka_unit_test(a_null_string_is_named),
		cmocka_unit_test(many_arguments_arrive_in_order),
		cmocka_unit_test(
			output_is_cut_but_the_whole_length_is_returned),
		cmocka_unit_test(
			a_format_that_ends_in_mid_conversion_reads_nothing),
		cmocka_unit_test(random_conversions_print_as_in_libc),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
