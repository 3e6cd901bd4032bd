/*
 * Each character can be read, and told from every other.
 */
#include "efi/font.h"
#include "host.h"

static u64 shape(char c)
{
	u64 dots = 0;

	for (uint y = 0; y < FONT_HEIGHT; y++)
		for (uint x = 0; x < FONT_WIDTH; x++)
			dots = dots << 1 | font_dot(c, x, y);
	return dots;
}

static void no_two_characters_look_alike(void **state)
{
	for (char a = ' '; a <= '~'; a++)
		for (char b = ' '; b < a; b++)
			assert_true(shape(a) != shape(b));
	assert_int_equal(shape(' '), 0);
}

static void neighbours_never_touch(void **state)
{
	for (char c = ' '; c <= '~'; c++) {
		for (uint y = 0; y < FONT_HEIGHT; y++)
			assert_false(font_dot(c, FONT_WIDTH - 1, y));
		for (uint x = 0; x < FONT_WIDTH; x++)
			assert_false(font_dot(c, x, FONT_HEIGHT - 1));
	}
}

static void other_bytes_show_as_a_question_mark(void **state)
{
	assert_int_equal(shape('\t'), shape('?'));
	assert_int_equal(shape('\x7f'), shape('?'));
	assert_int_equal(shape('\xe4'), shape('?'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_characters_look_alike),
		cmocka_unit_test(neighbours_never_touch),
		cmocka_unit_test(other_bytes_show_as_a_question_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
