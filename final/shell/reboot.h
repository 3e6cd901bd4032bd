/*
 * Starting the machine anew, and stopping it, for whoever orders it.
 */
#ifndef SHELL_REBOOT_H
#define SHELL_REBOOT_H

#include "lib/types.h"
#include "vmm/acpi.h"

/* The reset register of ACPI (6.5, 4.8.3.6). */
struct acpi_reset {
	u8 space; /* ACPI_MEMORY, _PORT or _PCI */
	u8 value; /* resets the machine, when it is written there */
	u64 address;
};

#define ACPI_MEMORY 0
#define ACPI_PORT   1
#define ACPI_PCI    2 /* of bus 0: device, function, offset: 16 bits each */

/*
 * Read it from @fadt, whose contents may be anything. -ENOENT: the table has
 * none; -EINVAL: what it has makes no sense, or the table is doubtful. Pure.
 */
int acpi_reset_read(const struct acpi_table *fadt, struct acpi_reset *reset);

/* Have machine_reset() (lib/reset.h) try it first. CPU 0, once, in phase
 * device: what ACPI's tables say is read before there is a guest. */
void reboot_init(void);

/*
 * Take the consoles back, say so, stop all other CPUs, and reset the machine;
 * or halt this CPU as well. Any CPU, in any state: with a guest, or in a panic.
 */
void shell_reboot(void) __noreturn;
void shell_halt(void) __noreturn;

#endif
