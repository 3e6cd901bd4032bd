/*
 * Fuzz target: the command line. An input is a word to look for, a NUL, and a
 * command line, which is taken apart here a second time in another way.
 */
#include "boot/boot_info.h"
#include "fuzz.h"
#include "lib/errno.h"

struct boot_info boot_info;

/* The first word that is @word or begins with "@word=", in a copy; or NULL. */
static char *expected(char *line, const char *word)
{
	size_t n = strlen(word);
	char *save;

	for (char *w = strtok_r(line, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		if (!strncmp(w, word, n) && (!w[n] || w[n] == '='))
			return w + n;
	return NULL;
}

static void check(const char *word)
{
	static char line[sizeof(boot_info.cmdline)], value[16];
	char *rest;
	int error;

	strcpy(line, boot_info.cmdline);
	rest = expected(line, word);
	require(cmdline_has(word) == (rest != NULL));
	error = cmdline_value(word, value, sizeof(value));
	if (!rest || *rest != '=')
		require(error == -ENOENT);
	else if (strlen(rest + 1) >= sizeof(value))
		require(error == -E2BIG);
	else
		require(error == 0 && !strcmp(value, rest + 1));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char word[32] = "";
	size_t n = size ? strnlen((const char *)data, size - 1) : 0;

	if (n == 0 || n >= sizeof(word))
		return 0;
	memcpy(word, data, n);
	if (strchr(word, ' ') || strchr(word, '='))
		return 0;
	data += n + 1;
	size = MIN(size - n - 1, sizeof(boot_info.cmdline) - 1);
	memset(boot_info.cmdline, 0, sizeof(boot_info.cmdline));
	memcpy(boot_info.cmdline, data, size);
	check(word);
	fuzz_operations++;
	return 0;
}
