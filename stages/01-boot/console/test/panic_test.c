/*
 * Panic, when everything else fails, too. Each panic is a process of its own,
 * which ends when panic.c halts the CPU: here that is a privileged instruction
 * and a signal.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "console/backtrace.h"
#include "console/console.h"
#include "console/keys.h"
#include "console/panic.h"
#include "console/printf.h"
#include "host.h"
#include "lib/percpu.h"
#include "lib/reset.h"

#define SECONDS 5 /* after which a panic counts as one that does not end */

enum trouble {
	NOWHERE,
	IN_CONSOLE,
	IN_PRINTF,
	IN_BACKTRACE,
	IN_HOOK,
	IN_KEYS,
	IN_RESET,
};

PERCPU(u32, cpu_number);

static enum trouble trouble;
static bool has_keys;
static bool locked; /* as the lock of printf */
static char *told;  /* all that was printed; shared with the parent */

/* A step was taken, and fails where it is to fail. */
static void step(enum trouble where, const char *text)
{
	strcat(told, text);
	if (where == trouble)
		panic("trouble");
}

int printf(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	libc_vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (locked)
		for (;;)
			; /* a lock that is ours already */
	locked = true;
	step(IN_PRINTF, text);
	locked = false;
	return 0;
}

void console_force_unlock(void)
{
	locked = false;
}

void console_take_back(void)
{
	console_force_unlock();
	step(IN_CONSOLE, "consoles\n");
}

void backtrace_print(u64 rip, u64 start)
{
	step(IN_BACKTRACE, "backtrace\n");
}

void hook(void);

void hook(void)
{
	step(IN_HOOK, "hook\n");
}

void second_hook(void);

void second_hook(void)
{
	strcat(told, "second hook\n");
}

bool keys_listen(void)
{
	step(IN_KEYS, "listen\n");
	return has_keys;
}

void keys_wait(void)
{
	strcat(told, "key\n");
}

void machine_reset(void)
{
	step(IN_RESET, "reset\n");
	_exit(0);
}

/*
 * What the panic.c of final calls besides. It ends in shell/panic.c, which
 * has a test of its own: here that end looks as the first stage's does.
 */
void mm_force_unlock(void);
void mm_free_panicmem(void);
void panic_end(void);

void mm_force_unlock(void)
{
}

void mm_free_panicmem(void)
{
}

void panic_end(void)
{
	static uint begun;

	if (begun++ == 0 && keys_listen()) {
		printf("vellum: press a key to reboot\n");
		keys_wait();
		printf("vellum: rebooting\n");
		machine_reset();
	}
	if (begun < 3)
		printf("vellum: halted\n");
	_exit(0);
}

asm(".pushsection .data\n"
    ".globl panic_hooks_start, panic_hooks_end\n"
    "panic_hooks_start: .quad hook, second_hook\n"
    "panic_hooks_end:\n"
    ".popsection");

static void halted(int signal)
{
	_exit(0);
}

/* What a panic prints, when there is trouble in one of its steps. */
static const char *panic_with(enum trouble where)
{
	int status;
	pid_t child;

	told[0] = '\0';
	child = fork();
	if (child == 0) {
		signal(SIGSEGV, halted);
		signal(SIGALRM, SIG_DFL);
		alarm(SECONDS);
		trouble = where;
		locked = true; /* it happened within printf */
		panic("%s", "first");
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("it does not come to an end: %.300s", told);
	return told;
}

static void the_steps_are_taken_in_order(void **state)
{
	assert_string_equal(panic_with(NOWHERE), "consoles\n"
						 "panic(CPU0): first\n"
						 "backtrace\n"
						 "hook\n"
						 "second hook\n"
						 "listen\n"
						 "vellum: halted\n");
}

static void a_key_starts_over_where_there_are_keys(void **state)
{
	has_keys = true;
	assert_string_equal(panic_with(NOWHERE),
			    "consoles\n"
			    "panic(CPU0): first\n"
			    "backtrace\n"
			    "hook\n"
			    "second hook\n"
			    "listen\n"
			    "vellum: press a key to reboot\n"
			    "key\n"
			    "vellum: rebooting\n"
			    "reset\n");
	assert_non_null(strstr(panic_with(IN_RESET), "reset\n"
						     "panic(CPU0): trouble\n"
						     "vellum: halted\n"));
	has_keys = false;
}

static void a_step_that_fails_is_not_repeated(void **state)
{
	assert_string_equal(panic_with(IN_BACKTRACE), "consoles\n"
						      "panic(CPU0): first\n"
						      "backtrace\n"
						      "panic(CPU0): trouble\n"
						      "hook\n"
						      "second hook\n"
						      "listen\n"
						      "vellum: halted\n");
	assert_string_equal(panic_with(IN_HOOK), "consoles\n"
						 "panic(CPU0): first\n"
						 "backtrace\n"
						 "hook\n"
						 "panic(CPU0): trouble\n"
						 "second hook\n"
						 "listen\n"
						 "vellum: halted\n");
	assert_string_equal(panic_with(IN_KEYS), "consoles\n"
						 "panic(CPU0): first\n"
						 "backtrace\n"
						 "hook\n"
						 "second hook\n"
						 "listen\n"
						 "panic(CPU0): trouble\n"
						 "vellum: halted\n");
}

static void what_the_first_one_says_is_not_lost(void **state)
{
	assert_string_equal(panic_with(IN_CONSOLE), "consoles\n"
						    "panic(CPU0): trouble\n"
						    "panic(CPU0): first\n"
						    "backtrace\n"
						    "hook\n"
						    "second hook\n"
						    "listen\n"
						    "vellum: halted\n");
}

static void trouble_in_every_message_comes_to_an_end(void **state)
{
	const char *text = panic_with(IN_PRINTF);

	assert_non_null(strstr(text, "panic(CPU0): first\n"));
	assert_non_null(strstr(
		text,
		"backtrace\nhook\nsecond hook\nlisten\nvellum: halted\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_steps_are_taken_in_order),
		cmocka_unit_test(a_key_starts_over_where_there_are_keys),
		cmocka_unit_test(a_step_that_fails_is_not_repeated),
		cmocka_unit_test(what_the_first_one_says_is_not_lost),
		cmocka_unit_test(trouble_in_every_message_comes_to_an_end),
	};

	told = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
