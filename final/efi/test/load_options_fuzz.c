/*
 * Fuzz target: load options. An input is the size of the result, whether a
 * command may be skipped, and the text.
 */
#include "efi/loader/load_options.h"
#include "fuzz.h"

static char words[256];

/* Words divided by single spaces, in plain ASCII. */
static void check_words(size_t size)
{
	require(strnlen(words, size) < size);
	for (const char *p = words; *p; p++) {
		require(*p >= ' ' && *p <= '~');
		require(*p != ' ' || (p > words && p[1] > ' '));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	size_t space = 1 + fuzz_byte(&in) % (sizeof(words) - 1);
	bool skip = fuzz_byte(&in) & 1;
	size_t left = in.end - in.at;
	u16 *text = malloc(left + 1); /* aligned, and of the exact size */

	require(text);
	memcpy(text, in.at, left);
	fuzz_operations++;
	if (!options_parse(text, left / 2, &skip, words, space))
		check_words(space);
	libc_free(text);
	return 0;
}
