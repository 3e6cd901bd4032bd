/*
 * The text of vellum.conf, network addresses and sizes, good and bad, and where
 * a value came from.
 */
#include "boot/layout.h"
#include "host.h"
#include "lib/errno.h"
#include "settings/conf.h"
#include "settings/sources.h"
#include "settings/types.h"

struct boot_info boot_info;
#define DEFCONFIG "# built in\nlog.udp = 10.0.0.1\nname=defconfig"
char defconfig_text[sizeof(DEFCONFIG)];
const u32 defconfig_size = sizeof(DEFCONFIG) - 1;

SETTING(name_setting, .name = "name", .help = "text", .type = &text_type);
SETTING(log_setting, .name = "log.udp", .help = "to", .type = &ipv4_port_type);
SETTING(ip_setting, .name = "net.ip", .help = "ours", .type = &ipv4_type);
SETTING(mac_setting, .name = "net.mac", .help = "hop", .type = &mac_type);
SETTING(size_setting, .name = "room", .help = "so much", .type = &size_type,
	.max = 64 << 20);

static char text[256];
static uint line;

static int clean(const char *from)
{
	strcpy(text, from);
	return conf_clean(text, strlen(text), &line);
}

static void blanks_around_the_sign_and_comments_are_left_out(void **state)
{
	assert_int_equal(clean("a = 1\r\n\tb\t=2# x = y\n#c\n  d= 3 e"), 0);
	assert_string_equal(text, "a=1 \n b=2\n\n  d=3 e");
	assert_int_equal(line, 4);
	assert_int_equal(clean("# \xc3\xa4\nnext=\\a.efi# x\nb #"), 0);
	assert_string_equal(text, "\nnext=\\a.efi\nb ");
}

static void a_value_stands_on_the_line_of_its_name(void **state)
{
	assert_int_equal(clean("a =\nb\n= c\n"), 0);
	assert_string_equal(text, "a=\nb\n=c\n");
}

static void an_empty_file_has_no_words(void **state)
{
	assert_int_equal(clean(""), 0);
	assert_string_equal(text, "");
	assert_int_equal(clean("\n# only a comment"), 0);
	assert_string_equal(text, "\n");
}

static void a_byte_that_is_no_text_is_named_by_its_line(void **state)
{
	assert_int_equal(clean("a\nb\nc\x80"), -EINVAL);
	assert_int_equal(line, 3);
	text[0] = '\0';
	assert_int_equal(conf_clean(text, 1, &line), -EINVAL);
	assert_int_equal(line, 1);
}

static bool ipv4(const char *s, u32 *address, u16 *port)
{
	return read_ipv4(s, strlen(s), address, port);
}

static void an_ipv4_address_is_four_bytes_and_perhaps_a_port(void **state)
{
	static const char *const wrong[] = {
		"",          "10",         "10.0.2",      "10.0.2.",
		"10.0.2.2.", "10.0.2.256", "10.0.2.2 ",   "10.0..2",
		"1e.0.2.2",  "010.0.2.2",  "10.0.2.0002", "-1.0.2.2",
		"10.0.2.2:", "10.0.2.2:0", "10.0.2.2:x",  "10.0.2.2:65536",
		"10.0.2.00", "10.0.2.2::", "10.0.2.2:1:", "0x0a.0.2.2",
	};
	u32 address = 0;
	u16 port = 7;

	assert_true(ipv4("10.0.2.15", &address, NULL));
	assert_int_equal(address, 0x0a00020f);
	assert_true(ipv4("255.255.255.0", &address, &port));
	assert_int_equal(address, 0xffffff00);
	assert_int_equal(port, 7);
	assert_true(ipv4("0.0.0.0:65535", &address, &port));
	assert_int_equal(port, 65535);
	assert_false(ipv4("10.0.2.2:514", &address, NULL));
	for (uint i = 0; i < ARRAY_SIZE(wrong); i++)
		if (ipv4(wrong[i], &address, &port))
			fail_msg("`%s` was taken", wrong[i]);
}

static void a_mac_address_is_one_hosts(void **state)
{
	static const char *const wrong[] = {
		"",
		"52:54:00:12:34",
		"52:54:00:12:34:",
		"52:54:00:12:34:56:",
		"52-54-00-12-34-56",
		"52:54:00:12:34:5g",
		"525:4:00:12:34:56",
		"00:00:00:00:00:00",
		"ff:ff:ff:ff:ff:ff",
		"01:00:5e:00:00:01",
	};
	u8 mac[6];

	assert_true(read_mac("52:54:00:aB:3:56", 16, mac));
	assert_memory_equal(mac, "\x52\x54\x00\xab\x03\x56", 6);
	for (uint i = 0; i < ARRAY_SIZE(wrong); i++)
		if (read_mac(wrong[i], strlen(wrong[i]), mac))
			fail_msg("`%s` was taken", wrong[i]);
}

static void a_size_may_have_a_unit(void **state)
{
	static const char *const wrong[] = {"",   "K",    "1T",         "1KB",
					    "-1", "0x10", "99999999999"};
	u64 size;

	assert_true(read_size("123", 3, &size));
	assert_int_equal(size, 123);
	assert_true(read_size("64K", 3, &size));
	assert_int_equal(size, 64 << 10);
	assert_true(read_size("2m", 2, &size));
	assert_int_equal(size, 2 << 20);
	assert_true(read_size("4294967295G", 11, &size));
	assert_int_equal(size, 4294967295UL << 30);
	for (uint i = 0; i < ARRAY_SIZE(wrong); i++)
		if (read_size(wrong[i], strlen(wrong[i]), &size))
			fail_msg("`%s` was taken", wrong[i]);
}

/* Read @conf as vellum.conf, which lies where @boot_info says, and @cmdline. */
static const char *read_all(char *conf, size_t size, const char *cmdline)
{
	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++)
		*s->value = (struct setting_value){0};
	boot_info = (struct boot_info){
		.conf = {(u64)conf - DIRECT_VIRT, size, MEM_RAM}};
	strcpy(boot_info.cmdline, cmdline);
	strcpy(defconfig_text, DEFCONFIG);
	host_printed[0] = '\0';
	return settings_read_all();
}

static bool described(const struct setting *s, const char *as)
{
	char text[96];

	setting_describe(s, text, sizeof(text));
	return !strcmp(text, as);
}

static void the_last_source_counts_and_each_value_tells_its_own(void **state)
{
	char conf[] = "net.ip = 10.0.2.15\n\nname = conf # more\nroom=1M";
	u32 address;
	u16 port = 514;

	assert_null(read_all(conf, strlen(conf), "name=line"));
	assert_non_null(strstr(host_printed, "setting: room=1M (vellum.conf"));
	assert_true(described(&name_setting, "name=line (command line)"));
	assert_true(described(&log_setting, "log.udp=10.0.0.1 (defconfig:2)"));
	assert_true(described(&ip_setting, "net.ip=10.0.2.15 (vellum.conf:1)"));
	assert_true(described(&mac_setting, "net.mac"));
	assert_true(setting_ipv4(&log_setting, &address, &port));
	assert_int_equal(address, 0x0a000001);
	assert_int_equal(port, 514);
	assert_int_equal(setting_size(&size_setting, 1), 1 << 20);
	memset(conf, 'x', sizeof(conf)); /* the loader's memory is used again */
	assert_true(described(&ip_setting, "net.ip=10.0.2.15 (vellum.conf:1)"));
	assert_null(strstr(host_printed, "net.mac"));
}

static void a_wrong_line_is_named_and_the_rest_is_used(void **state)
{
	char conf[] = "room = 65M\nnet.ip=10.0.2\nnet.ipp = 1.2.3.4\n"
		      "net.mac = 52:54:00:12:34:56\n";
	u8 mac[6];

	assert_null(read_all(conf, strlen(conf), ""));
	assert_non_null(strstr(host_printed,
			       "vellum.conf:1: `room=65M` is wrong: it must "
			       "be room=0..67108864[K|M|G]; it is left out\n"));
	assert_non_null(strstr(host_printed, "vellum.conf:2: `net.ip=10.0.2` "
					     "is wrong: it must be "
					     "net.ip=A.B.C.D; it is left"));
	assert_non_null(strstr(host_printed,
			       "vellum.conf:3: `net.ipp=1.2.3.4` is unknown; "
			       "did you mean `net.ip=A.B.C.D`?\n"));
	assert_true(setting_mac(&mac_setting, mac));
}

static void after_a_file_that_is_not_whole_nothing_is_launched(void **state)
{
	static char conf[CONF_MAX + 10];

	memset(conf, '\n', sizeof(conf));
	assert_null(read_all(conf, CONF_MAX, ""));
	assert_non_null(read_all(conf, CONF_MAX + 1, ""));
	assert_non_null(strstr(host_printed, "longer than 4096 bytes"));
	conf[9] = '\x01';
	assert_non_null(read_all(conf, 20, ""));
	assert_non_null(strstr(host_printed, "vellum.conf:10: this is no"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(blanks_around_the_sign_and_comments_are_left_out),
		T(a_value_stands_on_the_line_of_its_name),
		T(an_empty_file_has_no_words),
		T(a_byte_that_is_no_text_is_named_by_its_line),
		T(an_ipv4_address_is_four_bytes_and_perhaps_a_port),
		T(a_mac_address_is_one_hosts),
		T(a_size_may_have_a_unit),
		T(the_last_source_counts_and_each_value_tells_its_own),
		T(a_wrong_line_is_named_and_the_rest_is_used),
		T(after_a_file_that_is_not_whole_nothing_is_launched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
