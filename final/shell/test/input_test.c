/*
 * A keyboard's codes, and the characters that they stand for.
 */
#include "shell/input.h"

#include "console/keys.h"
#include "host.h"
#include "lib/errno.h"

static const u8 *codes;
static size_t code_count;
static const char *serial = "";
static bool listened;

bool keys_listen(void)
{
	listened = true;
	return true;
}

int keyboard_code(void)
{
	if (!code_count)
		return -EAGAIN;
	code_count--;
	return *codes++;
}

int serial_character(void)
{
	return *serial ? (u8)*serial++ : -EAGAIN;
}

/* What these codes make. */
static const char *text_of(const u8 *from, size_t count)
{
	static char text[64];
	size_t n = 0;
	int c;

	codes = from;
	code_count = count;
	while (code_count || (c = input_character()) >= 0) {
		if (code_count)
			c = input_character();
		if (c >= 0 && n < sizeof(text) - 1)
			text[n++] = c;
	}
	text[n] = '\0';
	return text;
}

#define TEXT(...) \
	text_of((const u8[]){__VA_ARGS__}, sizeof((u8[]){__VA_ARGS__}))

/* @code goes down and up. */
#define KEY(code) code, code | 0x80

#define SHIFT 0x2a
#define CTRL  0x1d

static int begin(void **state)
{
	serial = "";
	assert_true(input_begin() && listened);
	return 0;
}

static void letters_digits_and_signs_are_those_of_the_us(void **state)
{
	assert_string_equal(TEXT(KEY(0x1f), KEY(0x13)), "sr");
	assert_string_equal(TEXT(KEY(0x10), KEY(0x19), KEY(0x1e), KEY(0x26),
				 KEY(0x2c), KEY(0x32)),
			    "qpalzm");
	assert_string_equal(TEXT(KEY(0x02), KEY(0x0b), KEY(0x0c), KEY(0x0d)),
			    "10-=");
	assert_string_equal(TEXT(KEY(0x1a), KEY(0x1b), KEY(0x27), KEY(0x28),
				 KEY(0x29), KEY(0x2b), KEY(0x33), KEY(0x34),
				 KEY(0x35)),
			    "[];'`\\,./");
	assert_string_equal(TEXT(KEY(0x0e), KEY(0x0f), KEY(0x1c), KEY(0x39)),
			    "\b\t\n ");
	assert_string_equal(TEXT(KEY(0x01)), "\033");
	assert_string_equal(TEXT(KEY(0x37), KEY(0x4a), KEY(0x4e)), "*-+");
}

static void shift_ctrl_and_caps_lock_change_them(void **state)
{
	assert_string_equal(TEXT(SHIFT, KEY(0x1e), KEY(0x02), KEY(0x2b),
				 SHIFT | 0x80, KEY(0x1e)),
			    "A!|a");
	assert_string_equal(TEXT(0x36, KEY(0x27), KEY(0x28), KEY(0x29), 0xb6),
			    ":\"~");
	assert_string_equal(TEXT(KEY(0x3a), KEY(0x1e), KEY(0x02), SHIFT,
				 KEY(0x1e), SHIFT | 0x80, KEY(0x3a), KEY(0x1e)),
			    "A1aa");
	assert_string_equal(TEXT(CTRL, KEY(0x2e), CTRL | 0x80, KEY(0x2e)),
			    "\003c");
	assert_string_equal(
		TEXT(0xe0, CTRL, KEY(0x20), 0xe0, CTRL | 0x80, KEY(0x20)),
		"\004d");
}

static void cursor_keys_are_those_of_a_terminal(void **state)
{
	assert_string_equal(TEXT(0xe0, 0x48, 0xe0, 0xc8, KEY(0x1e)), "\033[Aa");
	assert_string_equal(TEXT(0xe0, 0x50, 0xe0, 0x4b, 0xe0, 0x4d),
			    "\033[B\033[D\033[C");
	assert_string_equal(TEXT(0xe0, 0x47, 0xe0, 0x4f, 0xe0, 0x53),
			    "\033[H\033[F\033[3~");
	assert_string_equal(TEXT(KEY(0x48)), "\033[A"); /* of the keypad */
}

static void other_codes_are_nothing(void **state)
{
	/* Pause; a filler around a cursor key; F1; an answer; Windows; 0. */
	assert_string_equal(TEXT(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, KEY(0x1e)),
			    "a");
	assert_string_equal(TEXT(0xe0, 0x2a, 0xe0, 0x48, 0xe0, 0xaa, KEY(0x1e)),
			    "\033[Aa");
	assert_string_equal(TEXT(KEY(0x3b), 0xfa, 0xff, 0, 0xe0, 0x5b, 0xe0,
				 0xdb, KEY(0x38), KEY(0x45), KEY(0x1e)),
			    "a");
	assert_string_equal(TEXT(0xe0, KEY(0x1c), 0xe0, KEY(0x35)), "\n/");
}

/* Every code, in every state that codes can make. */
static void no_code_makes_more_than_characters(void **state)
{
	host_seed();
	for (u64 i = 0; i < host_operations(100000); i++) {
		u8 code = host_random(256);
		int c;

		codes = &code;
		code_count = 1;
		do {
			c = input_character();
			assert_true(c == -EAGAIN || (c > 0 && c < 0x7f));
		} while (c >= 0);
	}
}

static void serial_ports_are_heard_as_well(void **state)
{
	serial = "s\xff";
	assert_string_equal(TEXT(KEY(0x13)), "rs\xff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, begin)
		T(letters_digits_and_signs_are_those_of_the_us),
		T(shift_ctrl_and_caps_lock_change_them),
		T(cursor_keys_are_those_of_a_terminal),
		T(other_codes_are_nothing),
		T(no_code_makes_more_than_characters),
		T(serial_ports_are_heard_as_well),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
