/*
 * The words that a UEFI machine passes to the programs that it starts.
 */
#ifndef EFI_LOADER_LOAD_OPTIONS_H
#define EFI_LOADER_LOAD_OPTIONS_H

#include "lib/types.h"

/*
 * Make one line of words, divided by single spaces, of the @length UTF-16
 * characters of load options; a NUL ends them. With *@skip_command the first
 * word is left out if it ends in ".efi", since some callers put the name of the
 * program there; *@skip_command then tells whether it did. Returns 0; -EINVAL
 * for a character that is no ASCII text; -E2BIG when @words of @words_size
 * bytes is too small.
 */
int options_parse(const u16 *text, size_t length, bool *skip_command,
		  char *words, size_t words_size);

#endif
