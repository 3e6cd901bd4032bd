/*
 * A function of the PCI bus that is Vellum's alone: for the guest it isn't
 * there.
 */
#ifndef PCI_HIDE_H
#define PCI_HIDE_H

#include "pci/pci.h"

/*
 * Take @function away from the guest, for good: its configuration space by both
 * doors, the registers at @function->bars from every CPU's nested tables.
 * Bridges on the way to it stay as they are, whatever the guest writes, and no
 * other one gets its bus; where the guest moves ECAM, it is hidden at the new
 * place, too. A line in the log, which begins with @who, says what was done,
 * and what is not known. False: it is the guest's still. Phase device, CPU 0.
 */
bool pci_hide(const struct pci_function *function, const char *who);

/* Let ECAM stay where it is, whatever the guest writes: devices may reach other
 * places. Phase device. */
void pci_fix_ecam(void);

/* After a sleep in which bridges have lost their registers: those on the way to
 * what is hidden get back what is not the guest's. CPU 0, all others held. */
void pci_wake(void);

#endif
