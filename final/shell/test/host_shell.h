/*
 * A shell for host tests: sends a line's words to the server "command", as
 * programs do, and keeps what is said.
 */
#ifndef SHELL_HOST_SHELL_H
#define SHELL_HOST_SHELL_H

#include "domain/program.h"
#include "domain/server.h"
#include "host.h"
#include "shell/command.h"

/* Two programs, which nobody runs. */
const struct program programs_start[] = {
	{.name = "one", .help = "\0"},
	{.name = "two", .help = "[WORD]\0does nothing"},
};
_Static_assert(sizeof(programs_start) == 144, "as the next line has it");
asm(".globl programs_end; .set programs_end, programs_start + 144");

extern const struct msg_server __start_msg_servers[];

static char said[MIB];
static size_t said_length, piece_most;

static void keep(struct domain_thread *t, const char *text, size_t length)
{
	assert_true(length < sizeof(said) - said_length);
	memcpy(said + said_length, text, length);
	said_length += length;
	said[said_length] = '\0';
}

static const struct thread_io kept = {.write = keep};
static struct domain_thread thread = {.io = &kept};

/* One message to the server; how much it says is watched. */
static int ask(int value, struct server_buf *buf)
{
	size_t before = said_length;
	int result = __start_msg_servers->receive(
		&thread, buf ? MSG_BUF : MSG_INT, value, buf, buf ? 1 : 0);

	piece_most = MAX(piece_most, said_length - before);
	return result;
}

/* Send the words of @line; only the first piece of the command is done. */
static int begin(const char *line)
{
	char words[512];
	struct server_buf buf = {.base = words, .length = strlen(line) + 1};

	memcpy(words, line, buf.length);
	for (char *c = words; c < words + buf.length; c++)
		if (*c == ' ')
			*c = '\0';
	said_length = 0;
	said[0] = '\0';
	return ask(COMMAND_START, &buf);
}

/* Run @line to its end; what the command returns. */
static int run(const char *line)
{
	int result = begin(line);

	while (result == COMMAND_MORE)
		result = ask(COMMAND_NEXT, NULL);
	return result;
}

#define assert_says(text)                                                   \
	do {                                                                \
		if (!strstr(said, text))                                    \
			fail_msg("it says \"%s\", not \"%s\"", said, text); \
	} while (0)

#endif
