/*
 * The shell, typed at, with a Vellum that the test plays: the server "command"
 * with a few commands, and a few programs.
 */
#include "domain/test/host_program.h"
#include "domain/user/line.h"
#include "domain/user/user.c" /* to start over */

enum {
	SERVER = 3,
	PROGRAM = 5
}; /* descriptors */

static const char *input;  /* what is typed */
static uint interrupts;    /* at so many more yields there is Ctrl-C */
static char shown[8192];   /* what the shell has written */
static char done[1024];    /* what it has asked for, as text */
static long server_result; /* of msgopen("command") */
static long no_process;    /* what newprocess() fails with */
static long busy;          /* what a message fails with */
static uint steps;         /* that the command "slow" has still to do */
static int opened;         /* descriptors of the server that are open */
static jmp_buf ended;
static int status;

static const struct {
	const char *text; /* as the server writes it */
	uint size;
	long lacks;
} commands[] =
	{
#define ENTRY(text, lacks)                \
	{                                 \
		text, sizeof(text), lacks \
	}
		ENTRY("free\0\0pages that are left", 0),
		ENTRY("dump\0p|v|g ADDR [LEN]\0memory", RIGHT_INSPECT),
		ENTRY("reboot\0\0start the machine again", RIGHT_CHANGE),
		ENTRY("slow\0\0many steps", 0),
		ENTRY("sym\0NAME\0an address", 0),
},
  programs[] = {
	  ENTRY("sendint\0[NAME [NUMBER]]\0send a number", 0),
	  ENTRY("shell", 0),
};

static void note(const char *format, ...)
{
	size_t used = strlen(done);
	va_list args;

	va_start(args, format);
	libc_vsnprintf(done + used, sizeof(done) - used, format, args);
	va_end(args);
}

/* The words of a message, with bars between them. */
static void note_words(const char *what, const struct msgbuf *buf)
{
	const char *word;
	size_t at = 0;

	assert_int_equal(((const char *)buf->base)[buf->len - 1], '\0');
	note("%s", what);
	while ((word = next_arg(buf, &at)))
		note("|%s", word);
	note("\n");
}

static long list_entry(u64 which, struct msgbuf *buf)
{
	bool is_program = which >= COMMAND_PROGRAM;
	u64 i = which - (is_program ? COMMAND_PROGRAM : COMMAND_NAME);

	assert_true(buf->rw && buf->len >= 128);
	if (i >= (is_program ? ARRAY_SIZE(programs) : ARRAY_SIZE(commands)))
		return -ENOENT;
	memcpy(buf->base, is_program ? programs[i].text : commands[i].text,
	       is_program ? programs[i].size : commands[i].size);
	return is_program ? programs[i].lacks : commands[i].lacks;
}

static long start_command(const struct msgbuf *buf)
{
	const char *name = buf->base;

	note_words("start", buf);
	steps = strcmp(name, "slow") ? 0 : 3;
	if (!strcmp(name, "sym"))
		return -ENOENT;
	if (steps)
		return COMMAND_MORE;
	for (uint i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].text))
			return commands[i].lacks ? -EPERM : 0;
	return COMMAND_UNKNOWN;
}

/* A command's next step, or its end. */
static long go_on(u64 what)
{
	note("%s\n", what == COMMAND_STOP ? "stop" : "next");
	if (what == COMMAND_STOP)
		return 0;
	return --steps ? COMMAND_MORE : 0;
}

static long new_process(const char *name, u64 length)
{
	assert_int_equal(length, strlen(name));
	if (!strcmp(name, "sendint") || !strcmp(name, "help"))
		return PROGRAM;
	return length > MSG_NAME_MAX ? -EINVAL : no_process;
}

static long message(long number, u64 desc, u64 value, struct msgbuf *buf,
		    u64 count)
{
	if (number == SYS_MSG_SENDBUF)
		assert_int_equal(count, 1);
	if (busy)
		return busy;
	if (desc == PROGRAM) {
		assert_int_equal(value, 0);
		if (number == SYS_MSG_SENDINT)
			note("program\n");
		else
			note_words("program", buf);
		return COMMAND_UNKNOWN; /* any number is a program's own */
	}
	if (desc != SERVER)
		return -EBADF;
	if (number == SYS_MSG_SENDINT)
		return go_on(value);
	return value == COMMAND_START ? start_command(buf)
				      : list_entry(value, buf);
}

static long write_shown(const char *text, u64 length)
{
	assert_true(length <= WRITE_MOST);
	assert_true(strlen(shown) + length < sizeof(shown));
	strncat(shown, text, length);
	return 0;
}

long system_call(long number, u64 a, u64 b, u64 c, u64 d)
{
	switch (number) {
	case SYS_EXIT:
		status = a;
		longjmp(ended, 1);
	case SYS_YIELD:
		return interrupts && !--interrupts ? -EINTR : 0;
	case SYS_WRITE:
		return write_shown((const char *)a, b);
	case SYS_READ:
		return *input ? (u8)*input++ : -ENODEV;
	case SYS_NEWPROCESS:
		return new_process((const char *)a, b);
	case SYS_MSG_OPEN:
		assert_memory_equal((const char *)a, "command", b);
		opened += server_result == SERVER;
		return server_result;
	case SYS_MSG_CLOSE:
		opened -= a == SERVER;
		if (a != SERVER)
			note("close %d\n", (int)a);
		return 0;
	case SYS_MSG_SENDINT:
	case SYS_MSG_SENDBUF:
		return message(number, a, b, (struct msgbuf *)c, d);
	}
	return host_system_call(number, a, b);
}

/* Start the shell, type @text at it, up to its end; its status. */
static int run_shell(int value, const char *text)
{
	input = text;
	shown[0] = done[0] = '\0';
	interrupt_kept = false;
	if (!setjmp(ended))
		status = program(MSG_INT, value, NULL, 0);
	assert_int_equal(opened, 0);
	return status;
}

static int start(void **state)
{
	server_result = SERVER;
	no_process = -ENOENT;
	interrupts = busy = 0;
	return 0;
}

#define assert_shown(text)     assert_non_null(strstr(shown, text))
#define assert_not_shown(text) assert_null(strstr(shown, text))

static void a_command_is_run_with_its_words(void **state)
{
	assert_int_equal(run_shell(SHELL_INTERACTIVE, "free   a bc \r"), 0);
	assert_string_equal(done, "start|free|a|bc\n");
	assert_string_equal(shown, "> free   a bc \n> ");
}

static void an_empty_line_does_nothing(void **state)
{
	run_shell(SHELL_INTERACTIVE, "\r   \r");
	assert_string_equal(done, "");
	assert_string_equal(shown, "> \n>    \n> ");
}

static void a_long_command_goes_on_step_by_step(void **state)
{
	run_shell(SHELL_INTERACTIVE, "slow\r");
	assert_string_equal(done, "start|slow\nnext\nnext\nnext\n");
}

static void ctrl_c_stops_a_long_command(void **state)
{
	interrupts = 2;
	run_shell(SHELL_INTERACTIVE, "slow\rfree\r");
	assert_string_equal(done, "start|slow\nnext\nstop\nstart|free\n");
	assert_shown("^C\n> ");
}

/* Ctrl-C that Vellum tells of in an endless loop, or where a program reads. */
static void ctrl_c_ends_a_program_that_does_not_keep_it(void **state)
{
	interrupt_kept = false;
	status = 0;
	if (!setjmp(ended))
		take_interrupt();
	assert_int_equal(status, -EINTR);
	status = 0;
	interrupts = 1;
	if (!setjmp(ended))
		interrupted();
	assert_int_equal(status, -EINTR);
}

static void ctrl_c_that_is_kept_is_told_once(void **state)
{
	keep_interrupts();
	take_interrupt();
	assert_true(interrupted());
	assert_false(interrupted());
	take_interrupt();
	input = "a";
	assert_int_equal(readchar(), 'a');
	assert_false(interrupted()); /* it was none for what comes now */
}

static void a_command_says_itself_why_it_failed(void **state)
{
	run_shell(SHELL_INTERACTIVE, "sym x\rdump p 0\r");
	assert_string_equal(done, "start|sym|x\nstart|dump|p|0\n");
	assert_string_equal(shown, "> sym x\n> dump p 0\n> ");
}

static void a_message_that_fails_is_told(void **state)
{
	busy = -ENOMEM;
	run_shell(SHELL_INTERACTIVE, "free\r");
	assert_shown("free: Vellum is out of memory\n");
}

static void a_program_is_run_with_the_words_behind_its_name(void **state)
{
	run_shell(SHELL_INTERACTIVE, "sendint\rsendint free 3\r");
	assert_string_equal(done, "program\nclose 5\nprogram|free|3\n"
				  "close 5\n");
	assert_string_equal(shown, "> sendint\n> sendint free 3\n> ");
}

static void where_no_program_can_be_started_commands_can(void **state)
{
	no_process = -ENOMEM;
	run_shell(SHELL_INTERACTIVE, "free\rlog\r");
	assert_string_equal(done, "start|free\nstart|log\n");
	assert_shown("> log\nlog: Vellum is out of memory\n");
	assert_not_shown("free: ");
}

static void ctrl_c_that_ended_a_program_is_shown(void **state)
{
	busy = -EINTR;
	run_shell(SHELL_INTERACTIVE, "sendint\r");
	assert_shown("> sendint\n^C\n> ");
	assert_string_equal(done, "close 5\n");
}

static void an_unknown_word_names_the_nearest(void **state)
{
	run_shell(SHELL_INTERACTIVE, "fre\rSendInt\rexti x\rxyzzy\r");
	assert_shown("fre: unknown; did you mean free?\n");
	assert_shown("SendInt: unknown; did you mean sendint?\n");
	assert_shown("exti: unknown; did you mean exit?\n");
	assert_shown("xyzzy: unknown; help lists what there is\n");
	run_shell(SHELL_INTERACTIVE, "longer_than_the_name_of_a_program\r");
	assert_shown("\nlonger_than_the_name_of_a_program: unknown; ");
	assert_int_equal(
		run_shell(SHELL_ONE, "longer_than_the_name_of_a_program\n"),
		-ENOENT);
}

static void exit_or_ctrl_d_leaves(void **state)
{
	assert_int_equal(run_shell(SHELL_INTERACTIVE, "exit\rfree\r"), 0);
	assert_string_equal(done, "");
	assert_int_equal(run_shell(SHELL_INTERACTIVE, "sym\r\x04"
						      "free\r"),
			 0);
	assert_string_equal(done, "start|sym\n");
}

static void a_single_line_is_run_without_a_word_beside_it(void **state)
{
	assert_int_equal(run_shell(SHELL_ONE, "free\nsym\n"), 0);
	assert_string_equal(done, "start|free\n");
	assert_string_equal(shown, "");
	assert_int_equal(run_shell(SHELL_ONE, "dump p 0\n"), -EPERM);
	assert_int_equal(run_shell(SHELL_ONE, "fre\n"), -ENOENT);
	assert_string_equal(shown, "fre: unknown; did you mean free?\n");
	assert_int_equal(run_shell(SHELL_ONE, "free"), -EINTR);
	assert_string_equal(done, "");
}

static void without_its_server_programs_are_left(void **state)
{
	server_result = -ENOENT;
	run_shell(SHELL_INTERACTIVE, "sendint\rfree\rexi\r");
	assert_string_equal(done, "program\nclose 5\n");
	assert_shown("free: unknown; help lists what there is\n");
	assert_shown("exi: unknown; did you mean exit?\n");
}

static void a_line_of_many_words_fits(void **state)
{
	char text[LINE_SIZE + 1] = "", words[200] = "start";

	for (uint i = 0; i < 38; i++) {
		strcat(text, i ? " x" : "x");
		strcat(words, "|x");
	}
	strcat(text, "\r");
	strcat(words, "\n");
	assert_true(38 <= COMMAND_WORDS);
	run_shell(SHELL_INTERACTIVE, text);
	assert_string_equal(done, words);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_command_is_run_with_its_words),
		TEST(an_empty_line_does_nothing),
		TEST(a_long_command_goes_on_step_by_step),
		TEST(ctrl_c_stops_a_long_command),
		TEST(ctrl_c_ends_a_program_that_does_not_keep_it),
		TEST(ctrl_c_that_is_kept_is_told_once),
		TEST(a_command_says_itself_why_it_failed),
		TEST(a_message_that_fails_is_told),
		TEST(a_program_is_run_with_the_words_behind_its_name),
		TEST(where_no_program_can_be_started_commands_can),
		TEST(ctrl_c_that_ended_a_program_is_shown),
		TEST(an_unknown_word_names_the_nearest),
		TEST(exit_or_ctrl_d_leaves),
		TEST(a_single_line_is_run_without_a_word_beside_it),
		TEST(without_its_server_programs_are_left),
		TEST(a_line_of_many_words_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
