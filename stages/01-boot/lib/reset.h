/*
 * Starting the machine anew.
 */
#ifndef LIB_RESET_H
#define LIB_RESET_H

#include "lib/types.h"

/*
 * Reset the machine, as a triple fault does: all ways in turn, each with a
 * message. Any CPU, in any state. If a way raises an exception, and the panic
 * comes here again, it goes on with the next way.
 */
void machine_reset(void) __noreturn;

/*
 * What later layers put in front of the ways, NULL where there is none: to
 * bring the CPUs into a state in which they can be reset; and what the firmware
 * names for it. Both come back.
 */
extern void (*machine_reset_prepare)(void);
extern void (*machine_reset_by_firmware)(void);

#endif
