/*
 * The firmware of a UEFI machine as a guest.
 */
#ifndef EFI_GUEST_H
#define EFI_GUEST_H

#include "efi/handoff.h"
#include "efi/cpu_state.h"

/* The state in which a CPU that the loader noted in @cpu goes on as a guest. */
struct cpu_state uefi_cpu_state(const struct efi_cpu *cpu);

/*
 * Let the firmware go on as the guest. CPU 0, last of all: it comes back only
 * with the reason why that can't be.
 */
const char *efi_boot_guest(void);

/* The firmware's own list of CPUs: a smp_census_fn (smp/cpus.h). */
int efi_census(u32 *ids, uint max, uint expected);

/* Before that: be ready for the other CPUs, each of which calls @every_cpu. */
void efi_expect_cpus(void (*every_cpu)(void));

#endif
