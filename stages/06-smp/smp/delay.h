/*
 * Waiting for a number of microseconds, before the guest owns the timers.
 */
#ifndef SMP_DELAY_H
#define SMP_DELAY_H

#include "vmm/acpi.h"

/* ACPI's power management timer. */
struct pm_timer {
	u16 port; /* 0: there is none */
	u32 mask; /* its bits: 24 or 32 of them */
};

/* What @fadt says of the timer. Pure: its length and sum are right, its
 * contents may be anything. */
struct pm_timer fadt_pm_timer(const struct acpi_table *fadt);

/* Choose a clock, and check the TSC by it. CPU 0, before the first delay. */
void delay_init(void);

/* Wait at least @us microseconds, at most 4 seconds. CPU 0, or who panics. */
void delay(uint us);

#endif
