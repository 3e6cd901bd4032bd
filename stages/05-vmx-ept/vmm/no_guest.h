/*
 * A machine, or a CPU, that can have no guest.
 */
#ifndef VMM_NO_GUEST_H
#define VMM_NO_GUEST_H

#include "lib/types.h"

/*
 * This CPU can have no guest, through no fault of ours: the machine lacks
 * something. Print what, and halt it. Any CPU, at its start.
 */
void vmm_no_guest(const char *format, ...)
	__attribute__((format(printf, 1, 2))) __noreturn;

#endif
