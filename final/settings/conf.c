/*
 * From a file of settings to words, as the command line has them.
 *
 * Anything can be in a file: one that is no plain text is refused, as nobody
 * can know what was meant by it.
 */
#include "settings/conf.h"

#include "lib/errno.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int conf_clean(char *text, size_t size, uint *line)
{
	bool comment = false;
	size_t end = 0;

	*line = 1;
	for (size_t i = 0; i < size; i++) {
		char c = is_blank(text[i]) ? ' ' : text[i];

		comment = c != '\n' && (comment || c == '#');
		if (comment)
			continue;
		if (c != '\n' && (c < ' ' || c > '~'))
			return -EINVAL;
		if (c == ' ' && end && text[end - 1] == '=')
			continue;
		while (c == '=' && end && text[end - 1] == ' ')
			end--;
		*line += c == '\n';
		text[end++] = c;
	}
	text[end] = '\0';
	return 0;
}
