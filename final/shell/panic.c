/*
 * The end of a panic.
 *
 *	+--> shell or reboot? --- s ---> the shell, until it ends --+
 *	|         | r, or panic= and its time                       |
 *	|         v                                                 |
 *	|    reboot, or halt                                        |
 *	+----------- a panic in any of it, and the shell's end -----+
 *
 * Any of it may fault. So it begins anew with each panic that comes of it, and
 * counts: after FAULTS_MOST there is no shell any more, only what panic= says;
 * and then a way to reset that has failed is not tried again (lib/reset.c). It
 * runs on a stack of its own, always from its top: the one where the panic came
 * from may be used up, and holds the frames that `backtrace' is about to show.
 *
 * An unattended server has to come back, so after a while without a key we
 * reboot. Not so if no guest has run yet: a panic in our own start-up would
 * come again, and again, and nobody is kept from work. Book: chapter 12.
 */
#include "shell/panic.h"

#include "boot/settings.h"
#include "boot/layout.h"
#include "console/console.h"
#include "console/printf.h"
#include "domain/domain.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/reset.h"
#include "lib/string.h"
#include "net/log.h"
#include "page/mm.h"
#include "paging/paging.h"
#include "shell/input.h"
#include "shell/reboot.h"
#include "smp/delay.h"
#include "vmm/vcpu.h"

#define FAULTS_MOST 3
#define BEGUN_MOST  (FAULTS_MOST + 8) /* then not a word more */

#define SECONDS_MOST 86400
#define ASK_SECONDS  60
#define STEP         1000  /* microseconds between looks for a key */
#define ALONE        50000 /* in which a key that counts is the only one */
#define SECOND       1000000

#define SLICES 16 /* of the shell, between looks for Ctrl-C */
#define CTRL_C 3

enum ending {
	END_ASK,
	END_SHELL,
	END_REBOOT,
	END_HALT
};

static const char *ending_name(uint i)
{
	static const char *const names[] = {
		[END_ASK] = "ask",
		[END_SHELL] = "shell",
		[END_REBOOT] = "reboot",
		[END_HALT] = "halt",
		NULL,
	};

	return names[i];
}

SETTING(panic_setting, .name = "panic", .type = &choice_type,
	.choice = ending_name, .max = SECONDS_MOST, .initial = "ask",
	.help = "what a panic ends in, after so many seconds without a key");

static struct {
	u8 guard[PAGE_SIZE];
	u8 stack[STACK_SIZE];
} own __aligned(PAGE_SIZE);

static uint faults;
static bool ready; /* there is memory, and what runs programs */
static struct domain_thread thread;

/* What was typed and not yet read by the shell. */
static char typed[64];
static uint typed_first, typed_count;

void panic_init(void)
{
	if (paging_make_guard(own.guard))
		printf("panic: its stack has no guard page\n");
	reboot_init();
	ready = true;
}

/* Take in what is typed, so that Ctrl-C is seen while a program runs; and what
 * comes over the network. */
static void collect_typed(void)
{
	int c;

	if (CONFIG_NET)
		net_log_poll();
	while (typed_count < sizeof(typed) && (c = input_character()) >= 0) {
		if (c == CTRL_C)
			thread.interrupted = true;
		else
			typed[(typed_first + typed_count++) % sizeof(typed)] =
				c;
	}
}

static int shell_read(struct domain_thread *t)
{
	char c;

	collect_typed();
	if (!typed_count)
		return -EAGAIN;
	c = typed[typed_first];
	typed_first = (typed_first + 1) % sizeof(typed);
	typed_count--;
	return (u8)c;
}

/* To the consoles alone: in the log it would push out what led to the panic,
 * and `log' would print itself. */
static void shell_write(struct domain_thread *t, const char *text,
			size_t length)
{
	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		for (size_t i = 0; i < length && (*p)->enabled; i++) {
			if (text[i] == '\n')
				(*p)->putc(*p, '\r');
			(*p)->putc(*p, text[i]);
		}
}

static const struct thread_io shell_io = {
	.write = shell_write,
	.sees_log = true,
	.read = shell_read,
};

/* Whatever has failed before, it begins with open locks and without domains. */
static int start_shell(void)
{
	mm_force_unlock();
	domain_panic_reset();
	thread = (struct domain_thread){
		.io = &shell_io,
		.rights = RIGHT_INSPECT | RIGHT_CHANGE,
	};
	typed_count = 0;
	return thread_start(&thread, "init", SHELL_INTERACTIVE);
}

static void run_shell(void)
{
	enum thread_stop stop;
	int error;

	error = ready ? start_shell() : -ENODEV;
	if (error) {
		printf("panic: the shell does not start: error %d\n", error);
		faults++;
		return;
	}
	while ((stop = thread_run(&thread, SLICES)) != THREAD_ENDED) {
		collect_typed();
		if (stop == THREAD_READS)
			cpu_pause();
	}
	thread_end(&thread);
	if (thread.status < 0) {
		printf("panic: the shell has ended: error %d\n", thread.status);
		faults++;
	}
}

static bool guest_has_run(void)
{
	for (const struct vcpu *v = vcpu_first(); v; v = v->next)
		if (v->exits)
			return true;
	return false;
}

static enum ending default_ending(void)
{
	return guest_has_run() ? END_REBOOT : END_HALT;
}

/* The letter that was typed, if it came alone: a line that echoes has said it
 * together with the rest of the question. */
static int lone_key(void)
{
	int key = input_character(), more = 0, c;

	if (CONFIG_NET)
		net_log_poll();
	if (key < 0)
		return key;
	for (uint us = 0; us < ALONE; us += STEP) {
		while ((c = input_character()) >= 0)
			more += c != '\r' && c != '\n';
		delay(STEP);
	}
	return more ? '?' : key | 0x20;
}

/* Wait for s or r for @seconds, 0: for ever; then it is @otherwise. */
static enum ending wait_for_answer(uint seconds, enum ending otherwise)
{
	bool told = false;

	for (u64 us = 0; !seconds || us < seconds * (u64)SECOND; us += STEP) {
		int key = lone_key();

		if (CONFIG_SHELL && key == 's')
			return END_SHELL;
		if (key == 'r')
			return END_REBOOT;
		if (key >= 0 && !told)
			printf("vellum: %sr reboots\n",
			       CONFIG_SHELL ? "s is the shell, " : "");
		told |= key >= 0;
		delay(STEP);
	}
	return otherwise;
}

#define QUESTION (CONFIG_SHELL ? "shell or reboot? [s/r]" : "reboot? [r]")

/* What panic= says; once the shell has run, without it. */
static enum ending ask(void)
{
	static bool asked;
	int chosen = setting_choice(&panic_setting);
	enum ending otherwise = default_ending();
	bool keys = input_begin();
	uint seconds;

	if (chosen < 0 || ((asked || !CONFIG_SHELL) && chosen == END_SHELL))
		chosen = END_ASK;
	asked = true;
	seconds = chosen == END_ASK ? ASK_SECONDS : 0;
	seconds = setting_number(&panic_setting, seconds);
	if (chosen != END_ASK && (chosen != END_SHELL || keys))
		otherwise = chosen;
	if (!seconds && (chosen != END_ASK || !keys))
		return otherwise;
	printf("vellum: %s", keys ? QUESTION : "nobody can type here");
	if (seconds)
		printf("; in %u s: %s", seconds, ending_name(otherwise));
	printf("\n");
	return wait_for_answer(seconds, otherwise);
}

/* What is left when there is no shell. */
static enum ending last_ending(void)
{
	int chosen = setting_choice(&panic_setting);

	printf("panic: %u faults: there is no shell any more\n", faults);
	if (chosen == END_REBOOT || chosen == END_HALT)
		return chosen;
	return default_ending();
}

static void __noreturn end(void)
{
	static uint begun;
	enum ending ending = END_SHELL;

	if (begun++)
		faults++;
	if (begun > BEGUN_MOST)
		cpu_halt_forever();
	while (ending == END_SHELL) {
		ending = faults < FAULTS_MOST ? ask() : last_ending();
		if (CONFIG_SHELL && ending == END_SHELL)
			run_shell();
	}
	if (ending == END_REBOOT) {
		printf("vellum: rebooting\n");
		machine_reset();
	}
	printf("vellum: halted\n");
	cpu_halt_forever();
}

void panic_end(void)
{
	asm volatile("mov %0, %%rsp\n\t"
		     "xor %%ebp, %%ebp\n\t" /* backtraces end here */
		     "call %c1"
		     :
		     : "r"(own.stack + sizeof(own.stack)), "i"(end)
		     : "memory");
	__builtin_unreachable();
}
