/*
 * The end of a panic: who is asked, what is answered, and what comes when any
 * of it fails. Each end is a process of its own, which ends when the CPU halts
 * or resets.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "boot/settings.h"
#include "host.h"
#include "shell/panic.c"

#define SECONDS_OF_TEST 20 /* after which an end counts as endless */

struct boot_info boot_info;
const struct vcpu_ops *vcpu_ops;

static char *told; /* shared with the parent */
static const char *keys;
static bool has_keys, has_run;
static int start_error, shell_status;
static uint shell_panics, reset_panics, print_panics; /* so many times */
static u64 waited;

static struct vcpu guest = {.exits = 1};

int printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	libc_vsnprintf(told + strlen(told), 512, format, args);
	va_end(args);
	if (print_panics) {
		print_panics--;
		panic_end(); /* as console/panic.c does in the end */
	}
	return 0;
}

bool input_begin(void)
{
	return has_keys;
}

/* A blank is a second without a key. */
int input_character(void)
{
	static u64 until;

	if (waited < until || !*keys)
		return -EAGAIN;
	if (*keys != ' ')
		return *keys++;
	keys++;
	until = waited + SECOND;
	return -EAGAIN;
}

void delay(uint us)
{
	waited += us;
	if (waited > 3600 * (u64)SECOND) { /* it waits for ever */
		strcat(told, "waits\n");
		_exit(0);
	}
}

struct vcpu *vcpu_first(void)
{
	return has_run ? &guest : NULL;
}

void mm_force_unlock(void)
{
}

void domain_panic_reset(void)
{
	strcat(told, "anew\n");
}

int thread_start(struct domain_thread *t, const char *program, int value)
{
	assert_string_equal(program, "init");
	return start_error;
}

enum thread_stop thread_run(struct domain_thread *t, uint slices)
{
	strcat(told, "shell\n");
	if (shell_panics) {
		shell_panics--;
		panic_end();
	}
	t->status = shell_status;
	return THREAD_ENDED;
}

void thread_end(struct domain_thread *t)
{
}

int paging_make_guard(void *page)
{
	return 0;
}

void reboot_init(void)
{
}

void net_log_poll(void)
{
}

void machine_reset(void)
{
	strcat(told, "reset\n");
	if (reset_panics) {
		reset_panics--;
		panic_end();
	}
	_exit(0);
}

struct console *const consoles_start[] = {NULL};
asm(".globl consoles_end\n"
    ".set consoles_end, consoles_start");

static void halted(int signal)
{
	_exit(0);
}

/* What an end with the word @word does, when @typed is typed. */
static const char *end_with(const char *word, const char *typed)
{
	/* The signal comes on a stack of which glibc knows nothing. */
	struct sigaction halt = {.sa_handler = halted};
	int status;
	pid_t child;

	told[0] = '\0';
	strcpy(boot_info.cmdline, word);
	child = fork();
	if (child == 0) {
		settings_check();
		sigaction(SIGSEGV, &halt, NULL);
		signal(SIGALRM, SIG_DFL);
		alarm(SECONDS_OF_TEST);
		keys = typed;
		panic_end();
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("it does not come to an end: %.300s", told);
	return told;
}

static int begin(void **state)
{
	has_keys = has_run = ready = true;
	start_error = shell_status = 0;
	shell_panics = reset_panics = print_panics = 0;
	return 0;
}

#define ASK      "vellum: shell or reboot? [s/r]; in 60 s: reboot\n"
#define REBOOT   "vellum: rebooting\nreset\n"
#define SHELL    "anew\nshell\n"
#define NO_SHELL "panic: 3 faults: there is no shell any more\n"

static void s_is_the_shell_and_r_reboots(void **state)
{
	assert_string_equal(end_with("", "  s r"), ASK SHELL ASK REBOOT);
	assert_string_equal(end_with("", "S R"), ASK SHELL ASK REBOOT);
	assert_string_equal(end_with("", "r\r\n"), ASK REBOOT);
}

static void without_a_key_the_machine_comes_back(void **state)
{
	assert_string_equal(end_with("", ""), ASK REBOOT);
	assert_string_equal(end_with("panic=ask", ""), ASK REBOOT);
	has_keys = false;
	assert_string_equal(
		end_with("", ""),
		"vellum: nobody can type here; in 60 s: reboot\n" REBOOT);
}

static void a_start_that_panics_is_not_begun_without_end(void **state)
{
	has_run = false;
	assert_string_equal(end_with("", ""),
			    "vellum: shell or reboot? [s/r]; in 60 s: halt\n"
			    "vellum: halted\n");
	assert_string_equal(end_with("panic=reboot", ""), REBOOT);
}

static void the_word_says_what_and_after_how_long(void **state)
{
	assert_string_equal(end_with("panic=ask:0", ""),
			    "vellum: shell or reboot? [s/r]\nwaits\n");
	assert_string_equal(end_with("panic=reboot", "s"), REBOOT);
	assert_string_equal(
		end_with("panic=reboot:5", "      s"),
		"vellum: shell or reboot? [s/r]; in 5 s: reboot\n" REBOOT);
	assert_string_equal(end_with("panic=halt", "s"), "vellum: halted\n");
	assert_string_equal(
		end_with("panic=halt:5", "  r"),
		"vellum: shell or reboot? [s/r]; in 5 s: halt\n" REBOOT);
	assert_string_equal(end_with("panic=shell", " r"), SHELL ASK REBOOT);
	assert_string_equal(
		end_with("panic=shell:5", "       r"),
		"vellum: shell or reboot? [s/r]; in 5 s: shell\n" SHELL
		"vellum: shell or reboot? [s/r]; in 5 s: "
		"reboot\n" REBOOT);
}

static void who_cannot_type_gets_no_shell(void **state)
{
	has_keys = false;
	assert_string_equal(end_with("panic=shell", ""), REBOOT);
	assert_string_equal(end_with("panic=ask:0", ""), REBOOT);
	assert_string_equal(end_with("panic=halt", ""), "vellum: halted\n");
}

static void a_line_that_echoes_does_not_answer(void **state)
{
	assert_string_equal(end_with("", "vellum: shell or reboot? [s/r]\r\n"),
			    ASK "vellum: s is the shell, r reboots\n" REBOOT);
	assert_string_equal(
		end_with("", "x s r"),
		ASK "vellum: s is the shell, r reboots\n" SHELL ASK REBOOT);
}

static void after_three_faults_there_is_no_shell(void **state)
{
	shell_panics = 1;
	assert_string_equal(end_with("", "s s r"),
			    ASK SHELL ASK SHELL ASK REBOOT);
	shell_panics = 9;
	assert_string_equal(end_with("", "s s s s"),
			    ASK SHELL ASK SHELL ASK SHELL NO_SHELL REBOOT);
	assert_string_equal(
		end_with("panic=halt:9", "s s s s"),
		"vellum: shell or reboot? [s/r]; in 9 s: halt\n" SHELL
		"vellum: shell or reboot? [s/r]; in 9 s: halt\n" SHELL
		"vellum: shell or reboot? [s/r]; in 9 s: halt\n" SHELL NO_SHELL
		"vellum: halted\n");
	has_run = false;
	assert_non_null(strstr(end_with("panic=shell", "s s s s"),
			       NO_SHELL "vellum: halted\n"));
}

static void a_shell_that_does_not_start_or_fails_is_a_fault(void **state)
{
	start_error = -ENOMEM;
	assert_non_null(strstr(end_with("", "s s s s"), NO_SHELL REBOOT));
	assert_non_null(strstr(told, "panic: the shell does not start: error "
				     "-12\n"));
	start_error = 0;
	shell_status = -EFAULT;
	assert_non_null(strstr(end_with("", "s s s s"), NO_SHELL REBOOT));
	assert_non_null(
		strstr(told, "panic: the shell has ended: error -14\n"));
}

static void before_there_is_memory_there_is_no_shell(void **state)
{
	ready = false;
	assert_string_equal(
		end_with("", "s r"),
		ASK "panic: the shell does not start: error -19\n" ASK REBOOT);
}

/* lib/reset.c goes on with the next way each time. */
static void a_way_to_reset_that_panics_is_followed_by_the_next(void **state)
{
	reset_panics = 4;
	assert_string_equal(end_with("panic=reboot", ""),
			    REBOOT REBOOT REBOOT NO_SHELL REBOOT
			    "panic: 4 faults: there is no "
			    "shell any more\n" REBOOT);
}

static void trouble_in_every_message_comes_to_an_end(void **state)
{
	print_panics = 1000;
	end_with("", "");
	print_panics = 2;
	assert_non_null(strstr(end_with("", "   r"), REBOOT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, begin)
		T(s_is_the_shell_and_r_reboots),
		T(without_a_key_the_machine_comes_back),
		T(a_start_that_panics_is_not_begun_without_end),
		T(the_word_says_what_and_after_how_long),
		T(who_cannot_type_gets_no_shell),
		T(a_line_that_echoes_does_not_answer),
		T(after_three_faults_there_is_no_shell),
		T(a_shell_that_does_not_start_or_fails_is_a_fault),
		T(before_there_is_memory_there_is_no_shell),
		T(a_way_to_reset_that_panics_is_followed_by_the_next),
		T(trouble_in_every_message_comes_to_an_end),
#undef T
	};

	told = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
