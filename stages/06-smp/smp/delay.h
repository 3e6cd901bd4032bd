/*
 * Waiting for a number of microseconds, before the guest owns the timers.
 */
#ifndef SMP_DELAY_H
#define SMP_DELAY_H

#include "vmm/acpi.h"

/* The I/O port of ACPI's power management timer, or 0 when there is none. Pure:
 * @fadt's length and sum are right, its contents may be anything. */
u16 fadt_pm_timer(const struct acpi_table *fadt);

/* Choose a clock. CPU 0, before the first delay. */
void delay_init(void);

/* Wait at least @us microseconds, at most 4 seconds. CPU 0, or who panics. */
void delay(uint us);

#endif
