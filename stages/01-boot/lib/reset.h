/*
 * Starting the machine anew.
 */
#ifndef LIB_RESET_H
#define LIB_RESET_H

#include "lib/types.h"

/* Reset the machine, as a triple fault does. Any CPU, in any state. */
void machine_reset(void) __noreturn;

#endif
