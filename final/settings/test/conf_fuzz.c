/*
 * Fuzz target: vellum.conf, from its bytes to settings. An input is such a
 * file. What comes of it is a fixed point, has as many lines, and what was read
 * of it can be asked for.
 */
#include "fuzz.h"
#include "settings/conf.h"
#include "settings/sources.h"
#include "settings/types.h"

struct boot_info boot_info;
char defconfig_text[1];
const u32 defconfig_size;

static const char *colour(uint i)
{
	static const char *const names[] = {"red", "green", NULL};

	return names[i];
}

static u32 numbers[3];
SETTING(check_setting, .name = "check", .help = "", .holds_back = true);
SETTING(boot_setting, .name = "boot", .help = "", .type = &number_type,
	.max = 0xff);
SETTING(colour_setting, .name = "colour", .help = "", .type = &choice_type,
	.choice = colour, .max = 99);
SETTING(list_setting, .name = "msr", .help = "", .type = &list_type,
	.key = "pass", .max = UINT32_MAX, .numbers = numbers, .most = 3);
SETTING(ip_setting, .name = "net.ip", .help = "", .type = &ipv4_type);
SETTING(log_setting, .name = "log.udp", .help = "", .type = &ipv4_port_type);
SETTING(mac_setting, .name = "net.mac", .help = "", .type = &mac_type);
SETTING(size_setting, .name = "size", .help = "", .type = &size_type,
	.max = 1 << 30);

static uint lines_of(const char *text, size_t size)
{
	uint lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	return lines;
}

/* What can be asked for is in its bounds. */
static void check_values(uint lines)
{
	char text[96];
	u32 address;
	u16 port = 1;
	u8 mac[6];

	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++) {
		setting_describe(s, text, sizeof(text));
		require(s->value->line <= lines + 1);
	}
	require(setting_number(&boot_setting, 7) <= 0xff);
	require(setting_choice(&colour_setting) < 2);
	require(setting_number(&colour_setting, 7) <= 99);
	require(setting_list(&list_setting) <= 3);
	require(setting_size(&size_setting, 7) <= 1 << 30);
	require(setting_ipv4(&ip_setting, &address, NULL) ==
		(ip_setting.value->source != NULL));
	require(!setting_ipv4(&log_setting, &address, &port) || port);
	require(!setting_mac(&mac_setting, mac) || !(mac[0] & 1));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct setting_source file = {"vellum.conf", .is_file = true};
	char *text = malloc(size + 1), *again;
	uint lines, line;

	require(text);
	memcpy(text, data, size);
	fuzz_operations++;
	if (!conf_clean(text, size, &line)) {
		require(strlen(text) <= size);
		lines = lines_of(text, strlen(text));
		require(lines == lines_of((const char *)data, size));
		again = strdup(text);
		require(!conf_clean(again, strlen(again), &line));
		require(!strcmp(text, again) && line == lines + 1);
		libc_free(again);
		for (const struct setting *s = __start_settings;
		     s != __stop_settings; s++)
			*s->value = (struct setting_value){0};
		file.text = text;
		settings_read(&file);
		settings_check();
		check_values(lines);
	} else {
		require(line <= lines_of((const char *)data, size) + 1);
	}
	libc_free(text);
	return 0;
}
