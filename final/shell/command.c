/*
 * The server "command": finds a command by its name, asks for the right to it,
 * and calls it piece by piece.
 *
 * In pieces, because the guest's CPU is ours meanwhile: between two pieces the
 * thread can be parked, and the guest goes on (shell/session.c). A command that
 * walks through bad memory may fault; guarded() makes that the command's end,
 * and not Vellum's. Book: chapter 12.
 */
#include "shell/command.h"

#include "console/console.h"
#include "console/printf.h"
#include "domain/program.h"
#include "domain/server.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/mm.h"
#include "paging/guarded.h"
#include "smp/panic.h"

extern const struct shell_command __start_commands[], __stop_commands[];

#define TEXT_MOST 256 /* characters of a command, with all its words */

/*
 * The command under way: of the thread that began one last, as one alone runs
 * at a time (domain/domain.h).
 */
static struct {
	const struct shell_command *command; /* NULL: none */
	struct command c;
	char text[TEXT_MOST]; /* where its words lie */
} now;

void say(struct command *c, const char *format, ...)
{
	char text[256];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->thread->io->write(c->thread, text,
			     MIN((size_t)length, sizeof(text) - 1));
}

static bool parse(const char *text, uint base, u64 *number)
{
	u64 value = 0;

	do {
		char c = *text, small = c | 0x20;
		uint digit = c >= '0' && c <= '9'           ? c - '0'
			     : small >= 'a' && small <= 'f' ? small - 'a' + 10
							    : 16;

		if (digit >= base || value > (~0UL - digit) / base)
			return false;
		value = value * base + digit;
	} while (*++text);
	*number = value;
	return true;
}

static bool has_0x(const char *text)
{
	return text[0] == '0' && (text[1] | 0x20) == 'x';
}

bool parse_address(const char *text, u64 *number)
{
	return parse(has_0x(text) ? text + 2 : text, 16, number);
}

bool parse_number(const char *text, u64 *number)
{
	return has_0x(text) ? parse(text + 2, 16, number)
			    : parse(text, 10, number);
}

/* What runs within guarded(): a piece of the command, and its result. */
static void run_piece(void *result)
{
	*(int *)result = now.command->run(&now.c);
}

/* In a panic all others are stopped, and nobody else holds a lock. */
static void survive(uint vector)
{
	if (panic_is_on()) {
		mm_force_unlock();
		console_force_unlock();
	}
	say(&now.c, "%s: ended by an exception: ", now.c.argv[0]);
	if (vector == VECTOR_PF)
		say(&now.c, "page fault at 0x%lx\n", read_cr2());
	else
		say(&now.c, "number %u\n", vector);
}

static const char *wanted(u32 rights)
{
	return rights & RIGHT_INSPECT
		       ? "is for root alone: run vellumctl as root"
		       : "changes something: that needs Vellum's setting "
			 "`debug`";
}

/* Which of @command's rights has @t not? */
static u32 lacks(const struct domain_thread *t,
		 const struct shell_command *command)
{
	return command->rights & ~t->rights;
}

/* Asked before each piece: a thread's rights are those of whoever goes on. */
static int next_piece(struct domain_thread *t)
{
	int result = -EPERM;
	uint vector = 0;
	u32 missing = lacks(t, now.command);

	if (missing)
		say(&now.c, "%s %s\n", now.c.argv[0], wanted(missing));
	else if (now.command->whole && !panic_is_on())
		result = now.command->run(&now.c);
	else if (guarded(run_piece, &result, &vector)) {
		survive(vector);
		result = -EFAULT;
	}
	if (result > 0)
		return COMMAND_MORE;
	now.command = NULL;
	return result;
}

/*
 * The words in the @size bytes at now.text, each with a NUL behind it. -EINVAL:
 * the last one has none; -E2BIG: there are too many.
 */
static int split(size_t size)
{
	struct command *c = &now.c;

	if (!size || now.text[size - 1])
		return -EINVAL;
	for (size_t i = 0; i < size; i += strlen(now.text + i) + 1) {
		if (c->argc == COMMAND_WORDS)
			return -E2BIG;
		c->argv[c->argc++] = now.text + i;
	}
	return 0;
}

static const struct shell_command *find_command(const char *name)
{
	const struct shell_command *s = __start_commands;

	while (s < __stop_commands && strcmp(s->name, name))
		s++;
	return s < __stop_commands ? s : NULL;
}

static int start(struct domain_thread *t, const struct server_buf *buf)
{
	const struct shell_command *command;
	int error;

	now.command = NULL;
	now.c = (struct command){.thread = t};
	if (buf->length > sizeof(now.text)) {
		say(&now.c, "a command has %u characters at most\n", TEXT_MOST);
		return -E2BIG;
	}
	memcpy(now.text, buf->base, buf->length);
	error = split(buf->length);
	if (error)
		return error;
	command = find_command(now.c.argv[0]);
	if (!command)
		return COMMAND_UNKNOWN;
	if (now.c.argc - 1 < command->least || now.c.argc - 1 > command->most) {
		say(&now.c, "usage: %s %s\n", command->name,
		    command->args ? command->args : "");
		return -EINVAL;
	}
	now.command = command;
	return next_piece(t);
}

/* The next piece of @t's command, unless somebody has pressed Ctrl-C, or there
 * is no room for what it would say. */
static int go_on(struct domain_thread *t)
{
	if (!now.command || now.c.thread != t)
		return -ENOENT;
	if (t->io->full && t->io->full(t))
		return COMMAND_MORE;
	if (t->interrupted) {
		t->interrupted = false;
		now.command = NULL;
		return -EINTR;
	}
	return next_piece(t);
}

/* Fill @buf with three texts, each with a NUL at its end. */
static int fill(struct server_buf *buf, const char *name, const char *args,
		const char *help)
{
	int length = snprintf(buf->base, buf->length, "%s%c%s%c%s", name, 0,
			      args ? args : "", 0, help);

	return length < (int)buf->length ? 0 : -E2BIG;
}

/* What the @i-th command is. Returns which rights @t lacks for it. */
static int describe_command(struct domain_thread *t, uint i,
			    struct server_buf *buf)
{
	const struct shell_command *s = __start_commands + i;
	int error;

	if (i >= (uint)(__stop_commands - __start_commands))
		return -ENOENT;
	error = fill(buf, s->name, s->args, s->help);
	return error ? error : (int)lacks(t, s);
}

static int describe_program(uint i, struct server_buf *buf)
{
	const struct program *p = programs_start + i;

	if (i >= (uint)(programs_end - programs_start))
		return -ENOENT;
	return fill(buf, p->name, p->help, p->help + strlen(p->help) + 1);
}

static int serve(struct domain_thread *t, int kind, int value,
		 struct server_buf *bufs, uint count)
{
	if (value == COMMAND_NEXT)
		return go_on(t);
	if (value == COMMAND_STOP && now.c.thread == t)
		now.command = NULL;
	if (value == COMMAND_STOP)
		return 0;
	if (count != 1)
		return -EINVAL;
	if (value == COMMAND_START)
		return start(t, bufs);
	if (value < COMMAND_NAME || !bufs->rw)
		return -EINVAL;
	return value < COMMAND_PROGRAM
		       ? describe_command(t, value - COMMAND_NAME, bufs)
		       : describe_program(value - COMMAND_PROGRAM, bufs);
}

MSG_SERVER("command", serve);
