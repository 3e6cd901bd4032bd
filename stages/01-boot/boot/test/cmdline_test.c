/*
 * Words and values on the command line, good and mistyped.
 */
#include "boot/cmdline.h"
#include "host.h"
#include "lib/errno.h"
#include "lib/string.h"

struct boot_info boot_info;

static const char *colour(uint i)
{
	static const char *const names[] = {"red", "green", NULL};

	return names[i];
}

WORD(check_word, .name = "check", .help = "look", .holds_back = true);
WORD(boot_word, .name = "boot", .help = "drive", .takes = WORD_NUMBER,
     .max = 0xff, .only = BIT(BOOT_BIOS));
WORD(colour_word, .name = "colour", .help = "paint", .takes = WORD_CHOICE,
     .choice = colour);
WORD(end_word, .name = "end", .help = "then", .takes = WORD_CHOICE,
     .choice = colour, .max = 99);
WORD(next_word_of_loader, .name = "next", .help = "file", .takes = WORD_TEXT,
     .only = BIT(BOOT_UEFI));

WORD(pass_word, .name = "msr", .help = "pass", .takes = WORD_NUMBERS,
     .key = "pass", .max = UINT32_MAX, .most = 4);

static void set(const char *line)
{
	boot_info = (struct boot_info){.firmware = BOOT_BIOS};
	assert_true(copy_string(boot_info.cmdline, line,
				sizeof(boot_info.cmdline)));
}

/* Check @line; true if nothing may be launched after it. */
static bool refused(const char *line)
{
	if (line)
		set(line);
	host_printed[0] = '\0';
	return cmdline_check();
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
	assert_int_equal(cmdline_number(&boot_word, 1), 0xe0);
	set("boot=7 boot=9");
	assert_int_equal(cmdline_number(&boot_word, 1), 9);
	set("check");
	assert_int_equal(cmdline_number(&boot_word, 1), 1);
	set("boot");
	assert_int_equal(cmdline_number(&boot_word, 1), 1);
}

static void numbers_come_in_a_list_and_in_several_words(void **state)
{
	u32 n[4] = {0};

	set("msr=pass:0x150");
	assert_false(refused(NULL));
	assert_int_equal(cmdline_numbers(&pass_word, n), 1);
	assert_int_equal(n[0], 0x150);
	set("check msr=pass:1,0xc0010010 boot=1 msr=pass:3,pass:4");
	assert_false(refused(NULL));
	assert_string_equal(host_printed, "");
	assert_int_equal(cmdline_numbers(&pass_word, n), 4);
	assert_int_equal(n[1], 0xc0010010);
	assert_int_equal(n[2], 3);
	assert_int_equal(n[3], 4);
	set("check");
	assert_int_equal(cmdline_numbers(&pass_word, n), 0);
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
	u32 n[4];

	for (uint i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(refused(wrong[i]));
		assert_true(said("it must be msr=pass:0..0xffffffff,..."));
	}
	assert_true(refused("msr=pass:1,2,3 msr=pass:4,5"));
	assert_true(said("there are more than 4"));
	assert_int_equal(cmdline_numbers(&pass_word, n), 5);
	assert_int_equal(n[3], 4);
}

static void a_choice_is_counted(void **state)
{
	set("colour=red");
	assert_int_equal(cmdline_choice(&colour_word), 0);
	set("colour=green");
	assert_int_equal(cmdline_choice(&colour_word), 1);
	set("colour=greenish");
	assert_int_equal(cmdline_choice(&colour_word), -ENOENT);
	set("colour");
	assert_int_equal(cmdline_choice(&colour_word), -ENOENT);
	set("check");
	assert_int_equal(cmdline_choice(&colour_word), -ENOENT);
	assert_true(cmdline_has(&check_word));
	assert_false(cmdline_has(&colour_word));
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
		assert_true(cmdline_has(&check_word));
	}
	assert_false(refused("/boot/x boot=0x80 y.elf"));
	assert_true(said("`y.elf` is unknown"));
	assert_int_equal(cmdline_number(&boot_word, 1), 0x80);
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
	set("boot=0x80 next=x");
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
	set("boot=0x80");
	boot_info.cmdline_cut = true;
	assert_true(refused(NULL));
	assert_true(said("longer than 511 characters"));
}

static void a_choice_may_have_a_number_behind_it(void **state)
{
	static const char *const wrong[] = {
		"end=red:", "end=red:100", "end=red:x",   "end=red:1:2",
		"end=:5",   "end=5",       "colour=red:5"};

	set("end=green:30");
	assert_int_equal(cmdline_choice(&end_word), 1);
	assert_int_equal(cmdline_number(&end_word, 7), 30);
	set("end=red");
	assert_int_equal(cmdline_choice(&end_word), 0);
	assert_int_equal(cmdline_number(&end_word, 7), 7);
	set("end=red:0 check");
	assert_false(refused(NULL));
	assert_int_equal(cmdline_number(&end_word, 7), 0);
	for (uint i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(refused(wrong[i]));
		assert_int_equal(cmdline_choice(&end_word), -ENOENT);
		assert_int_equal(cmdline_number(&end_word, 7), 7);
	}
	assert_true(refused("end=blue"));
	assert_true(said("it must be end=red|green[:0..99]"));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
