/*
 * Doing what may raise an exception, and living on. Any CPU, but not in an NMI
 * handler.
 */
#ifndef PAGING_GUARDED_H
#define PAGING_GUARDED_H

#include "lib/types.h"

/*
 * Run @fn(@arg), which may raise an exception. Returns 0 when it did not, or
 * -EFAULT when it did (then *@vector, if not NULL, says which; what @fn had
 * begun stays begun). May nest, but not in an NMI handler. The one way to
 * touch what may not exist: an MSR, an address a guest named.
 */
int guarded(void (*fn)(void *), void *arg, uint *vector);

/* RDMSR and WRMSR that return -EFAULT where the instruction raises #GP. */
int guarded_rdmsr(u32 msr, u64 *value);
int guarded_wrmsr(u32 msr, u64 value);

/*
 * For trap.c: @vector was raised on this CPU. If that is the doing of a
 * guarded() under way, returns the RSP with which to go on at guarded_out, EAX
 * being the error; else 0.
 */
u64 guarded_resume(uint vector);
extern const char guarded_out[]; /* guarded_call.S */

#endif
