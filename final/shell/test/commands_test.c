/*
 * The commands about memory and about Vellum, over the real memory layers, log
 * and command line.
 */
#include "boot/settings.h"
#include "console/log.h"
#include "heap/heap.h"
#include "heap/test/host_heap.h"
#include "lib/errno.h"
#include "lib/version.h"
#include "page/runs.h"
#include "paging/guarded.h"
#include "shell/reboot.h"
#include "shell/test/host_shell.h"
#include "smp/panic.h"
#include "vmm/vcpu.h"

struct boot_info boot_info;
char defconfig_text[1];
const u32 defconfig_size;
const char vellum_version[] = "v1.0-test";
static const struct vcpu_ops ops = {.name = "SVM with NPT"};
const struct vcpu_ops *vcpu_ops = &ops;

static uint reboots, halts;

/* On the machine neither comes back. */
void shell_reboot(void)
{
	reboots++;
	longjmp(host_panic_jump, 1);
}

void shell_halt(void)
{
	halts++;
	longjmp(host_panic_jump, 1);
}

void console_force_unlock(void)
{
}

const char *exit_reason_name(enum exit_reason reason)
{
	return reason == EXIT_CPUID ? "CPUID" : "other";
}

struct exit_stats vcpu_sum_stats(enum exit_reason reason)
{
	return reason == EXIT_CPUID         ? (struct exit_stats){4, 1000}
	       : reason == EXIT_TASK_SWITCH ? (struct exit_stats){1, 3}
					    : (struct exit_stats){0};
}

int guarded(void (*fn)(void *), void *arg, uint *vector)
{
	fn(arg);
	return 0;
}

SETTING(plain_setting, .name = "plain", .help = "a plain one");
SETTING(valued_setting, .name = "valued", .help = "with a value",
	.type = &text_type);
SETTING(absent_setting, .name = "absent", .help = "nobody gave it");
SETTING(other_setting, .name = "other", .help = "nor this one");

static u32 numbers[3];
SETTING(many_setting, .name = "many", .help = "several", .type = &list_type,
	.key = "n", .max = 9, .numbers = numbers, .most = 3);
SETTING(initial_setting, .name = "initial", .help = "unless said otherwise",
	.type = &text_type, .initial = "this");

static void set(const char *line)
{
	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++)
		*s->value = (struct setting_value){0};
	strcpy(boot_info.cmdline, line);
	settings_check();
}

static int set_up(void **state)
{
	host_heap(PAGES);
	thread = (struct domain_thread){.io = &kept};
	panic_cpu = 0;
	reboots = halts = piece_most = 0;
	boot_info = (struct boot_info){.vmm_base = PHYS(0x70000000),
				       .vmm_size = 128 * MIB};
	set("vellum.elf plain valued=1 valued=0x2,3 many=n:7,9");
	return 0;
}

static int tear_down(void **state)
{
	assert_true(piece_most <= WRITE_MOST);
	return 0;
}

static void free_says_what_is_left_and_what_is_kept(void **state)
{
	void *page;

	assert_int_equal(run("free"), 0);
	assert_string_equal(said,
			    "pages: 1024 managed, 768 available (3072 KiB)\n"
			    "256 more are kept for a panic\n");
	alloc_pages(&page, NULL, 5);
	assert_int_equal(run("free"), 0);
	assert_says(" 763 available (3052 KiB)");
}

static void free_says_in_a_panic_how_much_of_the_reserve_is_left(void **state)
{
	void *page;

	while (!alloc_page(&page, NULL))
		;
	panic_cpu = 1;
	mm_free_panicmem();
	assert_int_equal(run("free"), 0);
	assert_says("256 available");
	assert_says("of the 256 kept for a panic 256 are left");
	alloc_pages(&page, NULL, 6);
	assert_int_equal(run("free"), 0);
	assert_says("250 available");
	assert_says("of the 256 kept for a panic 250 are left");
}

/* What tools/heapview.py adds up, too. */
static void pages_shows_every_page_once(void **state)
{
	void *page[64];
	char state_name[16];
	u64 next = 0, first;
	uint size, blocks, free = 0;

	for (uint i = 0; i < ARRAY_SIZE(page); i++)
		alloc_pages(&page[i], NULL, 1 + i / 16 % 3);
	for (uint i = 0; i < ARRAY_SIZE(page); i += 2)
		free_page(page[i]);
	assert_int_equal(run("pages"), 0);
	assert_says("page-map: 1024 pages\n");
	for (char *l = strchr(said, '\n') + 1; *l; l = strchr(l, '\n') + 1) {
		assert_int_equal(sscanf(l, "page-map: %lu %15s %u x %u", &first,
					state_name, &size, &blocks),
				 4);
		assert_int_equal(first, next);
		next += (u64)size * blocks;
		if (!strcmp(state_name, "free"))
			free += size * blocks;
	}
	assert_int_equal(next, PAGES);
	assert_int_equal(free, num_of_available_pages());
}

static void heap_counts_objects_by_size(void **state)
{
	for (uint i = 0; i < 5; i++)
		assert_non_null(alloc(300));
	assert_int_equal(run("heap"), 0);
	assert_says("   512        5        1        2\n");
	assert_says("    16        0        0        0\n");
}

static void check_says_whether_memory_is_sound(void **state)
{
	assert_int_equal(run("check"), 0);
	assert_says("every invariant of Vellum's memory holds");
	vmm_pool.available++;
	assert_int_equal(run("check"), -EINVAL);
	assert_says("BROKEN");
	vmm_pool.available--;
}

static void log_line(uint number)
{
	char text[32];

	sprintf(text, "line %u\n", number);
	for (char *c = text; *c; c++)
		log_putc(*c);
}

static void log_shows_its_last_lines(void **state)
{
	for (uint i = 0; i < LOG_SIZE; i++)
		log_putc('\n'); /* whatever was there before */
	for (uint i = 1; i <= 100; i++)
		log_line(i);
	assert_int_equal(run("log 3"), 0);
	assert_says("lines before these: log all)\nline 98\nline 99\nline "
		    "100\n");
	assert_int_equal(run("log"), 0);
	assert_says("these: log all)\nline 81\n");
	assert_non_null(strstr(said, "line 100\n"));
	assert_int_equal(run("log 0"), 0);
	assert_null(strstr(said, "line "));
	assert_int_equal(run("log all"), 0);
	assert_int_equal(said_length, LOG_SIZE);
	assert_non_null(strstr(said, "\nline 1\n"));
	assert_int_equal(run("log 99999999999"), 0);
	assert_int_equal(said_length, LOG_SIZE);
}

static void log_wants_a_number_of_lines(void **state)
{
	assert_int_equal(run("log x"), -EINVAL);
	assert_string_equal(said, "log: `x` is no number of lines\n");
	assert_int_equal(run("log 3 4"), -EINVAL);
	assert_says("usage: log ");
}

static const char *missing;
static char last_text[1001];

const char *last_log_missing(void)
{
	return missing;
}

size_t last_log_read(u64 offset, char *buffer, size_t size)
{
	size_t n = MIN(size, sizeof(last_text) - 1 - offset);

	memcpy(buffer, last_text + offset, n);
	return n;
}

static void the_last_log_is_shown_whole_and_to_root_alone(void **state)
{
	memset(last_text, '%', sizeof(last_text) - 1);
	memcpy(last_text + sizeof(last_text) - 5, "end\n", 5);
	thread.rights = 0;
	assert_int_equal(run("log --last"), -EPERM);
	assert_null(strchr(said, '%'));
	thread.rights = RIGHT_INSPECT;
	assert_int_equal(run("log --last"), 0);
	assert_says("(unverified: ");
	assert_non_null(strstr(said, last_text + 900));
	missing = "no previous log here";
	assert_int_equal(run("log --last"), -ENOENT);
	assert_string_equal(said, "log --last: no previous log here\n");
	thread.rights = 0;
}

/* As a console would do that is written to by printf. */
static void keep_and_log(struct domain_thread *t, const char *text,
			 size_t length)
{
	keep(t, text, length);
	for (size_t i = 0; i < length; i++)
		log_putc(text[i]);
}

static void log_ends_although_it_is_logged_itself(void **state)
{
	static const struct thread_io io = {.write = keep_and_log};

	for (uint i = 1; i <= 20000; i++)
		log_line(i);
	thread.io = &io;
	assert_int_equal(run("log all"), 0);
	assert_true(said_length <= LOG_SIZE);
}

static void what_terminals_obey_is_not_passed_on(void **state)
{
	for (const char *c = "\nbad \033[2J\a\tword\n"; *c; c++)
		log_putc(*c);
	assert_int_equal(run("log 1"), 0);
	assert_says("\nbad  [2J  word\n");
}

static void stats_shows_the_reasons_that_there_were(void **state)
{
	assert_int_equal(run("stats"), 0);
	assert_says("exit                  count         cycles       each\n"
		    "CPUID                     4           1000        250\n"
		    "other                     1              3          3\n");
	assert_null(strstr(said, " 0\n"));
}

static void settings_tells_every_value_and_its_source(void **state)
{
	static const struct setting_source file = {
		"vellum.conf", "\nother=yes absent=no", .is_file = true};

	settings_read(&file);
	thread.rights = RIGHT_INSPECT;
	assert_int_equal(run("settings"), 0);
	assert_says("Vellum v1.0-test, SVM with NPT, 128 MiB at 0x70000000;");
	assert_says("\n* plain (command line): a plain one\n");
	assert_says("\n* valued=0x2,3 (command line): with a value\n");
	assert_says("\n* absent=no (vellum.conf:2): nobody gave it\n");
	assert_says("\n* other=yes (vellum.conf:2): nor this one\n");
	assert_says("\n* many=n:0x7,0x9 (command line): several\n");
	assert_says("\n  initial=this: unless said otherwise\n");
}

static void a_long_value_is_cut(void **state)
{
	static char line[512] = "valued=";

	memset(line + 7, 'v', 400);
	set(line);
	thread.rights = RIGHT_INSPECT;
	assert_int_equal(run("settings"), 0);
	assert_says("* valued=vvvvvvvvvv");
	assert_says("... (command line): with a value\n");
}

static void settings_need_root_and_a_change_needs_debug(void **state)
{
	assert_int_equal(run("settings"), -EPERM);
	thread.rights = RIGHT_INSPECT;
	assert_int_equal(run("reboot"), -EPERM);
	assert_says("`debug`");
	assert_int_equal(run("halt"), -EPERM);
	thread.rights = RIGHT_CHANGE;
	assert_int_equal(run("reboot"), -EPERM);
	assert_says("root");
	assert_int_equal(reboots + halts, 0);
}

static void reboot_and_halt_do_not_come_back(void **state)
{
	thread.rights = RIGHT_INSPECT | RIGHT_CHANGE;
	if (!setjmp(host_panic_jump))
		run("reboot");
	if (!setjmp(host_panic_jump))
		run("halt");
	assert_int_equal(reboots, 1);
	assert_int_equal(halts, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(free_says_what_is_left_and_what_is_kept),
		TEST(free_says_in_a_panic_how_much_of_the_reserve_is_left),
		TEST(pages_shows_every_page_once),
		TEST(heap_counts_objects_by_size),
		TEST(check_says_whether_memory_is_sound),
		TEST(log_shows_its_last_lines),
		TEST(log_wants_a_number_of_lines),
		TEST(the_last_log_is_shown_whole_and_to_root_alone),
		TEST(log_ends_although_it_is_logged_itself),
		TEST(what_terminals_obey_is_not_passed_on),
		TEST(stats_shows_the_reasons_that_there_were),
		TEST(settings_tells_every_value_and_its_source),
		TEST(a_long_value_is_cut),
		TEST(settings_need_root_and_a_change_needs_debug),
		TEST(reboot_and_halt_do_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
