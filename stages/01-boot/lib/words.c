/*
 * Words: finding one in a line, and telling which known one was meant.
 */
#include "lib/words.h"

#include "lib/string.h"

static bool is_space(char c)
{
	return c && (u8)c <= ' ';
}

const char *next_word(const char *line, size_t *length)
{
	size_t n = 0;

	while (is_space(*line))
		line++;
	while (line[n] && !is_space(line[n]))
		n++;
	*length = n;
	return n && (n != 2 || memcmp(line, "--", 2)) ? line : NULL;
}

const char *find_word(const char *line, const char *name)
{
	const char *word, *found = NULL;
	size_t length, n = strlen(name);

	while ((word = next_word(line, &length))) {
		line = word + length;
		if (length >= n && !memcmp(word, name, n) &&
		    (length == n || word[n] == '='))
			found = word + n;
	}
	return found;
}

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/*
 * Levenshtein's distance. After each letter of @text, row[j] is the distance
 * from what was read so far to the first j letters of @name.
 */
uint word_distance(const char *text, size_t length, const char *name)
{
	u8 row[WORD_MAX + 1], above_left;
	size_t n = strlen(name);

	if (length > WORD_MAX || n > WORD_MAX)
		return WORD_MAX + 1;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; i < length; i++) {
		above_left = row[0];
		row[0] = i + 1;
		for (size_t j = 1; j <= n; j++) {
			u8 change = above_left +
				    (small(text[i]) != small(name[j - 1]));

			above_left = row[j];
			row[j] = MIN(change, MIN(row[j - 1], row[j]) + 1);
		}
	}
	return row[n];
}
