/*
 * The one hypercall that does not come from `vellumctl`.
 */
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

#define HYPERCALL_FIRST 0x74736c6c /* in EAX */

#ifndef __ASSEMBLER__

struct vcpu;

/*
 * @call is made when the guest next executes VMCALL or VMMCALL with
 * HYPERCALL_FIRST in EAX: once, whatever the command line says of hypercalls.
 * Meant for code that we have put there, and that runs before any other of the
 * guest's. CPU 0, before the launch.
 */
void hypercall_expect(void (*call)(struct vcpu *vcpu));

#endif
#endif
