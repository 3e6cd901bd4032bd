/*
 * What the files that deal with exceptions share. Private to paging/.
 */
#ifndef PAGING_TRAP_INTERNAL_H
#define PAGING_TRAP_INTERNAL_H

#include "paging/trap.h"

#define TRAP_VECTORS 32

/* The C end of every exception; called by trap_entry.S. */
void trap_dispatch(struct trap_frame *frame);

/*
 * If guarded() is under way on this CPU and @frame is its doing, make @frame
 * return to guarded()'s caller with -EFAULT. Returns whether it was.
 */
bool guarded_recover(struct trap_frame *frame);

/* Say what happened at @frame, with all registers, and stop. */
void trap_panic(struct trap_frame *frame) __noreturn;

#endif
