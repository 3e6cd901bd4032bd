/*
 * The preflight check: can this machine run Vellum? It is made at each start,
 * and what is in the way is said before anything has been done. The word
 * `check` on the command line asks for all that it finds, and nothing is
 * launched then.
 *
 * Each layer that needs something of the machine adds a part:
 *
 *	PREFLIGHT(20, "virtualisation", check_virtualisation);
 *
 * The numbers, two digits, give the order. Book: chapter 5.
 */
#ifndef VMM_PREFLIGHT_H
#define VMM_PREFLIGHT_H

#include "lib/types.h"

/* One thing that Vellum needs of the machine. */
struct need {
	const char *name;    /* what it is, in a few words */
	const char *problem; /* NULL when it is there, or nobody can tell */
	bool moot; /* nobody can tell: what it is part of is missing */
};

struct preflight_part {
	const char *title;
	void (*check)(void);
};

#define PREFLIGHT(order, title_, function)                             \
	static const struct preflight_part preflight_##function __used \
		__aligned(8) __attribute__((section(                   \
			".table.preflight." #order))) = {title_, function}

/* Print @need as a line: ok, NO and why, or "-" when it is moot. Each NO counts
 * as a reason why this machine can't run Vellum. */
void preflight_need(const struct need *need);

/* Print a line of information, which does not count. */
void preflight_tell(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Make the check, unless the command line is @wrong and does not ask for it.
 * NULL, or why no guest is started.
 */
const char *preflight(const char *wrong);

/* Was the check all that was asked for? */
bool preflight_asked(void);

/* Is something in the way, and do we go on because of `unprotected`? */
bool preflight_failed(void);

#endif
