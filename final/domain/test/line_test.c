/*
 * The line editor, typed at: after each key the row must show the line.
 */
#include "domain/test/host_screen.h"

int heap[LINE_HEAP], heaplen = LINE_HEAP;

#define UP    "\x1b[A"
#define DOWN  "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT  "\x1b[D"

static struct line line;
static const char *input; /* for readchar() */
static long at_the_end;
static u64 written; /* so many characters */
static bool ended;  /* the next key begins a new line */

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	return 0;
}

long system_call(long number, u64 a, u64 b, u64 c, u64 d)
{
	if (number == SYS_READ)
		return *input ? (u8)*input++ : at_the_end;
	if (number != SYS_WRITE)
		return host_system_call(number, a, b);
	assert_true(b <= WRITE_MOST);
	written += b;
	for (u64 i = 0; i < b; i++)
		screen_putc(((const char *)a)[i]);
	return 0;
}

static int start(void **state)
{
	for (uint i = 0; i < line.old_count; i++)
		free(line.old[i]);
	line = (struct line){.prompt = "> "};
	screen_clear();
	keep_interrupts();
	ended = true;
	return 0;
}

/* Type @text; what the last key has led to. */
static enum line_event type(const char *text)
{
	enum line_event event = LINE_MORE;

	for (; *text; text++) {
		if (ended)
			line_start(&line);
		event = line_key(&line, (u8)*text);
		ended = event != LINE_MORE;
		assert_true(ended || screen_shows(&line));
	}
	return event;
}

/* After typing @text on an empty line, it is @line with the cursor at @at. */
static void assert_line(const char *text, const char *expected, uint at)
{
	start(NULL);
	assert_int_equal(type(text), LINE_MORE);
	assert_string_equal(line.text, expected);
	assert_int_equal(line.cursor, at);
}

static void what_is_typed_is_the_line(void **state)
{
	assert_int_equal(type("dump p 1000\r"), LINE_DONE);
	assert_string_equal(line.text, "dump p 1000");
}

static void letters_go_in_where_the_cursor_is(void **state)
{
	assert_line("ace" LEFT "d" LEFT LEFT "b", "abcde", 2);
	assert_line("bc" LEFT LEFT LEFT "a", "abc", 1);
	assert_line("ab" RIGHT RIGHT "c", "abc", 3);
}

static void keys_erase_what_they_say(void **state)
{
	assert_line("\x7f\x08", "", 0);
	assert_line("abc\x7f", "ab", 2);
	assert_line("abc" LEFT "\x08", "ac", 1);
	assert_line("abc" LEFT "\x1b[3~", "ab", 2);
	assert_line("abc" LEFT LEFT "\x04", "ac", 1);
	assert_line("abc\x04\x1b[3~", "abc", 3);
	assert_line("one two" LEFT LEFT "\x15", "wo", 0);
	assert_line("one two" LEFT LEFT "\x0b", "one t", 5);
	assert_line("one two  \x17", "one ", 4);
	assert_line("one two  \x17\x17\x17", "", 0);
	assert_line("one two" LEFT "\x17", "one o", 4);
}

static void keys_move_where_they_say(void **state)
{
	assert_line("abc\x01", "abc", 0);
	assert_line("abc\x01\x05", "abc", 3);
	assert_line("abc\x1b[H", "abc", 0);
	assert_line("abc\x1b[H\x1b[F", "abc", 3);
	assert_line("abc\x1b[1~\x06", "abc", 1);
	assert_line("abc\x1b[7~\x1b[8~\x02", "abc", 2);
	assert_line("abc\x1bOH\x1bOC", "abc", 1);
	assert_line("abc\x1b[1;5D", "abc", 2);
}

/* A pipe may end with a hundred of them. */
static void a_key_that_changes_nothing_writes_nothing(void **state)
{
	type("abc");
	written = 0;
	type("\x04\x05\x06\x0b\x1b[3~" RIGHT);
	type("\x01");
	assert_int_equal(written, 1 + strlen("> abc") + 1 + strlen("> "));
	type("\x01\x02\x08\x7f\x15\x17" LEFT);
	assert_int_equal(written, 1 + strlen("> abc") + 1 + strlen("> "));
}

static void sequences_of_other_keys_leave_no_letters(void **state)
{
	assert_line("a\x1b[15~b", "ab", 2); /* F5 */
	assert_line("a\x1bOPb", "ab", 2);   /* F1 */
	assert_line("a\x1b[[Ab", "ab", 2);  /* F1 of a Linux console */
	assert_line("a\x1b[99999999999~b", "ab", 2);
	assert_line("a\x1b[?1;2cb", "ab", 2);
	assert_line("a\x1b"
		    "fb",
		    "ab", 2); /* Alt-F */
	assert_line("a\x1b\x1b[Db", "ba", 1);
	assert_line("ab\x1b\x01", "ab", 0); /* a control character counts */
	assert_line("ab\x1b[\x01", "ab", 0);
	assert_line("a\t\xc3\xa9\x07\x1f"
		    "b",
		    "ab", 2);
}

static void enter_is_known_in_the_midst_of_a_sequence(void **state)
{
	assert_int_equal(type("ab\x1b\r"), LINE_DONE);
	assert_int_equal(type("ab\x1b[1\n"), LINE_DONE);
	assert_int_equal(type("ab\x1b[[\x03"), LINE_CANCELLED);
}

static void cr_and_lf_together_are_one_enter(void **state)
{
	assert_int_equal(type("a\r\n"), LINE_MORE);
	assert_int_equal(type("b\n"), LINE_DONE);
	assert_int_equal(type("\n"), LINE_DONE);
	assert_int_equal(type("\r"), LINE_DONE);
}

static void the_cursor_goes_to_the_next_row_with_enter(void **state)
{
	type("abc\x01\r");
	assert_memory_equal(screen_above, "> abc ", 6);
	assert_int_equal(screen_column, 0);
}

static void ctrl_c_cancels_a_line_and_ends_an_empty_one(void **state)
{
	assert_int_equal(type("abc\x03"), LINE_CANCELLED);
	assert_memory_equal(screen_above, "> abc^C ", 8);
	assert_int_equal(type("\x03"), LINE_END);
	assert_int_equal(type("a\x7f\x03"), LINE_END);
}

static void ctrl_d_ends_an_empty_line_alone(void **state)
{
	assert_int_equal(type("\x04"), LINE_END);
	assert_int_equal(type("a\x04"), LINE_MORE);
}

static void old_lines_come_back_and_the_new_one_waits(void **state)
{
	type("one\rtwo\rthree\rfo" LEFT);
	type(UP);
	assert_string_equal(line.text, "three");
	type(UP UP UP UP);
	assert_string_equal(line.text, "one");
	type("\x0e\x0e\x10!");
	assert_string_equal(line.text, "two!");
	type(DOWN DOWN DOWN);
	assert_string_equal(line.text, "fo");
	type(UP UP "\r");
	assert_string_equal(line.old[line.old_count - 1], "two");
	assert_int_equal(line.old_count, 4);
}

static void neither_empty_nor_same_lines_are_kept(void **state)
{
	type("\rone\rone\r\rtwo\x03two\rone\r");
	assert_int_equal(line.old_count, 3);
}

static void the_oldest_of_many_lines_is_forgotten(void **state)
{
	char text[16];

	for (uint i = 0; i < LINE_HISTORY + 3; i++) {
		snprintf(text, sizeof(text), "line %u\rx\x7f", i);
		type(text);
	}
	assert_int_equal(line.old_count, LINE_HISTORY);
	assert_string_equal(line.old[0], "line 3");
	assert_string_equal(line.old[LINE_HISTORY - 1], "line 18");
}

static void a_row_is_never_left(void **state)
{
	char text[COLUMNS + 1] = {0};

	memset(text, 'x', COLUMNS);
	type(text);
	assert_int_equal(line.length, LINE_COLUMNS - 2);
	type("\x01\x1b[F" LEFT "y\x7f" UP DOWN);
}

static void a_line_that_lost_letters_is_not_done(void **state)
{
	char text[COLUMNS + 1] = {0};

	memset(text, 'x', LINE_COLUMNS - 2);
	assert_int_equal(type(text), LINE_MORE);
	assert_int_equal(type("\r"), LINE_DONE);
	type(text);
	assert_int_equal(type("y\r"), LINE_CANCELLED);
	assert_memory_equal(screen_above, "a line has at most 75 characters",
			    32);
	type(text);
	assert_int_equal(type("yz\x7fy\r"), LINE_DONE); /* it has been seen */
}

static void without_a_prompt_nothing_is_shown_or_kept(void **state)
{
	char text[LINE_SIZE + 1] = {0};

	screen_clear();
	line.prompt = NULL;
	line_start(&line);
	memset(text, 'x', LINE_SIZE - 1);
	for (const char *c = "dump" LEFT "\x17\x10\x0c"; *c; c++)
		line_key(&line, *c);
	assert_string_equal(line.text, "p");
	assert_int_equal(line_key(&line, '\r'), LINE_DONE);
	assert_int_equal(line.old_count, 0);
	line_start(&line);
	for (const char *c = text; *c; c++)
		assert_int_equal(line_key(&line, *c), LINE_MORE);
	assert_string_equal(line.text, text);
	line_key(&line, '\x03');
	assert_int_equal(line_key(&line, '\x04'), LINE_MORE);
	assert_int_equal(screen_column, 0);
	assert_int_equal(screen_row[0], ' ');
}

static void a_line_is_read_up_to_its_end(void **state)
{
	input = "one\rtwo\rthr"; /* and then Ctrl-C */
	assert_int_equal(read_line(&line), LINE_DONE);
	assert_string_equal(line.text, "one");
	assert_int_equal(read_line(&line), LINE_DONE);
	assert_string_equal(line.text, "two");
	at_the_end = -EINTR;
	assert_int_equal(read_line(&line), LINE_CANCELLED);
	at_the_end = -ENODEV;
	assert_int_equal(read_line(&line), LINE_END);
}

/* Lines of all lengths, for the worst that the heap can come to. */
static void the_history_always_has_room(void **state)
{
	line_start(&line);
	for (u64 i = host_operations(5000); i; i--) {
		for (u64 n = 1 + host_random(LINE_COLUMNS - 2); n; n--)
			line_key(&line, 'a' + host_random(26));
		assert_int_equal(line_key(&line, '\r'), LINE_DONE);
		line_start(&line);
	}
	assert_int_equal(line.old_count, LINE_HISTORY);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_typed_is_the_line),
		TEST(letters_go_in_where_the_cursor_is),
		TEST(keys_erase_what_they_say),
		TEST(keys_move_where_they_say),
		TEST(a_key_that_changes_nothing_writes_nothing),
		TEST(sequences_of_other_keys_leave_no_letters),
		TEST(enter_is_known_in_the_midst_of_a_sequence),
		TEST(cr_and_lf_together_are_one_enter),
		TEST(the_cursor_goes_to_the_next_row_with_enter),
		TEST(ctrl_c_cancels_a_line_and_ends_an_empty_one),
		TEST(ctrl_d_ends_an_empty_line_alone),
		TEST(old_lines_come_back_and_the_new_one_waits),
		TEST(neither_empty_nor_same_lines_are_kept),
		TEST(the_oldest_of_many_lines_is_forgotten),
		TEST(a_row_is_never_left),
		TEST(a_line_that_lost_letters_is_not_done),
		TEST(without_a_prompt_nothing_is_shown_or_kept),
		TEST(a_line_is_read_up_to_its_end),
		TEST(the_history_always_has_room),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
