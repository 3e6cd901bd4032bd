/*
 * From a frame pointer to a list of callers.
 */
#ifndef CONSOLE_BACKTRACE_H
#define CONSOLE_BACKTRACE_H

#include "lib/types.h"

/*
 * Print the callers of @rip, whose frame pointer is @rbp: first the raw line
 * "backtrace<-0x40101234<-0x...", made for addr2line, then a line for each
 * address with its name. Stops at the first frame that is not on our stack.
 * @returns: @rip is where a call returns to; else it was just being executed.
 */
void backtrace_print(u64 rip, bool returns, u64 rbp);

/*
 * The name of the function that @address lies in, and in *@offset how far in.
 * NULL when it is not in our code.
 */
const char *symbol_name(u64 address, u64 *offset);

#endif
