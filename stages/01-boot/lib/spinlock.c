/*
 * Who else wants to know of locks: see spinlock.h.
 */
#include "lib/spinlock.h"

const struct spin_hooks *spin_hooks;
u32 spin_only_cpu;
void (*spin_stop)(void) __noreturn;
PERCPU(struct spin_place, spin_place);
