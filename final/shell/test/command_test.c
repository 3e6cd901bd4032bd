/*
 * The server "command": who may call what, and that nothing that a program
 * sends it does harm.
 */
#include "lib/errno.h"
#include "lib/percpu.h"
#include "shell/test/host_shell.h"
#include "smp/panic.h"

static uint calls, unlocked, fault_vector;

void mm_force_unlock(void)
{
	unlocked++;
}

void console_force_unlock(void)
{
	unlocked++;
}

/* What would be an exception on the machine. */
static jmp_buf fault;
static bool is_guarded;

int guarded(void (*fn)(void *), void *arg, uint *vector)
{
	int raised;

	is_guarded = true;
	raised = setjmp(fault);
	if (!raised)
		fn(arg);
	is_guarded = false;
	*vector = fault_vector;
	return raised ? -EFAULT : 0;
}

static int run_count(struct command *c)
{
	u64 n;

	calls++;
	if (!parse_number(c->argv[1], &n))
		return -EINVAL;
	say(c, "%lu ", c->at[0]++);
	return c->at[0] < n ? 2 : 0; /* any number above 0 will do */
}

SHELL_COMMAND(count_command, .name = "count", .args = "NUMBER",
	      .help = "count to that", .least = 1, .most = 1, .run = run_count);

static int run_secret(struct command *c)
{
	calls++;
	say(c, "secret");
	return 1;
}

SHELL_COMMAND(secret_command, .name = "secret", .help = "look into Vellum",
	      .rights = RIGHT_INSPECT, .run = run_secret);

static int run_change(struct command *c)
{
	calls++;
	return 0;
}

SHELL_COMMAND(change_command, .name = "change", .help = "change Vellum",
	      .rights = RIGHT_INSPECT | RIGHT_CHANGE, .run = run_change);

static int run_fault(struct command *c)
{
	assert_true(is_guarded);
	longjmp(fault, 1);
}

SHELL_COMMAND(fault_command, .name = "fault", .help = "fault",
	      .run = run_fault);

static int run_whole(struct command *c)
{
	say(c, is_guarded ? "guarded" : "bare");
	return 0;
}

SHELL_COMMAND(whole_command, .name = "whole", .help = "hold a lock",
	      .run = run_whole, .whole = true);

static int set_up(void **state)
{
	calls = unlocked = 0;
	panic_cpu = 0;
	thread = (struct domain_thread){.io = &kept};
	ask(COMMAND_STOP, NULL);
	return 0;
}

static void a_command_is_done_piece_by_piece(void **state)
{
	assert_int_equal(begin("count 3"), COMMAND_MORE);
	assert_string_equal(said, "0 ");
	assert_int_equal(ask(COMMAND_NEXT, NULL), COMMAND_MORE);
	assert_int_equal(ask(COMMAND_NEXT, NULL), 0);
	assert_string_equal(said, "0 1 2 ");
	assert_int_equal(ask(COMMAND_NEXT, NULL), -ENOENT);
	assert_int_equal(calls, 3);
}

static void an_unknown_command_is_told_from_one_that_found_nothing(void **state)
{
	assert_int_equal(run("cuont 3"), COMMAND_UNKNOWN);
	assert_int_equal(run(""), COMMAND_UNKNOWN);
	assert_int_equal(run("coun"), COMMAND_UNKNOWN);
	assert_int_equal(run("counts 1"), COMMAND_UNKNOWN);
	assert_int_equal(calls, 0);
}

static void a_wrong_number_of_words_names_the_right_ones(void **state)
{
	assert_int_equal(run("count"), -EINVAL);
	assert_string_equal(said, "usage: count NUMBER\n");
	assert_int_equal(run("count 1 2"), -EINVAL);
	assert_int_equal(run("change all"), -EINVAL);
	assert_int_equal(calls, 0);
}

static void who_lacks_a_right_is_told_which(void **state)
{
	assert_int_equal(run("secret"), -EPERM);
	assert_says("root");
	assert_int_equal(run("change"), -EPERM);
	assert_says("root");
	thread.rights = RIGHT_INSPECT;
	assert_int_equal(run("change"), -EPERM);
	assert_says("`debug`");
	assert_int_equal(calls, 0);
	thread.rights |= RIGHT_CHANGE;
	assert_int_equal(run("change"), 0);
	assert_int_equal(calls, 1);
}

/* A session's thread may go on with less. */
static void rights_are_asked_for_before_each_piece(void **state)
{
	thread.rights = RIGHT_INSPECT;
	assert_int_equal(begin("secret"), COMMAND_MORE);
	thread.rights = 0;
	assert_int_equal(ask(COMMAND_NEXT, NULL), -EPERM);
	assert_int_equal(calls, 1);
	assert_int_equal(ask(COMMAND_NEXT, NULL), -ENOENT);
}

static void another_thread_does_not_go_on_with_a_command(void **state)
{
	struct domain_thread other = {.io = &kept, .rights = RIGHT_INSPECT};

	thread.rights = RIGHT_INSPECT;
	assert_int_equal(begin("secret"), COMMAND_MORE);
	assert_int_equal(__start_msg_servers->receive(&other, MSG_INT,
						      COMMAND_STOP, NULL, 0),
			 0);
	assert_int_equal(__start_msg_servers->receive(&other, MSG_INT,
						      COMMAND_NEXT, NULL, 0),
			 -ENOENT);
	assert_int_equal(ask(COMMAND_NEXT, NULL), COMMAND_MORE);
	assert_int_equal(ask(COMMAND_STOP, NULL), 0);
	assert_int_equal(ask(COMMAND_NEXT, NULL), -ENOENT);
}

static bool is_full(struct domain_thread *t)
{
	return true;
}

static void a_command_waits_for_room_to_speak(void **state)
{
	static const struct thread_io full = {.write = keep, .full = is_full};

	assert_int_equal(begin("count 2"), COMMAND_MORE);
	thread.io = &full;
	assert_int_equal(ask(COMMAND_NEXT, NULL), COMMAND_MORE);
	assert_int_equal(calls, 1);
	thread.io = &kept;
	assert_int_equal(ask(COMMAND_NEXT, NULL), 0);
	assert_string_equal(said, "0 1 ");
}

static void ctrl_c_ends_a_command_between_two_pieces(void **state)
{
	assert_int_equal(begin("count 3"), COMMAND_MORE);
	thread.interrupted = true;
	assert_int_equal(ask(COMMAND_NEXT, NULL), -EINTR);
	assert_false(thread.interrupted);
	assert_int_equal(ask(COMMAND_NEXT, NULL), -ENOENT);
}

static void a_fault_ends_the_command_with_its_reason(void **state)
{
	fault_vector = VECTOR_PF;
	host_cr[2] = 0x1234;
	assert_int_equal(run("fault"), -EFAULT);
	assert_string_equal(said, "fault: ended by an exception: page fault at "
				  "0x1234\n");
	fault_vector = VECTOR_GP;
	assert_int_equal(run("fault"), -EFAULT);
	assert_says("number 13");
	assert_int_equal(unlocked, 0);
	assert_int_equal(ask(COMMAND_NEXT, NULL), -ENOENT);
}

static void after_a_fault_in_a_panic_all_locks_are_opened(void **state)
{
	panic_cpu = 1;
	assert_int_equal(run("fault"), -EFAULT);
	assert_int_equal(unlocked, 2);
}

static void what_holds_locks_is_guarded_in_a_panic_only(void **state)
{
	assert_int_equal(run("whole"), 0);
	assert_string_equal(said, "bare");
	panic_cpu = 1;
	assert_int_equal(run("whole"), 0);
	assert_string_equal(said, "guarded");
}

static void each_command_is_described_with_what_is_lacking(void **state)
{
	char text[128];
	struct server_buf buf = {.base = text, .length = 128, .rw = true};
	uint found = 0;
	int lacking;

	for (uint i = 0; (lacking = ask(COMMAND_NAME + i, &buf)) >= 0; i++) {
		const char *args = text + strlen(text) + 1;
		const char *help = args + strlen(args) + 1;

		if (!strcmp(text, "count")) {
			assert_int_equal(lacking, 0);
			assert_string_equal(args, "NUMBER");
			assert_string_equal(help, "count to that");
			found++;
		}
		if (!strcmp(text, "change")) {
			assert_int_equal(lacking, RIGHT_INSPECT | RIGHT_CHANGE);
			assert_string_equal(args, "");
			found++;
		}
	}
	assert_int_equal(lacking, -ENOENT);
	assert_int_equal(found, 2);
}

static void programs_are_named_like_commands(void **state)
{
	char text[128];
	struct server_buf buf = {.base = text, .length = 128, .rw = true};

	assert_int_equal(ask(COMMAND_PROGRAM, &buf), 0);
	assert_memory_equal(text, "one\0\0", 6);
	assert_int_equal(ask(COMMAND_PROGRAM + 1, &buf), 0);
	assert_memory_equal(text, "two\0[WORD]\0does nothing", 24);
	assert_int_equal(ask(COMMAND_PROGRAM + 2, &buf), -ENOENT);
	assert_int_equal(ask(INT32_MAX, &buf), -ENOENT);
}

static void a_description_needs_room_and_the_right_to_write(void **state)
{
	char text[128];
	struct server_buf buf = {.base = text, .length = 4, .rw = true};

	assert_int_equal(ask(COMMAND_NAME, &buf), -E2BIG);
	buf.length = 5; /* of "one", "", "" with their NULs */
	assert_int_equal(ask(COMMAND_PROGRAM, &buf), -E2BIG);
	buf.length = 6;
	assert_int_equal(ask(COMMAND_PROGRAM, &buf), 0);
	buf = (struct server_buf){.base = text, .length = 128};
	assert_int_equal(ask(COMMAND_NAME, &buf), -EINVAL);
	assert_int_equal(ask(COMMAND_NAME, NULL), -EINVAL);
}

static void words_that_do_not_end_or_are_too_many_are_refused(void **state)
{
	char text[512];
	struct server_buf buf = {.base = text};

	memset(text, 'a', sizeof(text));
	assert_int_equal(ask(COMMAND_START, &buf), -EINVAL);
	buf.length = 10;
	assert_int_equal(ask(COMMAND_START, &buf), -EINVAL);
	buf.length = sizeof(text);
	text[511] = '\0';
	assert_int_equal(ask(COMMAND_START, &buf), -E2BIG);
	assert_says("256");
	memset(text, '\0', sizeof(text));
	buf.length = COMMAND_WORDS + 1;
	assert_int_equal(ask(COMMAND_START, &buf), -E2BIG);
	buf.length = COMMAND_WORDS;
	assert_int_equal(ask(COMMAND_START, &buf), COMMAND_UNKNOWN);
}

static void numbers_are_read_whole_or_not_at_all(void **state)
{
	u64 n = 7;

	assert_true(parse_address("0", &n) && n == 0);
	assert_true(parse_address("fF", &n) && n == 255);
	assert_true(parse_address("0x10", &n) && n == 16);
	assert_true(parse_address("0X10", &n) && n == 16);
	assert_true(parse_address("ffffffffffffffff", &n) && n == ~0UL);
	assert_true(parse_number("18446744073709551615", &n) && n == ~0UL);
	assert_true(parse_number("0x1f", &n) && n == 31);
	assert_true(parse_number("010", &n) && n == 10);
	n = 7;
	assert_false(parse_address("10000000000000000", &n));
	assert_false(parse_number("18446744073709551616", &n));
	assert_false(parse_number("99999999999999999999", &n));
	assert_false(parse_address("", &n) || parse_number("", &n));
	assert_false(parse_address("0x", &n));
	assert_false(parse_address("-1", &n) || parse_address("12g", &n));
	assert_false(parse_address("1 ", &n) || parse_number("1a", &n));
	assert_false(parse_address("\xb1", &n) || parse_address("\x11", &n));
	assert_int_equal(n, 7);
}

/* Under the address sanitizer, which watches the ends of buffers. */
static void no_message_does_harm(void **state)
{
	static const int values[] = {COMMAND_START, COMMAND_NEXT, COMMAND_STOP,
				     COMMAND_NAME,  -1,           INT32_MIN,
				     INT32_MAX - 8};

	host_seed();
	for (u64 i = host_operations(20000); i; i--) {
		u32 length = host_random(300);
		char *text = malloc(length);
		struct server_buf buf = {
			.base = text, .length = length, .rw = host_random(2)};
		int value = values[host_random(ARRAY_SIZE(values))];

		thread.rights = host_random(4);
		for (u32 j = 0; j < length; j++)
			text[j] =
				"count\0secret\0change\0\0 9x"[host_random(24)];
		said_length = 0;
		ask(value + (int)host_random(8), host_random(8) ? &buf : NULL);
		libc_free(text);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(a_command_is_done_piece_by_piece),
		TEST(an_unknown_command_is_told_from_one_that_found_nothing),
		TEST(a_wrong_number_of_words_names_the_right_ones),
		TEST(who_lacks_a_right_is_told_which),
		TEST(rights_are_asked_for_before_each_piece),
		TEST(another_thread_does_not_go_on_with_a_command),
		TEST(a_command_waits_for_room_to_speak),
		TEST(ctrl_c_ends_a_command_between_two_pieces),
		TEST(a_fault_ends_the_command_with_its_reason),
		TEST(after_a_fault_in_a_panic_all_locks_are_opened),
		TEST(what_holds_locks_is_guarded_in_a_panic_only),
		TEST(each_command_is_described_with_what_is_lacking),
		TEST(programs_are_named_like_commands),
		TEST(a_description_needs_room_and_the_right_to_write),
		TEST(words_that_do_not_end_or_are_too_many_are_refused),
		TEST(numbers_are_read_whole_or_not_at_all),
		TEST(no_message_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
