/*
 * The commands of both shells: what must look into Vellum, or change it, and so
 * runs in ring 0. The talking is done by a program in ring 3
 * (domain/programs/shell.c), which sends a command's words to the server
 * "command", and asks for more until there is no more:
 *
 *	SHELL_COMMAND(free_command, .name = "free", .run = run_free,
 *		      .help = "pages that are left");
 *
 * puts a command into the table; any layer may, and nothing else need know.
 * Book: chapter 12.
 */
#ifndef SHELL_COMMAND_H
#define SHELL_COMMAND_H

#include "domain/abi.h"
#include "domain/domain.h"
#include "lib/types.h"

struct command {
	struct domain_thread *thread;    /* who asked; there say() prints */
	uint argc;                       /* words, */
	const char *argv[COMMAND_WORDS]; /* its name first */
	u64 at[2]; /* what it must remember between two calls; 0 at first */
};

struct shell_command {
	const char *name;
	const char *args; /* the words behind it, for a person; "" or NULL */
	const char *help; /* what it does: half a line */
	uint least, most; /* words behind the name */
	u32 rights;       /* RIGHT_...: the thread needs all of them */
	/*
	 * One piece of it, short, that says WRITE_MOST bytes at most. > 0: call
	 * me again; 0: that was all; a negative errno: I have said what was
	 * wrong. It may fault: that ends the command, with a message.
	 */
	int (*run)(struct command *c);
	/* But not this one: it holds locks, or never returns. In a panic it
	 * may fault as well, since locks can be opened then. */
	bool whole;
};

/* The section's name is a C identifier, so ld sets its bounds by itself. */
#define SHELL_COMMAND(variable, ...)                                   \
	static const struct shell_command variable __used __aligned(8) \
		__attribute__((section("commands"))) = {__VA_ARGS__}

/* Print to whoever asked. */
void say(struct command *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The number that the whole of @text is: an address, in hexadecimal with or
 * without 0x; or any other, in decimal or with 0x. False: it is none, or one of
 * more than 64 bits.
 */
bool parse_address(const char *text, u64 *number);
bool parse_number(const char *text, u64 *number);

#endif
