/*
 * The line editor. Whatever a line is shown on knows '\r', blanks and letters,
 * and no more is used: neither Vellum's VGA text nor its framebuffer moves a
 * cursor back by one, or obeys an escape sequence. So after an edit in the
 * midst of a line its row is written anew: '\r', prompt, line, blanks over what
 * has been there, and once more as far as the cursor.
 * Book: chapter 12.
 */
#include "domain/user/line.h"

#include "domain/user/user.h"

#define CTRL(letter)  ((letter)&0x1f)
#define KEY_ESCAPE    0x1b
#define KEY_BACKSPACE 0x7f  /* what terminals send for it, or CTRL('H') */
#define KEY_DELETE    0x100 /* no character: stands for a sequence */

/* How many characters have room. */
static uint line_room(const struct line *l)
{
	return LINE_COLUMNS - (l->prompt ? strlen(l->prompt) : 0);
}

/* A row that is put together, to be written at once. */
struct row {
	uint length;
	char text[2 * (LINE_COLUMNS + 1)];
};

static void row_add(struct row *row, const char *text, uint length)
{
	memcpy(row->text + row->length, text, length);
	row->length += length;
}

/* '\r', the prompt, and the line's first @length characters. */
static void row_add_line(struct row *row, const struct line *l, uint length)
{
	row_add(row, "\r", 1);
	row_add(row, l->prompt, strlen(l->prompt));
	row_add(row, l->text, length);
}

/* Write the row anew, on which the line had @before characters. */
static void show_line(const struct line *l, uint before)
{
	struct row row;

	if (!l->prompt)
		return;
	row.length = 0;
	row_add_line(&row, l, l->length);
	for (uint i = l->length; i < before; i++)
		row_add(&row, " ", 1);
	if (l->cursor < MAX(before, l->length))
		row_add_line(&row, l, l->cursor);
	write_text(row.text, row.length);
}

/* Write @text, where something is shown at all. */
static void tell(const struct line *l, const char *text)
{
	if (l->prompt)
		write_text(text, strlen(text));
}

static void insert_key(struct line *l, char c)
{
	if (l->length == line_room(l)) {
		l->lost = true;
		return;
	}
	memmove(l->text + l->cursor + 1, l->text + l->cursor,
		l->length - l->cursor + 1);
	l->text[l->cursor++] = c;
	l->length++;
	if (l->cursor < l->length)
		show_line(l, l->length - 1);
	else
		tell(l, (const char[]){c, '\0'});
}

/* Take out the characters from @from to before @to. */
static void cut_out(struct line *l, uint from, uint to)
{
	uint before = l->length;

	if (from == to)
		return;
	memmove(l->text + from, l->text + to, l->length - to + 1);
	l->length -= to - from;
	l->cursor = from;
	l->lost = false;
	show_line(l, before);
}

static void erase_before(struct line *l)
{
	cut_out(l, l->cursor - (l->cursor > 0), l->cursor);
}

static void erase_at(struct line *l)
{
	cut_out(l, l->cursor, l->cursor + (l->cursor < l->length));
}

static void erase_to_start(struct line *l)
{
	cut_out(l, 0, l->cursor);
}

static void erase_to_end(struct line *l)
{
	cut_out(l, l->cursor, l->length);
}

static void erase_word(struct line *l)
{
	uint from = l->cursor;

	while (from && l->text[from - 1] == ' ')
		from--;
	while (from && l->text[from - 1] != ' ')
		from--;
	cut_out(l, from, l->cursor);
}

static void move_to(struct line *l, uint cursor)
{
	if (l->cursor == cursor)
		return;
	l->cursor = cursor;
	show_line(l, l->length);
}

static void go_left(struct line *l)
{
	move_to(l, l->cursor - (l->cursor > 0));
}

static void go_right(struct line *l)
{
	move_to(l, l->cursor + (l->cursor < l->length));
}

static void go_to_start(struct line *l)
{
	move_to(l, 0);
}

static void go_to_end(struct line *l)
{
	move_to(l, l->length);
}

/* Show an old line, or with old_count the new one, where there is such. */
static void show_old(struct line *l, uint which)
{
	uint before = l->length;

	if (which > l->old_count)
		return;
	if (l->shown == l->old_count)
		copy_string(l->draft, l->text, LINE_SIZE);
	l->shown = which;
	copy_string(l->text, which < l->old_count ? l->old[which] : l->draft,
		    line_room(l) + 1);
	l->length = l->cursor = strlen(l->text);
	l->lost = false;
	show_line(l, before);
}

static void go_up(struct line *l)
{
	show_old(l, l->shown - 1); /* before the first: none is so high */
}

static void go_down(struct line *l)
{
	show_old(l, l->shown + 1);
}

/* The screen may have been written to since. */
static void show_again(struct line *l)
{
	tell(l, "\n");
	show_line(l, l->length);
}

static const struct {
	int key;
	void (*act)(struct line *);
} keys[] = {
	{CTRL('A'), go_to_start},      {CTRL('B'), go_left},
	{CTRL('D'), erase_at},         {CTRL('E'), go_to_end},
	{CTRL('F'), go_right},         {CTRL('H'), erase_before},
	{CTRL('K'), erase_to_end},     {CTRL('L'), show_again},
	{CTRL('N'), go_down},          {CTRL('P'), go_up},
	{CTRL('U'), erase_to_start},   {CTRL('W'), erase_word},
	{KEY_BACKSPACE, erase_before}, {KEY_DELETE, erase_at},
};

/* ESC [ or ESC O, a number where it ends in ~, and a last character. */
static const struct {
	char last;
	uint number;
	int key;
} sequences[] = {
	{'A', 0, CTRL('P')}, {'B', 0, CTRL('N')},  {'C', 0, CTRL('F')},
	{'D', 0, CTRL('B')}, {'H', 0, CTRL('A')},  {'F', 0, CTRL('E')},
	{'~', 1, CTRL('A')}, {'~', 3, KEY_DELETE}, {'~', 4, CTRL('E')},
	{'~', 7, CTRL('A')}, {'~', 8, CTRL('E')},
};

/* The last character of a sequence has come: what key is it? 0: none of ours */
static int find_sequence(const struct line *l, int last)
{
	for (uint i = 0; i < ARRAY_SIZE(sequences); i++)
		if (sequences[i].last == last &&
		    (last != '~' || sequences[i].number == l->number))
			return sequences[i].key;
	return 0;
}

/*
 * One more character behind an ESC; returns the key to obey, or 0. A control
 * character ends any sequence and is obeyed. ESC [ [ is how a Linux console
 * begins a function key: its next character is the last.
 */
static int sequence_key(struct line *l, int key)
{
	int state = l->state;

	if (key < ' ' || state == LINE_SWALLOW || state == LINE_ESCAPE) {
		bool begins = key == '[' || key == 'O';

		l->number = 0;
		l->state = state == LINE_ESCAPE && begins ? LINE_SEQUENCE
							  : LINE_PLAIN;
		return key < ' ' ? key : 0;
	}
	if (key >= '0' && key <= '9')
		l->number = MIN(l->number * 10 + (key - '0'), 1000U);
	else if (key == '[')
		l->state = LINE_SWALLOW;
	if (key < '@' || key == '[') /* parameters, as 1;5 */
		return 0;
	l->state = LINE_PLAIN;
	return find_sequence(l, key);
}

/* Remember the line; one that is there as the last one is not kept twice. */
static void keep_line(struct line *l)
{
	uint n = l->old_count;

	if (!l->length || (n && !strcmp(l->old[n - 1], l->text)))
		return;
	if (n == LINE_HISTORY) {
		free(l->old[0]);
		memmove(l->old, l->old + 1, --n * sizeof(l->old[0]));
	}
	l->old[n] = alloc(l->length + 1);
	memcpy(l->old[n], l->text, l->length + 1);
	l->old_count = n + 1;
}

static enum line_event end_line(struct line *l)
{
	tell(l, "\n");
	if (l->lost) {
		printf("a line has at most %u characters: nothing was done\n",
		       line_room(l));
		return LINE_CANCELLED;
	}
	if (l->prompt)
		keep_line(l);
	return LINE_DONE;
}

void line_start(struct line *l)
{
	l->length = l->cursor = 0;
	l->text[0] = '\0';
	l->lost = false;
	l->state = LINE_PLAIN;
	l->shown = l->old_count;
	tell(l, l->prompt);
}

enum line_event line_key(struct line *l, int key)
{
	bool same_enter = key == '\n' && l->after_cr;

	l->after_cr = key == '\r';
	if (l->state != LINE_PLAIN)
		key = sequence_key(l, key);
	if (same_enter)
		return LINE_MORE;
	if (key == '\r' || key == '\n')
		return end_line(l);
	if (key == CTRL('C')) {
		tell(l, "^C\n");
		return l->length ? LINE_CANCELLED : LINE_END;
	}
	if (key == CTRL('D') && !l->length) {
		tell(l, "\n");
		return LINE_END;
	}
	if (key == KEY_ESCAPE)
		l->state = LINE_ESCAPE;
	else if (key >= ' ' && key < KEY_BACKSPACE)
		insert_key(l, key);
	for (uint i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].key == key)
			keys[i].act(l);
	return LINE_MORE;
}

enum line_event read_line(struct line *l)
{
	enum line_event event = LINE_MORE;

	line_start(l);
	while (event == LINE_MORE) {
		int key = readchar();

		if (key == -EINTR)
			key = CTRL('C');
		event = key < 0 ? LINE_END : line_key(l, key);
	}
	return event;
}
