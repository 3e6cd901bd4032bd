/*
 * Fuzz target: the command line. An input is one; it is taken apart here a
 * second time, in another way.
 */
#include <ctype.h>

#include "boot/cmdline.h"
#include "fuzz.h"
#include "lib/errno.h"

struct boot_info boot_info;

static const char *refused;

static const char *colour(uint i)
{
	static const char *const names[] = {"red", "green", NULL};

	return names[i];
}

WORD(check_word, .name = "check", .help = "look", .holds_back = true);
WORD(boot_word, .name = "boot", .help = "drive", .takes = WORD_NUMBER,
     .max = 0xff);
WORD(colour_word, .name = "colour", .help = "paint", .takes = WORD_CHOICE,
     .choice = colour);

/* What follows @name in the last word of the line that is "@name" or begins
 * with "@name=", in a copy; or NULL. */
static char *expected(const char *name)
{
	static char line[sizeof(boot_info.cmdline)];
	size_t n = strlen(name);
	char *save, *found = NULL;

	strcpy(line, boot_info.cmdline);
	for (char *w = strtok_r(line, " \t", &save); w && strcmp(w, "--");
	     w = strtok_r(NULL, " \t", &save))
		if (!strncmp(w, name, n) && (!w[n] || w[n] == '='))
			found = w + n;
	return found;
}

static void check_number(const char *text)
{
	char *end;
	bool prefixed = text && !strncasecmp(text, "=0x", 3);
	unsigned long value =
		text && *text ? strtoul(text + 1, &end, prefixed ? 16 : 10) : 0;
	bool good = text && *text && !*end && value <= 0xff &&
		    isxdigit(text[prefixed ? 3 : 1]);

	require(cmdline_number(&boot_word, 999) == (good ? value : 999));
	require(!text || good || refused);
}

static void check_choice(const char *text)
{
	int i = !text                     ? -ENOENT
		: !strcmp(text, "=red")   ? 0
		: !strcmp(text, "=green") ? 1
					  : -ENOENT;

	require(cmdline_choice(&colour_word) == i);
	require(!text || i >= 0 || refused);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	size = MIN(size, sizeof(boot_info.cmdline) - 1);
	memset(boot_info.cmdline, 0, sizeof(boot_info.cmdline));
	for (size_t i = 0; i < size; i++) /* as multiboot.c does */
		boot_info.cmdline[i] =
			data[i] >= ' ' && data[i] <= '~' ? data[i] : '\t';
	refused = cmdline_check();
	fuzz_operations++;
	/* What comes of the image's name in front is for the tests. */
	if (boot_info.cmdline[0] == '/' || boot_info.cmdline[0] == '(' ||
	    strstr(boot_info.cmdline, ".elf"))
		return 0;
	require(cmdline_has(&check_word) == (expected("check") != NULL));
	check_number(expected("boot"));
	check_choice(expected("colour"));
	return 0;
}
