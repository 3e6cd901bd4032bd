/*
 * What can be set when Vellum starts: one registry of names and their values.
 *
 * Each setting is declared once, in the file that asks for it:
 *
 *	SETTING(hypercall_setting, .name = "hypercall", .help = "...");
 *	if (setting_flag(&hypercall_setting)) ...
 *
 * SETTING() puts the declaration into a linker table, and nothing but such a
 * declaration can be asked for. So the table has all settings that this image
 * knows and no other, and who typed a wrong one can be told.
 * Book: chapter 1.
 */
#ifndef BOOT_SETTINGS_H
#define BOOT_SETTINGS_H

#include "boot/boot_info.h"
#include "lib/types.h"

struct setting;

/* What stands behind the name and its "=". */
struct setting_type {
	/* Is it what the @length characters at @text say, for @setting? */
	bool (*takes)(const struct setting *setting, const char *text,
		      size_t length);
	/* How to write it: printed behind the name, with the "=". */
	void (*print_form)(const struct setting *setting);
};

extern const struct setting_type number_type; /* 0 to @max, in decimal or with
						 0x in hexadecimal */
extern const struct setting_type choice_type; /* one of those that @choice
						 names; with @max, perhaps a
						 colon and a number behind it */
extern const struct setting_type list_type;   /* @key, a colon and numbers up to
					       @max with commas in between */
extern const struct setting_type text_type;   /* anything, without a blank */

/* A text that settings are read from: words between white space. Both stay
 * where they are. */
struct setting_source {
	const char *name; /* as messages call it */
	const char *text;
	bool is_file;   /* it has lines, and is read when nobody is there */
	bool is_broken; /* some of it is lost, so nothing may be launched */
};

/* The value, and where it came from. */
struct setting_value {
	const struct setting_source *source; /* NULL: it was not set */
	uint line;
	const char *text; /* behind the "="; NULL: there was none */
	size_t length;
	uint count; /* list_type: how many there are in all */
};

struct setting {
	const char *name;
	const char *help; /* what it does, for a person: half a line */
	const struct setting_type *type; /* NULL: a flag, which is set by its
					    name alone */
	u32 max;
	const char *(*choice)(uint i); /* NULL: there are no more than @i */
	const char *key; /* list_type: see there; it may stand often */
	u32 *numbers;    /* where they go */
	uint most;       /* and how many at most, in all */
	u32 only; /* BIT(BOOT_...) where only that firmware has use for it */
	bool holds_back;     /* what resembles it lets nothing be launched */
	const char *initial; /* what holds while it is not set; NULL: nothing */
	struct setting_value *value;
};

#define SETTING(variable, ...)                                   \
	static struct setting_value variable##_value;            \
	static const struct setting variable __used __aligned(8) \
		__attribute__((section("settings"))) = {         \
			.value = &variable##_value, __VA_ARGS__}

/* All of them. */
extern const struct setting __start_settings[], __stop_settings[];

/* What holds for @setting, as it was written, and how long that is: what was
 * set, or else what it is by itself. NULL: nothing. */
const char *setting_text(const struct setting *setting, size_t *length);

/* Is the flag set? */
bool setting_flag(const struct setting *setting);

/* The number, or the one behind a choice; @otherwise if it is not there. */
u32 setting_number(const struct setting *setting, u32 otherwise);

/* Which of the choices was made, counted from 0; -ENOENT: none. */
int setting_choice(const struct setting *setting);

/* How many @numbers the list has. */
uint setting_list(const struct setting *setting);

/*
 * Read @source, and name what is wrong with it. What an earlier source said is
 * overruled, but a list grows. A word that is unknown, or in a form that makes
 * no sense, is left out.
 */
void settings_read(const struct setting_source *source);

/*
 * Read the command line, which is the last source. After what can't have been
 * meant so, in any of them, nothing may be launched: that is returned, as a
 * sentence; else NULL. Called once, when there are consoles.
 */
const char *settings_check(void);

#endif
