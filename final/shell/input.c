/*
 * Characters from the serial ports, and from a PS/2 keyboard with the keys of
 * the United States: whoever is asked for a word in an emergency can find them
 * on any keyboard, and a table for each country would be long.
 *
 * A keyboard tells of keys, not of characters: the number of a key when it goes
 * down, the same with the highest bit when it comes up. Whether it is an `a' or
 * an `A' is for us to know. Codes: IBM PS/2, set 1, into which console/keys.c
 * has the controller translate. Book: chapter 12.
 */
#include "shell/input.h"

#include "console/keys.h"
#include "lib/errno.h"
#include "lib/string.h"

#define CODE_CTRL        0x1d
#define CODE_LEFT_SHIFT  0x2a
#define CODE_RIGHT_SHIFT 0x36
#define CODE_CAPS_LOCK   0x3a
#define CODE_RELEASED    0x80
#define CODE_EXTENDED    0xe0 /* a key that the first PC had not: */
#define CODE_ENTER       0x1c /* on the keypad, */
#define CODE_SLASH       0x35
#define CODE_PAUSE       0xe1 /* two more codes follow */

#define PAUSE_FOLLOWS 2

/* By their codes from 0 on; a blank is a key without a character. */
static const char plain[] = "  1234567890-=\b\tqwertyuiop[]\n asdfghjkl;'` "
			    "\\zxcvbnm,./ *  ";
static const char shifted[] = "  !@#$%^&*()_+\b\tQWERTYUIOP{}\n ASDFGHJKL:\"~ "
			      "|ZXCVBNM<>? *  ";
_Static_assert(sizeof(plain) == sizeof(shifted), "the same keys");

#define CODE_ESCAPE 0x01
#define CODE_SPACE  0x39
#define CODE_MINUS  0x4a /* on the keypad */
#define CODE_PLUS   0x4e

/* What a terminal sends for these, with or without CODE_EXTENDED. */
static const struct {
	u8 code;
	const char *text;
} cursor_keys[] = {
	{0x47, "\033[H"}, {0x48, "\033[A"}, {0x4b, "\033[D"},  {0x4d, "\033[C"},
	{0x4f, "\033[F"}, {0x50, "\033[B"}, {0x53, "\033[3~"},
};

static struct {
	bool shift[2], ctrl, caps, extended;
	uint skip;           /* codes that mean nothing */
	const char *pending; /* the rest of what a cursor key stands for */
} keyboard;

bool input_begin(void)
{
	memset(&keyboard, 0, sizeof(keyboard));
	return keys_listen();
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The character of a key that has one; or -EAGAIN. */
static int character_of(u8 code)
{
	bool shift = keyboard.shift[0] || keyboard.shift[1];
	char c = code < sizeof(plain) - 1 ? plain[code] : ' ';

	if (code == CODE_ESCAPE)
		return '\033';
	if (code == CODE_SPACE)
		return ' ';
	if (code == CODE_MINUS || code == CODE_PLUS)
		return code == CODE_MINUS ? '-' : '+';
	if (c == ' ')
		return -EAGAIN;
	if (keyboard.ctrl && is_letter(c))
		return c & 0x1f;
	if (keyboard.caps && is_letter(c))
		shift = !shift;
	return shift ? shifted[code] : c;
}

/* Keys that change what others mean. */
static bool is_modifier(u8 code, bool down, bool extended)
{
	switch (code) {
	case CODE_LEFT_SHIFT:
	case CODE_RIGHT_SHIFT: /* an extended one is no key, but a filler */
		if (!extended)
			keyboard.shift[code == CODE_RIGHT_SHIFT] = down;
		return true;
	case CODE_CTRL: /* either */
		keyboard.ctrl = down;
		return true;
	case CODE_CAPS_LOCK:
		keyboard.caps ^= down;
		return true;
	default:
		return false;
	}
}

static int begin_cursor_key(u8 code)
{
	for (uint i = 0; i < ARRAY_SIZE(cursor_keys); i++)
		if (cursor_keys[i].code == code) {
			keyboard.pending = cursor_keys[i].text + 1;
			return cursor_keys[i].text[0];
		}
	return -EAGAIN;
}

static int press(u8 code, bool extended)
{
	int c = begin_cursor_key(code);

	if (c >= 0)
		return c;
	if (extended && code != CODE_ENTER && code != CODE_SLASH)
		return -EAGAIN;
	return character_of(code);
}

/* What the keyboard's @code makes, after those before it. */
static int take_code(u8 code)
{
	bool extended = keyboard.extended, down = !(code & CODE_RELEASED);

	if (keyboard.skip) {
		keyboard.skip--;
		return -EAGAIN;
	}
	keyboard.extended = code == CODE_EXTENDED;
	if (code == CODE_PAUSE)
		keyboard.skip = PAUSE_FOLLOWS;
	if (code == CODE_EXTENDED || code == CODE_PAUSE)
		return -EAGAIN;
	if (is_modifier(code & ~CODE_RELEASED, down, extended) || !down)
		return -EAGAIN;
	return press(code, extended);
}

int input_character(void)
{
	int code, c;

	if (keyboard.pending && *keyboard.pending)
		return *keyboard.pending++;
	code = keyboard_code();
	c = code < 0 ? code : take_code(code);
	return c < 0 ? serial_character() : c;
}
