/*
 * Hypercalls: those of `vellumctl`, each declared where its subject is, and one
 * that is not `vellumctl`'s.
 */
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

#define HYPERCALL_FIRST 0x74736c6c /* in EAX */
#define HYPERCALL_MAGIC 0x6d756c6c /* in EAX, of all others */

#ifndef __ASSEMBLER__

#include "lib/types.h"

struct vcpu;

struct hypercall {
	u64 number; /* in RBX */
	int (*call)(struct vcpu *vcpu);
};

/*
 * Hypercall @number_, a literal, is @function: it finds its argument in
 * vcpu->regs, leaves its results there, and returns what RAX shall be, 0 or a
 * negative errno. Any program of the guest may call it, on any CPU. A number
 * that two want is a link error. Without CONFIG_HYPERCALL it is left out.
 */
#if CONFIG_HYPERCALL
#define HYPERCALL(number_, function)                                        \
	extern const struct hypercall hypercall_##number_;                  \
	const struct hypercall hypercall_##number_ __used __aligned(8)      \
		__attribute__((section(".table.hypercall." #function))) = { \
			number_, function}
#else
#define HYPERCALL(number_, function)                           \
	static int (*const hypercall_##number_)(struct vcpu *) \
		__attribute__((unused)) = function
#endif

/* Does the command line say so? Any CPU. */
bool hypercall_is_allowed(void);

/*
 * @call is made when the guest next executes VMCALL or VMMCALL with
 * HYPERCALL_FIRST in EAX: once, whatever the command line says of hypercalls.
 * Meant for code that we have put there, and that runs before any other of the
 * guest's. CPU 0, before the launch.
 */
void hypercall_expect(void (*call)(struct vcpu *vcpu));

#endif
#endif
