/*
 * From a frame pointer to a list of callers.
 */
#ifndef CONSOLE_BACKTRACE_H
#define CONSOLE_BACKTRACE_H

#include "lib/types.h"

#define BACKTRACE_MOST 24 /* addresses */

/*
 * The address @rip, and those of its callers, whose frames begin at @rbp; how
 * many go to @frames. Stops at the first frame that is not on our stack.
 */
uint backtrace_walk(u64 rip, u64 rbp, u64 frames[BACKTRACE_MOST]);

/*
 * Print the callers of @rip, whose frame pointer is @rbp: first the raw line
 * "backtrace<-0x40101234<-0x...", made for addr2line, then a line for each
 * address with its name.
 */
void backtrace_print(u64 rip, u64 rbp);

/*
 * The name of the function that @address lies in, and in *@offset how far in.
 * NULL when it is not in our code.
 */
const char *symbol_name(u64 address, u64 *offset);

/* All functions, sorted by address: what the second link has put there. */
struct symbol {
	u64 address;
	const char *name;
};

extern const struct symbol symbols_start[], symbols_end[];

#endif
