/*
 * Small programs on the host: init, sendint, log and panic, with a Vellum that
 * the test plays. (The shell has a test of its own.)
 */
#include "domain/test/host_program.h"

#define program init_program
#include "domain/programs/init.c"
#undef program
#undef PROGRAM_HELP
#define PROGRAM_HELP(args, help)
#define program sendint_program
#include "domain/programs/sendint.c"
#undef program
#define program log_program
#include "domain/programs/log.c"
#undef program
#define program panic_program
#include "domain/programs/panic.c"
#undef program

enum {
	SHELL = 1,
	SERVER
}; /* descriptors */

static const long *replies; /* to messages, one after the other */
static long no_process;     /* what newprocess() fails with, or 0 */
static const char *input;   /* what is typed */
static char done[1024];     /* what was asked for, as text */
static char shown[1024];
static int open;

/* The library wants one. */
int program(int kind, int value, struct msgbuf *buf, uint count)
{
	return 0;
}

static void note(const char *format, ...)
{
	size_t used = strlen(done);
	va_list args;

	va_start(args, format);
	libc_vsnprintf(done + used, sizeof(done) - used, format, args);
	va_end(args);
}

static long send_words(const struct msgbuf *buf, u64 value)
{
	const char *word;
	size_t at = 0;

	note("%lu", value);
	while ((word = next_arg(buf, &at)))
		note("|%s", word);
	note("\n");
	return *replies++;
}

static long open_name(const char *name, u64 length)
{
	if (length == 6 && !memcmp(name, "nobody", length))
		return -ENOENT;
	note("open %.*s\n", (int)length, name);
	open++;
	return SERVER;
}

long system_call(long number, u64 a, u64 b, u64 c, u64 d)
{
	switch (number) {
	case SYS_NEWPROCESS:
		assert_memory_equal((const char *)a, "shell", b);
		open += !no_process;
		return no_process ?: SHELL;
	case SYS_MSG_OPEN:
		return open_name((const char *)a, b);
	case SYS_MSG_CLOSE:
		open--;
		return 0;
	case SYS_MSG_SENDINT:
		note("int %d\n", (int)b);
		return *replies++;
	case SYS_MSG_SENDBUF:
		assert_int_equal(d, 1);
		return send_words((const struct msgbuf *)c, b);
	case SYS_WRITE:
		strncat(shown, (const char *)a, b);
		return b;
	case SYS_READ:
		return *input ? (u8)*input++ : -ENODEV;
	case SYS_YIELD:
		return 0;
	}
	return host_system_call(number, a, b);
}

static int start(void **state)
{
	no_process = 0;
	input = "";
	done[0] = shown[0] = '\0';
	return 0;
}

static int stop(void **state)
{
	assert_int_equal(open, 0);
	return 0;
}

#define REPLIES(...)                                   \
	do {                                           \
		static const long r[] = {__VA_ARGS__}; \
		replies = r;                           \
	} while (0)

/* Run a program with the @size bytes of @words, as the shell does. */
static int with_words(message_handler *handler, const char *words, size_t size)
{
	struct msgbuf buf = {(void *)words, size, 0};

	return handler(MSG_BUF, 0, &buf, 1);
}

#define WITH_WORDS(handler, words) with_words(handler, words, sizeof(words))

static void init_passes_on_how_the_shell_ended(void **state)
{
	REPLIES(7);
	assert_int_equal(init_program(MSG_INT, SHELL_INTERACTIVE, NULL, 0), 7);
	assert_string_equal(done, "int 0\n");
	REPLIES(-EPERM);
	assert_int_equal(init_program(MSG_INT, SHELL_ONE, NULL, 0), -EPERM);
	assert_string_equal(done, "int 0\nint 1\n");
}

static void init_starts_a_shell_again_that_has_died(void **state)
{
	REPLIES(-EFAULT, -EINTR, 0);
	assert_int_equal(init_program(MSG_INT, SHELL_INTERACTIVE, NULL, 0), 0);
	assert_string_equal(done, "int 0\nint 0\nint 0\n");
	assert_non_null(strstr(shown, "the shell has died"));
}

static void init_does_not_start_shells_for_ever(void **state)
{
	REPLIES(-EFAULT, -EFAULT, -EFAULT, 0);
	assert_int_equal(init_program(MSG_INT, SHELL_INTERACTIVE, NULL, 0),
			 -EFAULT);
	assert_string_equal(done, "int 0\nint 0\nint 0\n");
}

static void init_runs_one_command_once_whatever_becomes_of_it(void **state)
{
	REPLIES(-EFAULT, 0);
	assert_int_equal(init_program(MSG_INT, SHELL_ONE, NULL, 0), -EFAULT);
	assert_string_equal(done, "int 1\n");
}

static void init_says_so_when_there_is_no_shell(void **state)
{
	no_process = -ENOMEM;
	assert_int_equal(init_program(MSG_INT, SHELL_INTERACTIVE, NULL, 0),
			 -ENOMEM);
	assert_non_null(strstr(shown, "no shell"));
}

static void sendint_sends_a_number_to_a_name(void **state)
{
	REPLIES(9, 9, 9, 9);
	assert_int_equal(WITH_WORDS(sendint_program, "free"), 0);
	assert_int_equal(WITH_WORDS(sendint_program, "a\0-5"), 0);
	assert_int_equal(WITH_WORDS(sendint_program, "a\0002147483647"), 0);
	assert_int_equal(WITH_WORDS(sendint_program, "a\0-2147483647"), 0);
	assert_string_equal(done, "open free\nint 0\nopen a\nint -5\n"
				  "open a\nint 2147483647\n"
				  "open a\nint -2147483647\n");
}

static void sendint_refuses_what_is_no_number(void **state)
{
	static const char *const numbers[] = {
		"", "-", "5x", "0x5", "2147483648", "99999999999999999999"};
	char words[32];

	for (uint i = 0; i < ARRAY_SIZE(numbers); i++) {
		int size =
			snprintf(words, sizeof(words), "a%c%s", 0, numbers[i]);

		assert_int_equal(with_words(sendint_program, words, size + 1),
				 -EINVAL);
	}
	assert_string_equal(done, "");
}

static void sendint_tells_of_a_name_that_nobody_has(void **state)
{
	assert_int_equal(WITH_WORDS(sendint_program, "nobody"), -ENOENT);
	assert_non_null(strstr(shown, "sendint: nobody: "));
}

static void sendint_alone_asks_for_the_name(void **state)
{
	REPLIES(1);
	input = "free\r";
	assert_int_equal(sendint_program(MSG_INT, 0, NULL, 0), 0);
	assert_memory_equal(shown, "sendint> ", 9);
	assert_string_equal(done, "open free\nint 0\n");
}

static void log_hands_its_words_to_the_command(void **state)
{
	REPLIES(0, 0);
	assert_int_equal(log_program(MSG_INT, 0, NULL, 0), 0);
	assert_int_equal(WITH_WORDS(log_program, "5"), 0);
	assert_string_equal(done, "open command\n0|log\nopen command\n"
				  "0|log|5\n");
}

static void log_refuses_more_words_than_it_has_room_for(void **state)
{
	char words[200];

	memset(words, 'x', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	assert_int_equal(with_words(log_program, words, sizeof(words)), -E2BIG);
	assert_string_equal(done, "");
}

static void panic_asks_with_its_words_and_says_when_it_may_not(void **state)
{
	REPLIES(-EPERM, -EPERM);
	assert_int_equal(panic_program(MSG_INT, 0, NULL, 0), -EPERM);
	assert_int_equal(WITH_WORDS(panic_program, "why\0not"), -EPERM);
	assert_string_equal(done, "open panic\nint 0\nopen panic\n"
				  "0|why|not\n");
	assert_non_null(strstr(shown, "panic: "));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(init_passes_on_how_the_shell_ended),
		T(init_starts_a_shell_again_that_has_died),
		T(init_does_not_start_shells_for_ever),
		T(init_runs_one_command_once_whatever_becomes_of_it),
		T(init_says_so_when_there_is_no_shell),
		T(sendint_sends_a_number_to_a_name),
		T(sendint_refuses_what_is_no_number),
		T(sendint_tells_of_a_name_that_nobody_has),
		T(sendint_alone_asks_for_the_name),
		T(log_hands_its_words_to_the_command),
		T(log_refuses_more_words_than_it_has_room_for),
		T(panic_asks_with_its_words_and_says_when_it_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
