/*
 * From where a stack is to a list of callers.
 */
#ifndef CONSOLE_BACKTRACE_H
#define CONSOLE_BACKTRACE_H

#include "lib/types.h"

#define BACKTRACE_MOST 24 /* addresses */

/* How the raw line begins: what was only found on the stack says so. */
#define BACKTRACE_TITLE (CONFIG_BACKTRACE ? "backtrace" : "backtrace (scanned)")

/*
 * The registers of code of ours; the one where its backtrace begins: RBP, if
 * functions keep frame pointers (CONFIG_BACKTRACE), or else RSP.
 */
static inline u64 backtrace_start(u64 rbp, u64 rsp)
{
	return CONFIG_BACKTRACE ? rbp : rsp;
}

/* The same of who has called the function that this is in. */
#define BACKTRACE_CALLER                                          \
	backtrace_start(*(const u64 *)__builtin_frame_address(0), \
			(u64)__builtin_frame_address(0) + 16)

/*
 * The address @rip, and those of its callers, whose backtrace begins at @start;
 * how many go to @frames. Stops at the first frame that is not on our stack, or
 * at the end of the stack that is scanned.
 */
uint backtrace_walk(u64 rip, u64 start, u64 frames[BACKTRACE_MOST]);

/*
 * Print the callers of @rip, whose backtrace begins at @start: first the raw
 * line "backtrace<-0x40101234<-0x...", made for addr2line, then a line for each
 * address with its name.
 */
void backtrace_print(u64 rip, u64 start);

/* Does @address lie in a page of our range that must not be touched? For the
 * scan. NULL: there are none, for stage 02 brings them. */
extern bool (*backtrace_is_guard)(u64 address);

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
