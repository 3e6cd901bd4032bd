/*
 * The firmware of a UEFI machine as a guest.
 */
#ifndef EFI_GUEST_H
#define EFI_GUEST_H

#include "efi/handoff.h"
#include "efi/cpu_state.h"

/* The state in which a CPU that the loader noted in @cpu goes on as a guest. */
struct cpu_state uefi_cpu_state(const struct efi_cpu *cpu);

#endif
