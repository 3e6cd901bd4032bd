/*
 * Waiting for a number of microseconds, before the guest owns the timers.
 */
#ifndef SMP_DELAY_H
#define SMP_DELAY_H

#include "lib/types.h"

/* Choose a clock. CPU 0, before the first delay. */
void delay_init(void);

/* Wait at least @us microseconds, at most 4 seconds. CPU 0. */
void delay(uint us);

#endif
