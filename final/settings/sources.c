/*
 * The sources of settings, and telling from which one a value came.
 *
 * The values stay in the texts that they were read from, so these are copied
 * out of the loader's memory first.
 */
#include "settings/sources.h"

#include "boot/layout.h"
#include "console/printf.h"
#include "lib/string.h"
#include "settings/conf.h"

extern char defconfig_text[];
extern const u32 defconfig_size;

static char conf_text[CONF_MAX + 1];

/* Make words of the @size bytes at @text, and read them. */
static void read_file(struct setting_source *source, char *text, size_t size)
{
	uint line;

	source->text = text;
	if (conf_clean(text, size, &line)) {
		printf("%s:%u: this is no plain text\n", source->name, line);
		source->is_broken = true;
		text[0] = '\0';
	}
	settings_read(source);
}

static void read_files(void)
{
	static struct setting_source built_in = {"defconfig", .is_file = true};
	static struct setting_source conf = {"vellum.conf", .is_file = true};
	size_t size = MIN(boot_info.conf.size, (u64)CONF_MAX);

	read_file(&built_in, defconfig_text, defconfig_size);
	if (!size)
		return;
	memcpy(conf_text, phys_to_direct(PHYS(boot_info.conf.base)), size);
	conf.is_broken = boot_info.conf.size > size;
	if (conf.is_broken)
		printf("vellum.conf: it is longer than %u bytes\n", CONF_MAX);
	read_file(&conf, conf_text, size);
}

/* The numbers of a list, from all sources. */
static size_t describe_list(const struct setting *s, char *text, size_t size)
{
	size_t length = snprintf(text, size, "%s", s->key);

	for (uint i = 0; i < s->value->count && length < size; i++)
		length += snprintf(text + length, size - length, "%c0x%x",
				   i ? ',' : ':', s->numbers[i]);
	return length;
}

#define VALUE_SHOWN 32

void setting_describe(const struct setting *s, char *text, size_t size)
{
	const struct setting_source *source = s->value->source;
	size_t length;
	const char *set = setting_text(s, &length);
	char value[VALUE_SHOWN + 1] = "", line[12] = "";

	if (s->type == &list_type && source)
		length = describe_list(s, value, sizeof(value));
	else
		memcpy(value, set ? set : "", MIN(length, VALUE_SHOWN));
	if (length > VALUE_SHOWN)
		memcpy(value + VALUE_SHOWN - 3, "...", 4);
	if (source && source->is_file)
		snprintf(line, sizeof(line), ":%u", s->value->line);
	snprintf(text, size, "%s%s%s%s%s%s%s", s->name, set ? "=" : "", value,
		 source ? " (" : "", source ? source->name : "", line,
		 source ? ")" : "");
}

static void print_settings(void)
{
	char text[96];

	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++) {
		if (!s->value->source)
			continue;
		setting_describe(s, text, sizeof(text));
		printf("setting: %s\n", text);
	}
}

const char *settings_read_all(void)
{
	const char *why;

	read_files();
	why = settings_check();
	print_settings();
	return why;
}
