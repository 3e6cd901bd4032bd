/*
 * A window through which this CPU sees memory that is not Vellum's: one page
 * of address space for each CPU, and nothing in it but while it is used.
 */
#ifndef VMM_WINDOW_H
#define VMM_WINDOW_H

#include "lib/types.h"

/* Make this CPU's window. -ENOMEM. Once on each CPU, before its guest. */
int window_init(void);

/*
 * Copy @size bytes at host-physical @at, all in one page, through this CPU's
 * window. Not from an NMI handler, which would find the window in use.
 */
void window_read(phys_t at, void *buffer, size_t size);

/* The same, to there. */
void window_write(phys_t at, const void *buffer, size_t size);

/*
 * Take RAM above 1 MiB out of the direct map: from here on it is the guest's.
 * CPU 0, before other CPUs have our page tables.
 */
void direct_map_end(void);

#endif
