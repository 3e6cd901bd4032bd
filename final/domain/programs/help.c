/*
 * `help [NAME]`: what there is to type. Nobody keeps a list of it: Vellum is
 * asked for its commands, and for the programs that it has, one by one.
 */
#include "domain/user/entries.h"
#include "domain/user/user.h"

PROGRAM_HELP("[NAME]", "this list, or what is called NAME");

static const char *needs(uint lacks)
{
	return lacks & RIGHT_CHANGE    ? " (root, debug)"
	       : lacks & RIGHT_INSPECT ? " (root)"
				       : "";
}

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	struct entry e = {0};
	const char *name = NULL;
	bool programs = false, found = false;
	size_t at = 0;

	if (kind == MSG_BUF)
		name = next_arg(buf, &at);
	while (next_entry(&e)) {
		if (name && strcmp(name, e.name))
			continue;
		if (!name && e.is_program && !programs)
			printf("programs:\n");
		programs = e.is_program;
		found = true;
		printf("  %-11s %-19s %s%s\n", e.name, e.args, e.help,
		       needs(e.lacks));
	}
	if (name && !found)
		printf("help: there is no %s\n", name);
	if (!name)
		printf("exit, or Ctrl-D, leaves the shell\n");
	return name && !found ? -ENOENT : 0;
}
