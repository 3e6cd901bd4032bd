/*
 * What the line editor is shown on: rows of 80 columns, of which one is kept,
 * and no more is understood than every console of Vellum does.
 */
#ifndef DOMAIN_TEST_HOST_SCREEN_H
#define DOMAIN_TEST_HOST_SCREEN_H

#include "domain/test/host_program.h"
#include "domain/user/line.h"

#define COLUMNS 80

static char screen_row[COLUMNS + 1];   /* where the cursor is, */
static char screen_above[COLUMNS + 1]; /* and the row above */
static uint screen_column;

static inline void screen_clear(void)
{
	memset(screen_row, ' ', COLUMNS);
	screen_column = 0;
}

static inline void screen_putc(char c)
{
	if (c == '\r') {
		screen_column = 0;
	} else if (c == '\n') {
		memcpy(screen_above, screen_row, sizeof(screen_above));
		screen_clear();
	} else if (c < ' ' || c > '~' || screen_column == COLUMNS - 1) {
		panic("screen: %#x in column %u", (u8)c, screen_column);
	} else {
		screen_row[screen_column++] = c;
	}
}

/* Does the row show what @l has, and nothing else? */
static inline bool screen_shows(const struct line *l)
{
	char row[COLUMNS + 1];
	uint prompt = strlen(l->prompt);

	memset(row, ' ', COLUMNS);
	row[COLUMNS] = '\0';
	memcpy(row, l->prompt, prompt);
	memcpy(row + prompt, l->text, strlen(l->text));
	return strlen(l->text) == l->length &&
	       screen_column == prompt + l->cursor && !strcmp(row, screen_row);
}

#endif
