/*
 * The command line: words divided by spaces, each "word" or "word=value".
 */
#include "boot/boot_info.h"

#include "lib/errno.h"
#include "lib/string.h"

/* What follows @word where it stands as a whole word, or NULL. */
static const char *find_word(const char *word)
{
	size_t n = strlen(word);
	const char *p = boot_info.cmdline;

	while (*p) {
		while (*p == ' ')
			p++;
		if (!strncmp(p, word, n) &&
		    (p[n] == '\0' || p[n] == ' ' || p[n] == '='))
			return p + n;
		while (*p && *p != ' ')
			p++;
	}
	return NULL;
}

bool cmdline_has(const char *word)
{
	return find_word(word) != NULL;
}

int cmdline_value(const char *word, char *value, size_t size)
{
	const char *p = find_word(word);
	size_t n = 0;

	if (!p || *p != '=')
		return -ENOENT;
	while (p[1 + n] && p[1 + n] != ' ')
		n++;
	if (n >= size)
		return -E2BIG;
	memcpy(value, p + 1, n);
	value[n] = '\0';
	return 0;
}
