/*
 * The child of a judge (tools/judge.py): a program linked with a student's
 * files, that does what the lines of its input say, and answers each with one
 * line. It knows no right answers. A lab's child.c has the commands:
 *
 *	static void alloc(void)		a line "alloc 3"
 *	{
 *		answer("%d", alloc_pages(NULL, NULL, number(1)));
 *	}
 *	const struct judge_command judge_commands[] = {{"alloc", alloc}, {}};
 *
 * A line "try alloc 3" is done in a copy of the process, which then ends.
 */
#ifndef HOST_JUDGE_H
#define HOST_JUDGE_H

#include "host.h"

struct judge_command {
	const char *name;
	void (*run)(void);
};

/* All commands; the last has no name. */
extern const struct judge_command judge_commands[];

/* Word @i of the line, "" if there are less; word 0 is the command. */
const char *word(uint i);

/* Word @i as a number as C has them, 0 if there is none. */
u64 number(uint i);

/* The bytes that word @i says in hexadecimal, at most @max; how many. */
size_t bytes(uint i, void *to, size_t max);

/* Called at a panic: what child.c adds with answer() follows the message. */
void judge_last_words(void);

/* Add to the answer to this line, which is one line. */
void answer(const char *format, ...) __attribute__((format(gnu_printf, 1, 2)));

/* Add @n bytes at @p to the answer, in hexadecimal; "-" if there are none. */
void answer_bytes(const void *p, size_t n);

/* @n bytes of zeros, of which the last is the last before an unreadable page.
 * Freed with the process. */
void *guarded(size_t n);

#endif
