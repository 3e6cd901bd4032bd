/*
 * A line of words divided by white space, each "word" or "word=value", as boot
 * loaders and firmware pass it. The word "--" ends the line: what follows is
 * for another program. Pure; the loader for UEFI has a copy of its own.
 */
#ifndef LIB_WORDS_H
#define LIB_WORDS_H

#include "lib/types.h"

/* The longest name of a word that has a meaning. */
#define WORD_MAX 31

/*
 * The first word at or behind @line, and in *@length the number of its
 * characters; NULL when no word is left.
 */
const char *next_word(const char *line, size_t *length);

/*
 * What follows @name in @line, where it is a word: "=value ...", " ...", or "".
 * Where it stands several times the last one counts. NULL: it is not there.
 */
const char *find_word(const char *line, const char *name);

/*
 * How many letters must be put in, left out, or changed to make @name of the
 * @length characters at @text? Capitals count as small letters. More than
 * WORD_MAX where one of the two is longer than that.
 */
uint word_distance(const char *text, size_t length, const char *name);

#endif
