/*
 * vellumctl shell: Vellum's debug shell on this terminal, or one command of it.
 *
 * The shell itself is a program that Vellum runs. Here is its line: what is
 * typed goes there, what it prints comes back, some bytes with each call of
 * Vellum; and each call gives it a moment to run in. A call can be a hypercall,
 * which anybody may do, or an OUT to a port, which Linux grants to root alone
 * (ioperm): only that shows memory and changes anything. The other side is
 * final/shell/door.c.
 *
 * While it waits for a key it calls now and then, for a client that says
 * nothing for many seconds is taken for dead, and the next one takes its place.
 */
#include "vellumctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <termios.h>
#include <unistd.h>

enum {
	NUMBER_SHELL = 8, /* of the hypercall */
	PORT = 0xe6,
	INPUT_PIECE = 16,
	LINE_MOST = 77, /* of the shell's editor */
	CTRL_C = 3,
	CTRL_D = 4,
};

enum shell_call {
	SHELL_OPEN,
	SHELL_WRITE,
	SHELL_RUN,
	SHELL_CLOSE
};
enum shell_kind {
	SHELL_INTERACTIVE,
	SHELL_ONE
};
enum shell_state {
	STATE_MORE,
	STATE_READS,
	STATE_ENDED
};
enum {
	RIGHT_INSPECT = 1,
	RIGHT_CHANGE = 2
};

/* What ends the program, besides what the command's own status is. */
enum {
	EXIT_WRONG = 1,  /* the words of the command line */
	EXIT_FAILED = 4, /* Vellum refuses the shell */
	EXIT_BUSY = 6,
	EXIT_LOST = 7, /* another vellumctl has taken the session over */
	EXIT_SIGNAL = 128,
};

static bool by_port; /* else by hypercall */
static const char *no_port;
static u64 session, rights;
static struct termios cooked;
static bool is_raw;
static volatile sig_atomic_t ended_by, interrupts;

/* What was typed and not yet taken. */
static char typed[256];
static size_t typed_used;
static bool input_ended;

static void cook(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
	is_raw = false;
}

static void call_once(struct registers *r)
{
	if (by_port)
		CALL_VELLUM("outb %%al, $0xe6", r);
	else
		hypercall(r);
}

/* Another CPU may be in the session just now, for a moment: -EAGAIN. */
static long long shell_call(enum shell_call call, struct registers *r)
{
	struct registers in = *r;

	in.rbx = NUMBER_SHELL;
	in.rcx |= call;
	for (int i = 0; i < 5000; i++) {
		*r = in;
		call_once(r);
		if (r->rax != -EAGAIN)
			break;
		usleep(200 + rand() % 400);
	}
	return r->rax;
}

static void close_session(void)
{
	struct registers r = {.rsi = session};

	if (session)
		shell_call(SHELL_CLOSE, &r);
	session = 0;
}

/* End, with a message on what went wrong. */
static void __attribute__((noreturn, format(printf, 2, 3)))
leave(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	cook();
	fprintf(stderr, "vellumctl: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static void on_signal(int number)
{
	if (number == SIGINT)
		interrupts++;
	else
		ended_by = number;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Keys come one by one, and none of them is a signal. Output stays as it is. */
static void make_raw(void)
{
	struct termios raw;

	if (is_raw || tcgetattr(STDIN_FILENO, &cooked))
		return;
	raw = cooked;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)IXON;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_raw = !tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* Root comes in by the port. Vellum leaves RAX alone where it doesn't watch
 * that. */
static void choose_door(void)
{
	struct registers r = {.rsi = 0};

	if (ioperm(PORT, 1, 1)) {
		no_port = strerror(errno);
		return;
	}
	by_port = true;
	shell_call(SHELL_CLOSE, &r); /* no session has this number */
	by_port = r.rax != SIGNATURE;
	no_port = "Vellum does not watch it";
}

static long long try_to_open(enum shell_kind kind, u64 *silence)
{
	struct registers r = {.rsi = kind};
	long long error = shell_call(SHELL_OPEN, &r);

	*silence = r.rsi;
	if (!error) {
		session = r.rbx;
		rights = r.rdx;
	}
	return error;
}

/* Another has the session. One that lives calls twice a second; of one that
 * doesn't Vellum will hear no more, and let us in after some time. */
static long long wait_for_other(enum shell_kind kind, u64 silence)
{
	long long error;
	u64 before;

	for (int i = 0;; i++) {
		if (ended_by || interrupts)
			leave(EXIT_BUSY, "the session is another vellumctl's");
		usleep(100000);
		before = silence;
		error = try_to_open(kind, &silence);
		if (error != -EBUSY)
			return error;
		if (silence < before)
			leave(EXIT_BUSY, "another vellumctl is using the debug "
					 "shell, of which there is one");
		if (i == 20)
			fprintf(stderr,
				"vellumctl: another vellumctl has the debug "
				"shell, but is silent: waiting until Vellum "
				"takes it for dead (some seconds)\n");
	}
}

static void open_session(enum shell_kind kind)
{
	u64 silence;
	long long error = try_to_open(kind, &silence);

	if (error == -EBUSY)
		error = wait_for_other(kind, silence);
	if (error == -EINVAL || error == SIGNATURE)
		leave(EXIT_FAILED, "this Vellum has no debug shell");
	if (error)
		leave(EXIT_FAILED, "Vellum can't start its shell: %s",
		      strerror((int)-error));
}

/* What this session can't do, and why. */
static void say_limits(void)
{
	if (!(rights & RIGHT_INSPECT))
		fprintf(stderr,
			"vellumctl: no right to I/O port 0x%x (%s), so what "
			"shows memory or changes something is refused: %s\n",
			PORT, no_port,
			geteuid() ? "that is for root"
				  : "a kernel that is locked down, as with "
				    "Secure Boot, keeps root from it, too");
	else if (!(rights & RIGHT_CHANGE))
		fprintf(stderr, "vellumctl: Vellum was started without "
				"\"debug\", so what changes something is "
				"refused\n");
}

/* There is no room for what is typed ahead: a terminal drops it then, but for
 * Ctrl-C; a file can wait. */
static void drop_typed(void)
{
	if (!is_raw)
		return;
	typed_used = memchr(typed, CTRL_C, typed_used) != NULL;
	typed[0] = CTRL_C;
}

/* Send the next of what was typed. Ctrl-C takes away what was not read yet, so
 * what was typed before it goes first, and has a moment. */
static void send_typed(void)
{
	struct registers r = {.rsi = session};
	char *stop = memchr(typed + 1, CTRL_C, typed_used - 1);
	size_t n = stop ? (size_t)(stop - typed) : typed_used;

	if (n > INPUT_PIECE)
		n = INPUT_PIECE;
	if (typed[0] == CTRL_C)
		n = 1;
	memcpy(&r.rdi, typed, n < 8 ? n : 8);
	if (n > 8)
		memcpy(&r.r8, typed + 8, n - 8);
	r.rcx = n << 8;
	if (shell_call(SHELL_WRITE, &r))
		return; /* the session is lost: the next run says so */
	typed_used -= r.rbx;
	memmove(typed, typed + r.rbx, typed_used);
	if (!r.rbx)
		drop_typed();
}

/* The next keys, if there are some within @wait milliseconds. */
static void read_keys(int wait)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	ssize_t n;

	if (poll(&in, 1, wait) <= 0)
		return;
	n = read(STDIN_FILENO, typed, sizeof typed);
	if (n > 0)
		typed_used = n;
	else if (n == 0 || errno != EINTR)
		input_ended = true;
}

/* Ctrl-C, from a terminal that still makes a signal of it. */
static void send_interrupt(void)
{
	if (interrupts > 1)
		exit(EXIT_SIGNAL + SIGINT);
	typed[0] = CTRL_C;
	typed_used = 1;
}

/* Who reads on after the end of the input gets it again, but not for ever. */
static void send_end_of_input(void)
{
	static int times;

	if (++times > 20)
		leave(EXIT_FAILED, "the input has ended, and the shell reads "
				   "on");
	typed[0] = CTRL_D;
	typed_used = 1;
}

/* Take what is typed, once that is asked for: what follows a command, which is
 * typed by this program, may be another's input. */
static void take_input(enum shell_state state)
{
	static bool wanted;
	static int sent;

	if (state == STATE_READS && !typed_used && !wanted) {
		wanted = true;
		make_raw();
	}
	if (interrupts > sent) {
		sent = interrupts;
		send_interrupt();
	} else if (wanted && !typed_used && !input_ended) {
		read_keys(state == STATE_READS ? 500 : 0);
	}
	if (input_ended && state == STATE_READS && !typed_used)
		send_end_of_input();
	if (typed_used)
		send_typed();
}

/* Let the shell run for a moment, and print what it has to say. */
static enum shell_state run_shell(int *status)
{
	struct registers r = {.rsi = session};
	long long error = shell_call(SHELL_RUN, &r);
	u64 text[4] = {r.rbx, r.rsi, r.rdi, r.r8};
	enum shell_state state = r.rdx >> 8 & 0xff;

	if (error == -ENOENT) {
		session = 0;
		leave(EXIT_LOST, "the session is over: root's vellumctl took "
				 "it, or this one was silent for too long");
	}
	if (error)
		leave(EXIT_FAILED, "the session failed: %s",
		      strerror((int)-error));
	fwrite(text, 1, r.rdx & 0xff, stdout);
	if (state != STATE_MORE || (r.rdx & 0xff) < sizeof text)
		fflush(stdout);
	if (ferror(stdout))
		exit(EXIT_FAILED); /* nobody reads it any more */
	if (r.rdx >> 16 & 1)
		fprintf(stderr, "vellumctl: some of the output was lost\n");
	*status = (int)(r.rdx >> 32);
	return state;
}

/* Until the shell ends; its status. */
static int converse(void)
{
	int status;
	enum shell_state state;

	while ((state = run_shell(&status)) != STATE_ENDED) {
		take_input(state);
		if (ended_by)
			exit(EXIT_SIGNAL + ended_by);
	}
	return status;
}

/* The command as the line that a person would type. */
static void type_line(int count, char **words)
{
	for (int i = 0; i < count; i++) {
		size_t length = strlen(words[i]);

		for (const char *c = words[i]; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				leave(EXIT_WRONG, "a word of the command has "
						  "a control character");
		if (typed_used + length > LINE_MOST)
			leave(EXIT_WRONG,
			      "the command has more than %d "
			      "characters",
			      LINE_MOST);
		memcpy(typed + typed_used, words[i], length);
		typed_used += length;
		typed[typed_used++] = i + 1 < count ? ' ' : '\n';
	}
}

static void restore(void)
{
	cook();
	close_session();
}

int debug_shell(int count, char **words)
{
	int status;

	type_line(count, words);
	catch_signals();
	choose_door();
	atexit(restore);
	open_session(count ? SHELL_ONE : SHELL_INTERACTIVE);
	if (!count) {
		fprintf(stderr, "vellumctl: Vellum's debug shell. Ctrl-C ends "
				"what runs, or the line; on an empty line it "
				"leaves, as Ctrl-D and exit do.\n");
		say_limits();
	}
	status = converse();
	if (status == -EPERM)
		say_limits();
	if (status == -EINTR)
		return EXIT_SIGNAL + SIGINT;
	return status < 0 ? -status & 0x7f : status;
}
