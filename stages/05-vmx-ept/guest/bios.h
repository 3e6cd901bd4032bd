/*
 * The guest as the BIOS would have started it.
 */
#ifndef GUEST_BIOS_H
#define GUEST_BIOS_H

#include "lib/types.h"
#include "vmm/vcpu.h"

/* The BIOS data area's word for the size of conventional memory, in KiB. */
#define BDA_MEMORY_KIB PHYS(0x413)

/* Start the boot drive under Vellum. CPU 0, last of all. */
void guest_boot_bios(void) __noreturn;

/* Which drive does the guest boot? From boot= or, without it, boot_info. */
u8 guest_boot_drive(void);

/*
 * Copy the code that boots @drive to the end of the first @top_kib KiB of
 * memory; and the loader's module, if there is one, to where boot sectors go:
 * that is then booted in the drive's place. Returns where, and with which
 * registers, the guest begins. Panics when the module is too large.
 */
struct real_mode_entry guest_place_boot_code(uint top_kib, u8 drive);

/* The size of conventional memory in KiB, as both the BIOS data area and the
 * memory map allow; panics when it is absurd. */
uint guest_conventional_kib(void);

/* Boot the guest on the bare machine: nothing is hidden, nobody watches. */
void guest_boot_unprotected(void) __noreturn;

#endif
