/*
 * Lines of words, and how far one word is from another.
 */
#include "host.h"
#include "lib/words.h"

static void words_stand_between_white_space(void **state)
{
	const char *line = " \t one  two=2\n--three ";
	size_t length;

	line = next_word(line, &length);
	assert_memory_equal(line, "one", length);
	line = next_word(line + length, &length);
	assert_memory_equal(line, "two=2", length);
	line = next_word(line + length, &length);
	assert_memory_equal(line, "--three", length);
	assert_null(next_word(line + length, &length));
	assert_null(next_word("", &length));
}

static void two_dashes_end_the_line(void **state)
{
	assert_null(find_word("a -- b", "b"));
	assert_null(find_word("--", "--"));
	assert_string_equal(find_word("--a b", "b"), "");
}

static void a_word_is_found_only_whole(void **state)
{
	assert_string_equal(find_word("a=b next=x", "next"), "=x");
	assert_string_equal(find_word("a next b", "next"), " b");
	assert_string_equal(find_word("next", "next"), "");
	assert_null(find_word("nexta anext a=next", "next"));
	assert_null(find_word("", "next"));
}

static void of_several_the_last_counts(void **state)
{
	assert_string_equal(find_word("a=1 b a=2 c", "a"), "=2 c");
}

static uint distance(const char *text, const char *name)
{
	return word_distance(text, strlen(text), name);
}

static void the_distance_is_the_number_of_wrong_letters(void **state)
{
	assert_int_equal(distance("check", "check"), 0);
	assert_int_equal(distance("CHECK", "check"), 0);
	assert_int_equal(distance("chck", "check"), 1);
	assert_int_equal(distance("checks", "check"), 1);
	assert_int_equal(distance("ckeck", "check"), 1);
	assert_int_equal(distance("chekc", "check"), 2);
	assert_int_equal(distance("--check", "check"), 2);
	assert_int_equal(distance("", "check"), 5);
	assert_int_equal(distance("boot", "check"), 5);
	assert_int_equal(word_distance("checkers", 5, "check"), 0);
}

static void a_long_word_is_far_from_everything(void **state)
{
	char text[WORD_MAX + 2];

	memset(text, 'a', sizeof(text));
	assert_int_equal(word_distance(text, WORD_MAX, ""), WORD_MAX);
	assert_true(word_distance(text, WORD_MAX + 1, "a") > WORD_MAX);
	text[WORD_MAX + 1] = '\0';
	assert_true(word_distance("a", 1, text) > WORD_MAX);
}

/* The definition, as a recursion: the last letters are the same, or one of
 * three things was done to them. */
static uint slow_distance(const char *a, size_t n, const char *b, size_t m)
{
	uint change, less, more;

	if (!n || !m)
		return n + m;
	change = slow_distance(a, n - 1, b, m - 1) + (a[n - 1] != b[m - 1]);
	less = slow_distance(a, n - 1, b, m) + 1;
	more = slow_distance(a, n, b, m - 1) + 1;
	return MIN(change, MIN(less, more));
}

static void the_distance_is_that_of_the_definition(void **state)
{
	host_seed();
	for (uint round = 0; round < host_operations(2000); round++) {
		char a[7] = "", b[7] = "";
		size_t n = host_random(7), m = host_random(7);

		for (size_t i = 0; i < n; i++)
			a[i] = 'a' + host_random(3);
		for (size_t i = 0; i < m; i++)
			b[i] = 'a' + host_random(3);
		assert_int_equal(word_distance(a, n, b),
				 slow_distance(a, n, b, m));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_stand_between_white_space),
		cmocka_unit_test(two_dashes_end_the_line),
		cmocka_unit_test(a_word_is_found_only_whole),
		cmocka_unit_test(of_several_the_last_counts),
		cmocka_unit_test(the_distance_is_the_number_of_wrong_letters),
		cmocka_unit_test(a_long_word_is_far_from_everything),
		cmocka_unit_test(the_distance_is_that_of_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
