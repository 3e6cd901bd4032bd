/*
 * Handing the machine back: the guest goes on, and Vellum is gone.
 */
#ifndef UNLOAD_UNLOAD_H
#define UNLOAD_UNLOAD_H

/* Let root of the guest do it, where the setting unload= says so. Phase device,
 * CPU 0, once. */
void unload_init(void);

#endif
