/*
 * System calls: the dispatch, and those that are not about messages.
 *
 * Nothing that a program says is believed: a number is compared with the table,
 * an address goes through space_read(), a length has a bound. A call that can't
 * be answered yet sets thread->parked; then the thread stops, and INT n, which
 * the program has executed, is executed again when it goes on.
 * Book: chapter 11.
 */
#include "console/printf.h"
#include "domain/internal.h"
#include "lib/errno.h"
#include "lib/string.h"

#define INT_N_SIZE 2 /* bytes of the instruction */

#define LINE 160

void domain_say(struct domain_thread *t, const char *format, ...)
{
	char line[LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	printf("%s", line);
	if (!t->io->sees_log)
		t->io->write(t, line, strlen(line));
}

/*
 * Who was told at its last yield that it should end, and has neither ended nor
 * asked for input since, is in a loop.
 */
static s64 sys_yield(struct domain_thread *t, const u64 *arg)
{
	struct domain *d = t->at;

	t->parked = THREAD_YIELDED;
	if (!t->interrupted)
		return 0;
	t->interrupted = false;
	if (d->told) {
		domain_say(t, "domain %s: interrupted: ended\n",
			   d->program->name);
		message_end(t, -EINTR);
	} else {
		d->told = true;
	}
	return -EINTR;
}

static s64 sys_write(struct domain_thread *t, const u64 *arg)
{
	char text[WRITE_MOST + 1];

	if (arg[1] > WRITE_MOST)
		return -EINVAL;
	if (t->io->full && t->io->full(t)) {
		t->parked = THREAD_FULL;
		return 0;
	}
	if (space_read(&t->at->space, arg[0], text, arg[1]))
		return -EFAULT;
	text[arg[1]] = '\0';
	t->io->write(t, text, arg[1]);
	return arg[1];
}

/* What was typed before a Ctrl-C comes before it. */
static s64 sys_read(struct domain_thread *t, const u64 *arg)
{
	int c = t->interrupted ? -EAGAIN : t->io->read(t);

	t->at->told = false;
	if (c < 0 && t->interrupted) {
		t->interrupted = false;
		return -EINTR;
	}
	if (c == -EAGAIN)
		t->parked = THREAD_READS;
	return c;
}

/* Whatever @arg is worth, the program ends. */
static s64 sys_panic(struct domain_thread *t, const u64 *arg)
{
	char text[LINE / 2];
	size_t length = MIN(arg[1], sizeof(text) - 1);

	if (space_read(&t->at->space, arg[0], text, length))
		length = 0;
	text[length] = '\0';
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	domain_say(t, "domain %s: panic in process: %s\n", t->at->program->name,
		   text);
	message_end(t, -EFAULT);
	return 0;
}

static s64 (*const calls[SYS_COUNT])(struct domain_thread *t,
				     const u64 *arg) = {
	[SYS_EXIT] = sys_exit,
	[SYS_REPLY] = sys_reply,
	[SYS_YIELD] = sys_yield,
	[SYS_WRITE] = sys_write,
	[SYS_READ] = sys_read,
	[SYS_PANIC] = sys_panic,
	[SYS_NEWPROCESS] = sys_newprocess,
	[SYS_MSG_REGISTER] = sys_msg_register,
	[SYS_MSG_OPEN] = sys_msg_open,
	[SYS_MSG_CLOSE] = sys_msg_close,
	[SYS_MSG_SENDINT] = sys_msg_sendint,
	[SYS_MSG_SENDBUF] = sys_msg_sendbuf,
};

/*
 * A message makes another domain the last one, and a reply, or an end, as well:
 * then the result is that one's affair. Until a sender gets its own, it has
 * -EFAULT, which is right if its receiver dies.
 */
void domain_syscall(struct domain_thread *t)
{
	struct domain *d = t->at;
	struct trap_frame *r = &d->regs;
	const u64 arg[4] = {r->rdi, r->rsi, r->rdx, r->r10};
	u64 number = r->rax;
	s64 result;

	if (number >= SYS_COUNT) {
		domain_say(t,
			   "domain %s: no system call has number %lu: "
			   "ended\n",
			   d->program->name, number);
		message_end(t, -EFAULT);
		return;
	}
	r->rax = -EFAULT;
	result = calls[number](t, arg);
	if (t->at != d)
		return;
	if (t->parked == THREAD_READS || t->parked == THREAD_FULL) {
		r->rax = number;
		r->rip -= INT_N_SIZE;
	} else {
		r->rax = result;
	}
}
