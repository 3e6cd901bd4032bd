/*
 * Commands and programs, as the server "command" tells of them.
 * Book: chapter 12.
 */
#include "domain/user/entries.h"

#include "domain/user/user.h"

/* Ask for entry @which, three texts with a NUL behind each. */
static bool read_entry(struct entry *e, int which)
{
	struct msgbuf buf = {e->text, sizeof(e->text), true};
	const char **texts[] = {&e->name, &e->args, &e->help};
	size_t at = 0;

	memset(e->text, 0, sizeof(e->text));
	e->lacks = msgsendbuf(e->server, which, &buf, 1);
	for (uint i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = next_arg(&buf, &at) ?: "";
	return e->lacks >= 0 && *e->name;
}

bool next_entry(struct entry *e)
{
	int first = e->is_program ? COMMAND_PROGRAM : COMMAND_NAME;

	if (!e->index && !e->is_program)
		e->server = msgopen("command");
	if (read_entry(e, first + (int)e->index++))
		return true;
	if (!e->is_program) {
		e->is_program = true;
		e->index = 0;
		return next_entry(e);
	}
	if (e->server >= 0)
		msgclose(e->server);
	return false;
}
