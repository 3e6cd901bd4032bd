/*
 * Per-CPU variables.
 *
 *	PERCPU(u32, lapic_id);		one for each CPU, zero at first
 *	*this_cpu(lapic_id) = 3;
 *
 * All of them lie in one section, which is CPU 0's copy. The GS base of a CPU
 * holds the distance from that section to the CPU's own copy: zero on CPU 0.
 * So a plain "%gs:symbol" reaches the right one on every CPU, and no struct
 * has to grow when a later stage needs one more variable.
 * Book: chapter 1, "One variable for each CPU".
 */
#ifndef LIB_PERCPU_H
#define LIB_PERCPU_H

#include "lib/types.h"

#ifdef __VELLUM__

#define PERCPU(type, name)                       \
	__attribute__((section(".bss..percpu"))) \
	__used typeof(type) percpu_##name

#define DECLARE_PERCPU(type, name) extern typeof(type) percpu_##name

/* Distance from CPU 0's copy to ours; it is itself a per-CPU variable. */
DECLARE_PERCPU(u64, self_offset);

static inline u64 percpu_offset(void)
{
	u64 offset;

	asm("mov %%gs:percpu_self_offset, %0" : "=r"(offset));
	return offset;
}

#define this_cpu(name) \
	((typeof(percpu_##name) *)((char *)&percpu_##name + percpu_offset()))

#else /* host tests have one CPU */

#define PERCPU(type, name)         typeof(type) percpu_##name
#define DECLARE_PERCPU(type, name) extern typeof(type) percpu_##name
#define this_cpu(name)             (&percpu_##name)

#endif

/* Number of this CPU: 0 is the one that booted. */
DECLARE_PERCPU(u32, cpu_number);

#endif
