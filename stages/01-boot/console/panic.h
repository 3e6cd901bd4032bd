/*
 * What to do when nothing can be done: say why, say where, and start over when
 * somebody has read it.
 */
#ifndef CONSOLE_PANIC_H
#define CONSOLE_PANIC_H

#include "lib/types.h"

/*
 * Print "panic(CPUn): " and the message, a backtrace, and wait for a key, which
 * reboots. Where there is nothing to type on, halt this CPU.
 * May be called from anywhere, with any locks held. For what cannot go on;
 * a caller who can return an error must do that instead.
 */
void panic(const char *format, ...)
	__attribute__((format(printf, 1, 2))) __noreturn;

/* As panic(), when the trouble is at @rip, and not in the caller; its backtrace
 * begins at @start (console/backtrace.h). */
void panic_at(u64 rip, u64 start, const char *format, ...)
	__attribute__((format(printf, 3, 4))) __noreturn;

/*
 * Check what must be true if the program is right. Without CONFIG_ASSERT @expr
 * is not even evaluated, so it must change nothing. Never for what the machine,
 * the guest or a full memory can make false.
 */
#define assert(expr)                                                          \
	(!CONFIG_ASSERT || (expr)                                             \
		 ? (void)0                                                    \
		 : panic("Assertion failed!(%s) function %s file %s line %d", \
			 #expr, __func__, __FILE__, __LINE__))

/*
 * Called at a panic, after the message, in no particular order. A later layer
 * uses it to open its locks, or report its own state.
 */
#define PANIC_HOOK(function)                                    \
	static void (*const panic_hook_##function)(void) __used \
		__attribute__((section(".panic_hooks"))) = function

#endif
