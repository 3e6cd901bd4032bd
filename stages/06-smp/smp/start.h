/*
 * From the first CPU to the others. Private to smp/.
 */
#ifndef SMP_START_H
#define SMP_START_H

#include "smp/cpus.h"

/*
 * What a CPU gets before it starts: one block of pages,
 *
 *	| guard | stack, growing down | per-CPU variables |
 *
 * the last at the same place in a page as CPU 0's are.
 */
struct ap_memory {
	void *block;
	void *stack_top;
	u64 percpu_offset; /* from CPU 0's per-CPU variables to these */
};

/* -ENOMEM. */
int ap_memory_alloc(struct ap_memory *memory, uint number);

/* Note what later CPUs are compared with. CPU 0. */
void features_note(void);

/* Does this CPU have what CPU 0 has? Says what is different. */
bool features_same(void);

/* Start all others, with the guest on this CPU stopped or not begun. Once. */
void smp_start_cpus(void);

/* The rest of a CPU's life, on its own stack. */
void ap_main(struct smp_cpu *cpu) __noreturn;

#endif
