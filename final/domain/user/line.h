/*
 * Reading a line that somebody types and edits, with those typed before.
 */
#ifndef DOMAIN_USER_LINE_H
#define DOMAIN_USER_LINE_H

#include "lib/types.h"

/* Prompt and line fit into one row of 80 columns, with ^C and the cursor: the
 * row is never left, whatever the line is shown on. */
#define LINE_COLUMNS 77
#define LINE_SIZE    (LINE_COLUMNS + 1)
#define LINE_HISTORY 16

/*
 * The heap that the old lines need, in ints: at the worst LINE_HISTORY of the
 * longest, with a gap around each that is just too small for one more.
 */
#define LINE_HEAP ((2 * LINE_HISTORY + 1) * (LINE_SIZE + 16) / 4)

/* What a key has led to. */
enum line_event {
	LINE_MORE,      /* the line is not done */
	LINE_DONE,      /* Enter: it is in @text */
	LINE_CANCELLED, /* Ctrl-C; or it had no room, which has been said */
	LINE_END, /* Ctrl-C or Ctrl-D on an empty line, or no more input */
};

/* A line, and those before it. All is 0 at first but @prompt. */
struct line {
	const char *prompt;   /* at most 40; NULL: show nothing */
	char text[LINE_SIZE]; /* what has been typed; ends with a NUL */
	uint length, cursor;
	bool lost; /* characters that had no room, since the last edit */

	/* Between keys: what of an escape sequence has come. */
	enum {
		LINE_PLAIN,
		LINE_ESCAPE,
		LINE_SEQUENCE,
		LINE_SWALLOW
	} state;
	uint number;
	bool after_cr; /* a LF right behind a CR is the same Enter */

	char *old[LINE_HISTORY]; /* of alloc(), the last one last */
	uint old_count;
	uint shown;            /* which of them; old_count: the new one */
	char draft[LINE_SIZE]; /* the new one while an old one is shown */
};

/* Show the prompt, with an empty line behind it. */
void line_start(struct line *line);

/*
 * A character of input. Knows the arrows, Home, End and Delete, backspace, and
 * Ctrl with A B D E F H K L N P U W as other shells do. After any event but
 * LINE_MORE the next line wants a line_start().
 */
enum line_event line_key(struct line *line, int key);

/* Both together: read a line from who has started the program. */
enum line_event read_line(struct line *line);

#endif
