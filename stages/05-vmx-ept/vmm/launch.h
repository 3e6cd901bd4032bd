/*
 * From the hypervisor to its guest.
 */
#ifndef VMM_LAUNCH_H
#define VMM_LAUNCH_H

#include "lib/types.h"
#include "vmm/vcpu.h"

/* Why there is no guest on a CPU that no back end is for. */
#if CONFIG_VMX && CONFIG_SVM
#define VMM_NO_BACK_END "this CPU has neither VMX nor SVM"
#elif CONFIG_VMX
#define VMM_NO_BACK_END "this CPU has no VMX, and this build has no SVM"
#else
#define VMM_NO_BACK_END "this CPU has no SVM, and this build has no VMX"
#endif

/* Switch virtualisation on, and make this CPU's virtual CPU. Every CPU. */
void vmm_enable(void);

/* This stage has one CPU: say so on a machine with more. */
void vmm_warn_of_other_cpus(void);

/*
 * Start the guest on this CPU, from the state that its virtual CPU has, and
 * serve its exits for ever. @where, for the log, says what that state is.
 * Called once, on the boot CPU.
 */
void vmm_launch(const char *where) __noreturn;

/* Serve @vcpu's exits on this CPU, for ever, from the state it has. */
void vmm_serve(struct vcpu *vcpu) __noreturn;

/* TSC when the guest's first instruction was about to run. */
u64 vmm_launch_tsc(void);

/* TSC cycles since then; time that the machine has slept does not count. */
u64 vmm_cycles_since_launch(void);

/* The TSC, which was @before, has begun anew. A later stage's; CPU 0, before
 * the guest goes on. */
void vmm_clock_restarted(u64 before);

/* How many CPUs does this one say that there are? */
uint vmm_cpu_count(void);

/* A later stage's: called before each entry. NULL: nothing. Any CPU. */
extern void (*vmm_between_exits)(void);

#endif
