/*
 * Fuzz target: vellum.conf and load options. An input is the size of the
 * result, one bit of options, and the text. A good result is a fixed point:
 * reading it again gives the same words.
 */
#include "efi/loader/conf.h"
#include "fuzz.h"

static char words[256], again[256];

/* Words divided by single spaces, in plain ASCII. */
static void check_words(size_t size)
{
	uint line;

	require(strnlen(words, size) < size);
	for (const char *p = words; *p; p++) {
		require(*p >= ' ' && *p <= '~');
		require(*p != ' ' || (p > words && p[1] > ' '));
	}
	require(conf_parse(words, strlen(words), again, sizeof(again), &line) ==
		0);
	require(strchr(words, '#') || !strcmp(words, again));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	size_t space = 1 + fuzz_byte(&in) % (sizeof(words) - 1);
	u32 kind = fuzz_byte(&in);
	bool skip = kind & 1;
	size_t left = in.end - in.at;
	u16 *text = malloc(left + 1); /* aligned, and of the exact size */
	uint line;
	int error;

	require(text);
	memcpy(text, in.at, left);
	if (kind & 2)
		error = options_parse(text, left / 2, &skip, words, space);
	else
		error = conf_parse((char *)text, left, words, space, &line);
	fuzz_operations++;
	if (!error)
		check_words(space);
	libc_free(text);
	return 0;
}
