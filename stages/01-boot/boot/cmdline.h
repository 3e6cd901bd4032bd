/*
 * The words on Vellum's command line.
 *
 * Each word is declared once, in the file that asks for it:
 *
 *	WORD(hypercall_word, .name = "hypercall", .help = "...");
 *	if (cmdline_has(&hypercall_word)) ...
 *
 * WORD() puts the declaration into a linker table, and nothing but such a
 * declaration can be asked for. So the table has all words that this image
 * knows and no other, and cmdline_check() can tell who typed a wrong one.
 * Book: chapter 1.
 */
#ifndef BOOT_CMDLINE_H
#define BOOT_CMDLINE_H

#include "boot/boot_info.h"
#include "lib/types.h"

/* What stands behind the word's name. */
enum word_takes {
	WORD_NOTHING, /* no value */
	WORD_NUMBER,  /* 0 to @max, in decimal or with 0x in hexadecimal */
	WORD_CHOICE,  /* one of those that @choice names; with @max, perhaps a
			 colon and a number behind it */
	WORD_NUMBERS, /* @key, a colon and numbers with commas in between */
	WORD_TEXT,    /* anything; the loader asks for it, not we */
};

struct word {
	const char *name;
	const char *help; /* what it does, for a person: half a line */
	enum word_takes takes;
	u32 max;
	const char *(*choice)(uint i); /* NULL: there are no more than @i */
	const char *key; /* WORD_NUMBERS: see there; it may stand often */
	uint most;       /* and has no more than so many in all */
	u32 only; /* BIT(BOOT_...) where only that firmware has use for it */
	bool holds_back; /* what resembles it lets nothing be launched */
};

#define WORD(variable, ...)                                   \
	static const struct word variable __used __aligned(8) \
		__attribute__((section("words"))) = {__VA_ARGS__}

/* Is @word on the command line, in whatever form? */
bool cmdline_has(const struct word *word);

/* The value of a WORD_NUMBER, or the number behind a choice; @otherwise if it
 * is not there. */
u32 cmdline_number(const struct word *word, u32 otherwise);

/* How many numbers a WORD_NUMBERS has in all; the first @word->most of them go
 * to @numbers, unless that is NULL. cmdline_check() refuses more. */
uint cmdline_numbers(const struct word *word, u32 *numbers);

/* Which of a WORD_CHOICE's values is there, counted from 0; -ENOENT: none. */
int cmdline_choice(const struct word *word);

/*
 * Name every word that is unknown, in a form that makes no sense, or of no use
 * with this firmware. After what can't have been meant so nothing may be
 * launched: that is returned, as a sentence; else NULL. Called once, when there
 * are consoles.
 */
const char *cmdline_check(void);

#endif
