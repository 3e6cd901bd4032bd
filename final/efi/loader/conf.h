/*
 * The words that tell Vellum what to do, from the two places where a UEFI
 * machine can keep them.
 */
#ifndef EFI_LOADER_CONF_H
#define EFI_LOADER_CONF_H

#include "lib/types.h"

/* The longest vellum.conf that makes sense, comments included. */
#define CONF_MAX 4096

/*
 * Make one line of words, divided by single spaces, of the @size bytes of
 * vellum.conf at @text: words stand between white space; # and the rest of its
 * line is a comment. Returns 0; -EINVAL for a byte that is no ASCII text, with
 * its line in *@line; -E2BIG when @words of @words_size bytes is too small.
 */
int conf_parse(const char *text, size_t size, char *words, size_t words_size,
	       uint *line);

/*
 * The same for the @length UTF-16 characters of load options; a NUL ends them.
 * With *@skip_command the first word is left out if it ends in ".efi", since
 * some callers put the name of the program there; *@skip_command then tells
 * whether it did. Returns 0, -EINVAL or -E2BIG.
 */
int options_parse(const u16 *text, size_t length, bool *skip_command,
		  char *words, size_t words_size);

#endif
