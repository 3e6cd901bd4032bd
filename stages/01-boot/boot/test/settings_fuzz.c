/*
 * Fuzz target: the command line. An input is one; it is taken apart here a
 * second time, in another way.
 */
#include <ctype.h>

#include "boot/settings.h"
#include "fuzz.h"
#include "lib/errno.h"

struct boot_info boot_info;

static const char *refused;

static const char *colour(uint i)
{
	static const char *const names[] = {"red", "green", NULL};

	return names[i];
}

SETTING(check_setting, .name = "check", .help = "look", .holds_back = true);
SETTING(boot_setting, .name = "boot", .help = "drive", .type = &number_type,
	.max = 0xff);
SETTING(colour_setting, .name = "colour", .help = "paint", .type = &choice_type,
	.choice = colour);
SETTING(end_setting, .name = "end", .help = "then", .type = &choice_type,
	.choice = colour, .max = 99);

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

/* The number behind the character at @text; -1: none up to @max. */
static long number(const char *text, unsigned long max)
{
	char *end;
	bool prefixed = text && *text && !strncasecmp(text + 1, "0x", 2);
	unsigned long value =
		text && *text ? strtoul(text + 1, &end, prefixed ? 16 : 10) : 0;

	return text && *text && !*end && value <= max &&
			       isxdigit(text[prefixed ? 3 : 1])
		       ? (long)value
		       : -1;
}

static void check_flag(const char *text)
{
	bool on = text && (!*text || !strcmp(text, "=yes"));

	require(refused || setting_flag(&check_setting) == on);
	require(!text || on || !strcmp(text, "=no") || refused);
}

static void check_number(const char *text)
{
	long value = number(text, 0xff);
	bool good = value >= 0;

	require(refused ||
		setting_number(&boot_setting, 999) == (good ? value : 999));
	require(!text || good || refused);
}

static void check_choice(const char *text)
{
	int i = !text                     ? -ENOENT
		: !strcmp(text, "=red")   ? 0
		: !strcmp(text, "=green") ? 1
					  : -ENOENT;

	require(refused || setting_choice(&colour_setting) == i);
	require(!text || i >= 0 || refused);
}

static void check_choice_with_number(char *text)
{
	char *colon = text ? strchr(text, ':') : NULL;
	long value = number(colon, 99);
	int i = -ENOENT;

	if (colon)
		*colon = '\0';
	if (text && (!colon || value >= 0))
		i = !strcmp(text, "=red")     ? 0
		    : !strcmp(text, "=green") ? 1
					      : -ENOENT;
	require(refused || setting_choice(&end_setting) == i);
	require(refused || setting_number(&end_setting, 999) ==
				   (i >= 0 && colon ? value : 999));
	require(!text || i >= 0 || refused);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	size = MIN(size, sizeof(boot_info.cmdline) - 1);
	memset(boot_info.cmdline, 0, sizeof(boot_info.cmdline));
	for (size_t i = 0; i < size; i++) /* as multiboot.c does */
		boot_info.cmdline[i] =
			data[i] >= ' ' && data[i] <= '~' ? data[i] : '\t';
	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++)
		*s->value = (struct setting_value){0};
	refused = settings_check();
	fuzz_operations++;
	/* What comes of the image's name in front is for the tests. */
	if (boot_info.cmdline[0] == '/' || boot_info.cmdline[0] == '(' ||
	    strstr(boot_info.cmdline, ".elf"))
		return 0;
	check_flag(expected("check"));
	check_number(expected("boot"));
	check_choice(expected("colour"));
	check_choice_with_number(expected("end"));
	return 0;
}
