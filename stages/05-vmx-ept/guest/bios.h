/*
 * The guest as the BIOS would have started it.
 */
#ifndef GUEST_BIOS_H
#define GUEST_BIOS_H

#include "lib/types.h"

/* Start the boot drive under Vellum. CPU 0, last of all. */
void guest_boot_bios(void) __noreturn;

/*
 * Why there is no BIOS that the guest could start with, although we were
 * started as by one; NULL when there is.
 */
const char *guest_bios_problem(void);

#endif
