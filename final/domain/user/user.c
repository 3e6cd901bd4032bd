/*
 * The user library: calls of Vellum by their names, and what they are used for
 * most. Book: chapter 11.
 */
#include "domain/user/user.h"

#include "console/printf_engine.h"

/* What start.S calls. */
message_handler serve_message;
void take_interrupt(void);

static message_handler *handler = program;
static bool interrupt_kept; /* Ctrl-C does not end us, */
static bool interrupt_seen; /* and has been pressed */

/* Each message comes here; the result is the reply. */
int serve_message(int kind, int value, struct msgbuf *buf, uint count)
{
	return handler(kind, value, buf, count);
}

void exitprocess(int code)
{
	for (;;)
		system_call(SYS_EXIT, code, 0, 0, 0);
}

void panic_process(const char *text)
{
	system_call(SYS_PANIC, (u64)text, strlen(text), 0, 0);
	exitprocess(-EFAULT);
}

void keep_interrupts(void)
{
	interrupt_kept = true;
}

/* Vellum has said that Ctrl-C was pressed. */
void take_interrupt(void)
{
	if (!interrupt_kept)
		exitprocess(-EINTR);
	interrupt_seen = true;
}

bool interrupted(void)
{
	bool seen;

	if (system_call(SYS_YIELD, 0, 0, 0, 0) == -EINTR)
		take_interrupt();
	seen = interrupt_seen;
	interrupt_seen = false;
	return seen;
}

/* Ctrl-C that was pressed before is none for the line that begins. */
int readchar(void)
{
	int c = system_call(SYS_READ, 0, 0, 0, 0);

	if (c == -EINTR)
		take_interrupt();
	interrupt_seen = false;
	return c;
}

void write_text(const char *text, size_t length)
{
	system_call(SYS_WRITE, (u64)text, length, 0, 0);
}

/* What printf prints is collected, or each character would be a call. */
struct output {
	struct sink sink;
	uint used;
	char text[128];
};

static void output_putc(struct sink *sink, char c)
{
	struct output *o = container_of(sink, struct output, sink);

	o->text[o->used++] = c;
	if (o->used == sizeof(o->text)) {
		write_text(o->text, o->used);
		o->used = 0;
	}
}

int vprintf(const char *format, va_list args)
{
	struct output o;
	int count;

	o.sink.putc = output_putc;
	o.used = 0;
	count = format_to(&o.sink, format, args);
	if (o.used)
		write_text(o.text, o.used);
	return count;
}

int printf(const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vprintf(format, args);
	va_end(args);
	return count;
}

const char *error_text(int error)
{
	static const struct {
		int number;
		const char *text;
	} errors[] = {
		{EPERM, "not allowed"},
		{ENOENT, "there is none of that name"},
		{EINTR, "ended by Ctrl-C"},
		{E2BIG, "too long, or too many"},
		{EBADF, "no such descriptor"},
		{EAGAIN, "not now"},
		{ENOMEM, "Vellum is out of memory"},
		{EFAULT, "it has died, or the address is bad"},
		{EBUSY, "it is in use"},
		{EEXIST, "there is one already"},
		{ENODEV, "the hardware is missing or switched off"},
		{EINVAL, "it makes no sense"},
		{ENOSPC, "there is no room for one more"},
		{ERANGE, "out of range"},
	};

	for (uint i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].number == error || errors[i].number == -error)
			return errors[i].text;
	return "an error without a name";
}

int newprocess(const char *name)
{
	return system_call(SYS_NEWPROCESS, (u64)name, strlen(name), 0, 0);
}

int msgregister(const char *name, message_handler *new_handler)
{
	int result =
		system_call(SYS_MSG_REGISTER, (u64)name, strlen(name), 0, 0);

	if (!result)
		handler = new_handler;
	return result;
}

int msgopen(const char *name)
{
	return system_call(SYS_MSG_OPEN, (u64)name, strlen(name), 0, 0);
}

int msgclose(int desc)
{
	return system_call(SYS_MSG_CLOSE, desc, 0, 0, 0);
}

int msgsendint(int desc, int value)
{
	return system_call(SYS_MSG_SENDINT, desc, value, 0, 0);
}

int msgsendbuf(int desc, int value, struct msgbuf *buf, uint count)
{
	return system_call(SYS_MSG_SENDBUF, desc, value, (u64)buf, count);
}

int command(const char *words, uint length)
{
	struct msgbuf buf = {(char *)words, length, false};
	int server = msgopen("command"), result;

	if (server < 0)
		return server == -ENOENT ? COMMAND_UNKNOWN : server;
	result = msgsendbuf(server, COMMAND_START, &buf, 1);
	while (result == COMMAND_MORE && !interrupted())
		result = msgsendint(server, COMMAND_NEXT);
	if (result == COMMAND_MORE) {
		msgsendint(server, COMMAND_STOP);
		result = -EINTR;
	}
	msgclose(server);
	return result;
}

const char *next_arg(const struct msgbuf *buf, size_t *at)
{
	const char *words = buf->base;
	size_t start = *at;

	for (size_t i = start; i < buf->len; i++) {
		if (words[i])
			continue;
		*at = i + 1;
		return words + start;
	}
	return NULL;
}
