/*
 * The firmware of a UEFI machine as a guest.
 */
#ifndef GUEST_UEFI_H
#define GUEST_UEFI_H

#include "efi/handoff.h"
#include "vmm/cpu_state.h"

/* The state in which a CPU that the loader noted in @cpu goes on as a guest. */
struct cpu_state uefi_cpu_state(const struct efi_cpu *cpu);

#endif
