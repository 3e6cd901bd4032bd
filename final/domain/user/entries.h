/*
 * What can be typed at the shell: Vellum's commands, and programs. Nobody keeps
 * a list of them, the server "command" is asked.
 */
#ifndef DOMAIN_USER_ENTRIES_H
#define DOMAIN_USER_ENTRIES_H

#include "lib/types.h"

/* One of them. To find the first, all is 0. */
struct entry {
	bool is_program;
	const char *name;
	const char *args; /* what it takes, for people */
	const char *help; /* what it does: half a line */
	int lacks;        /* rights that we would have to have for it */

	int server; /* from here on for next_entry(): a descriptor */
	uint index; /* of the next one */
	char text[256];
};

/* Go on to the next entry: commands first. False: that was the last one. */
bool next_entry(struct entry *e);

#endif
