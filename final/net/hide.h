/*
 * A function of the PCI bus that is Vellum's alone: for the guest it isn't
 * there.
 */
#ifndef NET_HIDE_H
#define NET_HIDE_H

#include "net/pci.h"

/*
 * Take @function, on which pci_take() has been called, away from the guest, for
 * good: its configuration space by both doors, its registers from every CPU's
 * nested tables. Bridges on the way to it stay as they are, whatever the guest
 * writes; where the guest moves ECAM, the card is hidden at the new place, too.
 * A line in the log says what was done, and what is not known. Phase device,
 * CPU 0, once.
 */
void net_hide(const struct pci_function *function);

#endif
