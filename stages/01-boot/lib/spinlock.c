/*
 * Who else wants to know of locks: see spinlock.h.
 */
#include "lib/spinlock.h"

const struct spin_hooks *spin_hooks;
