/*
 * Reading load options into one line of words.
 *
 * Firmware is known to pass binary data as load options: what is no plain text
 * is refused. This file runs on the host, too.
 */
#include "efi/loader/load_options.h"

#include "lib/errno.h"
#include "lib/string.h"

/* A line of words that grows. */
struct words {
	char *text;
	size_t size, used;
	bool gap; /* white space since the last word */
};

static bool is_space(uint c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Append @c, which is white space or part of a word. */
static int add(struct words *w, uint c)
{
	if (is_space(c)) {
		w->gap = true;
		return 0;
	}
	if (c < ' ' || c > '~')
		return -EINVAL;
	if (w->gap && w->used) {
		if (w->used + 1 >= w->size)
			return -E2BIG;
		w->text[w->used++] = ' ';
	}
	w->gap = false;
	if (w->used + 1 >= w->size)
		return -E2BIG;
	w->text[w->used++] = c;
	w->text[w->used] = '\0';
	return 0;
}

/* Does the first of @words end in ".efi", in whatever case? */
static bool begins_with_command(const char *words)
{
	static const char suffix[] = ".efi";
	size_t n = 0, length = sizeof(suffix) - 1;

	while (words[n] && words[n] != ' ')
		n++;
	if (n < length)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((words[n - length + i] | 0x20) != (suffix[i] | 0x20))
			return false;
	return true;
}

int options_parse(const u16 *text, size_t length, bool *skip_command,
		  char *words, size_t words_size)
{
	struct words w = {words, words_size, 0, false};
	bool look = *skip_command;
	int error;

	words[0] = '\0';
	*skip_command = false;
	for (size_t i = 0; i < length && text[i]; i++) {
		error = add(&w, text[i]);
		if (error)
			return error;
		/* Done when the first word is complete. */
		if (look && is_space(text[i]) && w.used) {
			look = false;
			*skip_command = begins_with_command(words);
			if (*skip_command)
				w.used = words[0] = 0;
		}
	}
	if (look && begins_with_command(words)) {
		*skip_command = true;
		words[0] = '\0';
	}
	return 0;
}
