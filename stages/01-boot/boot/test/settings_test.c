/*
 * Words and values on the command line, good and mistyped.
 */
#include "boot/settings.h"
#include "host.h"
#include "lib/errno.h"
#include "lib/string.h"

struct boot_info boot_info;

static const char *colour(uint i)
{
	static const char *const names[] = {"red", "green", NULL};

	return names[i];
}

SETTING(check_setting, .name = "check", .help = "look", .holds_back = true);
SETTING(boot_setting, .name = "boot", .help = "drive", .type = &number_type,
	.max = 0xff, .only = BIT(BOOT_BIOS));
SETTING(colour_setting, .name = "colour", .help = "paint", .type = &choice_type,
	.choice = colour);
SETTING(end_setting, .name = "end", .help = "then", .type = &choice_type,
	.choice = colour, .max = 99);
SETTING(next_setting, .name = "next", .help = "file", .type = &text_type,
	.only = BIT(BOOT_UEFI));

static u32 passed[4];
SETTING(pass_setting, .name = "msr", .help = "pass", .type = &list_type,
	.key = "pass", .max = UINT32_MAX, .numbers = passed,
	.most = ARRAY_SIZE(passed));

/* Put @line on the command line, with nothing read yet. */
static void put(const char *line)
{
	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++)
		*s->value = (struct setting_value){0};
	boot_info = (struct boot_info){.firmware = BOOT_BIOS};
	assert_true(copy_string(boot_info.cmdline, line,
				sizeof(boot_info.cmdline)));
}

/* Read @line, or what is there; true if nothing may be launched after it. */
static bool refused(const char *line)
{
	if (line)
		put(line);
	host_printed[0] = '\0';
	return settings_check();
}

static void set(const char *line)
{
	put(line);
	settings_check();
}

/* Read @text as a file does; true if nothing may be launched after it. */
static bool refused_file(const char *text)
{
	static struct setting_source file = {.name = "vellum.conf",
					     .is_file = true};

	put("");
	file.text = text;
	host_printed[0] = '\0';
	settings_read(&file);
	return settings_check();
}

static bool said(const char *text)
{
	return strstr(host_printed, text);
}

static void good_words_are_passed_over_in_silence(void **state)
{
	assert_false(refused(""));
	assert_false(refused("  "));
	assert_false(refused("check boot=0x80 colour=green"));
	assert_false(refused("\tboot=0"));
	assert_false(refused("boot=255 -- chekc boot=x"));
	assert_string_equal(host_printed, "");
}

static void a_number_is_read_or_replaced(void **state)
{
	set("boot=0xE0");
	assert_int_equal(setting_number(&boot_setting, 1), 0xe0);
	set("boot=7 boot=9");
	assert_int_equal(setting_number(&boot_setting, 1), 9);
	set("check");
	assert_int_equal(setting_number(&boot_setting, 1), 1);
	set("boot");
	assert_int_equal(setting_number(&boot_setting, 1), 1);
}

static void numbers_come_in_a_list_and_in_several_words(void **state)
{
	assert_false(refused("msr=pass:0x150"));
	assert_int_equal(setting_list(&pass_setting), 1);
	assert_int_equal(passed[0], 0x150);
	assert_false(refused("check msr=pass:1,0xc0010010 boot=1 "
			     "msr=pass:3,pass:4"));
	assert_string_equal(host_printed, "");
	assert_int_equal(setting_list(&pass_setting), 4);
	assert_int_equal(passed[1], 0xc0010010);
	assert_int_equal(passed[2], 3);
	assert_int_equal(passed[3], 4);
	set("check");
	assert_int_equal(setting_list(&pass_setting), 0);
}

static void wrong_numbers_in_a_list_are_refused(void **state)
{
	static const char *const wrong[] = {
		"msr",
		"msr=",
		"msr=pass",
		"msr=pass:",
		"msr=0x150",
		"msr=pass:x",
		"msr=pass:1,",
		"msr=pass:,1",
		"msr=pass:0x100000000",
		"msr=pass:1,,2",
		"msr=hide:1",
		"msr=pass:1 msr=pass:",
		"msr=pass:1,pass:",
	};
	for (uint i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(refused(wrong[i]));
		assert_true(said("it must be msr=pass:0..0xffffffff,..."));
	}
	assert_true(refused("msr=pass:1,2,3 msr=pass:4,5"));
	assert_true(said("there are more than 4"));
	assert_int_equal(setting_list(&pass_setting), 3);
}

static void a_choice_is_counted(void **state)
{
	set("colour=red");
	assert_int_equal(setting_choice(&colour_setting), 0);
	set("colour=green");
	assert_int_equal(setting_choice(&colour_setting), 1);
	set("colour=greenish");
	assert_int_equal(setting_choice(&colour_setting), -ENOENT);
	set("colour");
	assert_int_equal(setting_choice(&colour_setting), -ENOENT);
	set("check");
	assert_int_equal(setting_choice(&colour_setting), -ENOENT);
	assert_true(setting_flag(&check_setting));
	assert_false(setting_flag(&colour_setting));
}

static void the_images_name_is_no_word(void **state)
{
	static const char *const lines[] = {
		"/boot/vellum.elf check",
		"vellum.elf check",
		"/a path/to it/vellum.elf check",
		"(hd0,1)/x check",
		"/boot/check check",
		"/boot/check.elf check",
	};

	for (uint i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_false(refused(lines[i]));
		assert_string_equal(host_printed, "");
		assert_true(setting_flag(&check_setting));
	}
	assert_false(refused("/boot/x boot=0x80 y.elf"));
	assert_true(said("`y.elf` is unknown"));
	assert_int_equal(setting_number(&boot_setting, 1), 0x80);
}

static void an_unknown_word_is_named_with_the_nearest(void **state)
{
	assert_false(refused("booot=0x80 check"));
	assert_true(said("`booot=0x80` is unknown; did you mean "
			 "`boot=0..0xff`?\n"));
	assert_true(said("  colour=red|green: paint\n"));
	assert_false(refused("color=red"));
	assert_true(said("did you mean `colour=red|green`?"));
	assert_false(refused("quiet"));
	assert_true(said("`quiet` is unknown\n"));
}

static void what_resembles_check_lets_nothing_be_launched(void **state)
{
	static const char *const lines[] = {
		"chekc",        "chck",      "check.",
		"CHECK",        "checks",    "--check",
		"\"check\"",    "check:1",   "mode=chekc",
		"x,check",      "chekc=1",   "cehck",
		"boot=0x80 ck", "Check=yes", "a b c chec -- check",
	};

	for (uint i = 0; i < ARRAY_SIZE(lines); i++) {
		bool near = strcmp(lines[i], "boot=0x80 ck");

		assert_int_equal(refused(lines[i]), near);
		assert_int_equal(said("may stand for `check`"), near);
	}
}

static void a_wrong_value_is_named_and_nothing_is_launched(void **state)
{
	static const char *const lines[] = {
		"boot=zz",    "boot=0x100",
		"boot=256",   "boot=",
		"boot",       "boot=0x",
		"boot=-1",    "boot=98765432109876543210",
		"check=1",    "check=",
		"colour",     "colour=",
		"colour=Red", "next=",
		"next",       "boot=1x",
	};

	for (uint i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_true(refused(lines[i]));
		assert_true(said(lines[i]));
		assert_true(said("is wrong: it must be"));
	}
}

static void a_word_for_the_other_firmware_is_named(void **state)
{
	assert_false(refused("next=x"));
	assert_true(said("`next=x` is of no use on a machine with a BIOS"));
	put("boot=0x80 next=x");
	boot_info.firmware = BOOT_UEFI;
	assert_false(refused(NULL));
	assert_true(said("`boot=0x80` is of no use on a machine with UEFI"));
	assert_false(said("next=x"));
}

static void a_word_that_is_there_twice_is_named(void **state)
{
	assert_false(refused("boot=1 check boot=2"));
	assert_true(said("`boot=1` is not the only one"));
	assert_false(said("boot=2"));
}

static void a_line_of_junk_is_not_repeated_at_length(void **state)
{
	char line[512] = "";

	for (uint i = 0; i < 100; i++)
		strcat(line, "a1 ");
	strcat(line, "chekc");
	assert_true(refused(line));
	assert_true(said("101 unknown words in all"));
	assert_true(said("`chekc` is unknown, and may"));
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_false(refused(line));
	assert_true(said("aaaaaaaaaa...` is unknown\n"));
}

static void a_line_that_was_cut_lets_nothing_be_launched(void **state)
{
	put("boot=0x80");
	boot_info.cmdline_cut = true;
	assert_true(refused(NULL));
	assert_true(said("command line: some of it is lost: nothing"));
}

static void a_choice_may_have_a_number_behind_it(void **state)
{
	static const char *const wrong[] = {
		"end=red:", "end=red:100", "end=red:x",   "end=red:1:2",
		"end=:5",   "end=5",       "colour=red:5"};

	set("end=green:30");
	assert_int_equal(setting_choice(&end_setting), 1);
	assert_int_equal(setting_number(&end_setting, 7), 30);
	set("end=red");
	assert_int_equal(setting_choice(&end_setting), 0);
	assert_int_equal(setting_number(&end_setting, 7), 7);
	assert_false(refused("end=red:0 check"));
	assert_int_equal(setting_number(&end_setting, 7), 0);
	for (uint i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(refused(wrong[i]));
		assert_int_equal(setting_choice(&end_setting), -ENOENT);
		assert_int_equal(setting_number(&end_setting, 7), 7);
	}
	assert_true(refused("end=blue"));
	assert_true(said("it must be end=red|green[:0..99]"));
}

static void a_flag_may_be_taken_back(void **state)
{
	set("check");
	assert_true(setting_flag(&check_setting));
	set("check=yes");
	assert_true(setting_flag(&check_setting));
	assert_false(refused("check check=no"));
	assert_false(setting_flag(&check_setting));
	assert_true(refused("check=nope"));
	assert_true(said("it must be check[=no]"));
}

static void a_file_is_read_line_by_line(void **state)
{
	assert_false(refused_file("\n boot=7\n\ncheck colour=red\n"));
	assert_string_equal(host_printed, "");
	assert_int_equal(setting_number(&boot_setting, 1), 7);
	assert_int_equal(boot_setting.value->line, 2);
	assert_int_equal(check_setting.value->line, 4);
	assert_int_equal(colour_setting.value->line, 4);
	assert_string_equal(colour_setting.value->source->name, "vellum.conf");
}

static void what_is_wrong_in_a_file_is_named_and_the_rest_is_used(void **state)
{
	assert_false(refused_file("boot=7\n\nboot=x\ncolor=red\n"
				  "end=red:100\nmsr=pass:1\ncheck=no"));
	assert_true(said("vellum.conf:3: `boot=x` is wrong: it must be "
			 "boot=0..0xff; it is left out\n"));
	assert_true(said("vellum.conf:4: `color=red` is unknown; did you mean "
			 "`colour=red|green`?\n"));
	assert_true(said("vellum.conf:5: `end=red:100` is wrong"));
	assert_int_equal(setting_number(&boot_setting, 1), 7);
	assert_int_equal(setting_choice(&end_setting), -ENOENT);
	assert_int_equal(setting_list(&pass_setting), 1);
	assert_true(said("\n  colour=red|green: paint\n"));
}

static void what_resembles_check_in_a_file_launches_nothing(void **state)
{
	assert_true(refused_file("boot=1\nchekc\n"));
	assert_true(said("vellum.conf:2: `chekc` is unknown, and may stand"));
	assert_true(refused_file("check=maybe"));
	assert_false(refused_file("boot=1"));
}

static void the_command_line_overrules_a_file_but_lists_grow(void **state)
{
	static const struct setting_source file = {
		"vellum.conf", "boot=1 check colour=red msr=pass:1,2",
		.is_file = true};

	put("boot=2 check=no msr=pass:3");
	settings_read(&file);
	assert_false(settings_check());
	assert_int_equal(setting_number(&boot_setting, 0), 2);
	assert_false(setting_flag(&check_setting));
	assert_int_equal(setting_choice(&colour_setting), 0);
	assert_int_equal(setting_list(&pass_setting), 3);
	assert_int_equal(passed[2], 3);
	assert_string_equal(boot_setting.value->source->name, "command line");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_words_are_passed_over_in_silence),
		cmocka_unit_test(a_number_is_read_or_replaced),
		cmocka_unit_test(numbers_come_in_a_list_and_in_several_words),
		cmocka_unit_test(wrong_numbers_in_a_list_are_refused),
		cmocka_unit_test(a_choice_is_counted),
		cmocka_unit_test(a_choice_may_have_a_number_behind_it),
		cmocka_unit_test(the_images_name_is_no_word),
		cmocka_unit_test(an_unknown_word_is_named_with_the_nearest),
		cmocka_unit_test(what_resembles_check_lets_nothing_be_launched),
		cmocka_unit_test(
			a_wrong_value_is_named_and_nothing_is_launched),
		cmocka_unit_test(a_word_for_the_other_firmware_is_named),
		cmocka_unit_test(a_word_that_is_there_twice_is_named),
		cmocka_unit_test(a_line_of_junk_is_not_repeated_at_length),
		cmocka_unit_test(a_line_that_was_cut_lets_nothing_be_launched),
		cmocka_unit_test(a_flag_may_be_taken_back),
		cmocka_unit_test(a_file_is_read_line_by_line),
		cmocka_unit_test(
			what_is_wrong_in_a_file_is_named_and_the_rest_is_used),
		cmocka_unit_test(
			what_resembles_check_in_a_file_launches_nothing),
		cmocka_unit_test(
			the_command_line_overrules_a_file_but_lists_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
