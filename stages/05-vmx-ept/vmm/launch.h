/*
 * From the hypervisor to its guest.
 */
#ifndef VMM_LAUNCH_H
#define VMM_LAUNCH_H

#include "lib/types.h"
#include "vmm/vcpu.h"

/*
 * Start the guest on this CPU, in real mode at @entry, and serve its exits
 * for ever. Called in phase guest, on the boot CPU.
 */
void vmm_launch_bios_guest(const struct real_mode_entry *entry) __noreturn;

/*
 * Start the guest on this CPU, from @state on, likewise for ever: the firmware
 * that called us.
 */
void vmm_launch_uefi_guest(const struct cpu_state *state) __noreturn;

/* Serve @vcpu's exits on this CPU, for ever, from the state it has. */
void vmm_serve(struct vcpu *vcpu) __noreturn;

/* TSC when the guest's first instruction was about to run. */
u64 vmm_launch_tsc(void);

/* Has the guest been started without Vellum under it, because the machine
 * has neither VMX nor SVM and the command line says `unprotected`? */
bool vmm_is_unprotected(void);

/* How many CPUs does this one say that there are? */
uint vmm_cpu_count(void);

#endif
