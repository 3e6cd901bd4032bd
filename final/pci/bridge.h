/*
 * Bridges between a host bridge and the card, and what of them must stay as it
 * is.
 */
#ifndef PCI_BRIDGE_H
#define PCI_BRIDGE_H

#include "pci/pci.h"

#define PCI_REGS 256 /* bytes of a function that the ports reach */

/*
 * Find the next bridge with @bus behind it, by the numbers that it has now: in
 * *@bdf, as pci_next(). False: there are no more. Phase device.
 */
bool bridge_next(u32 *next, uint bus, u16 *bdf);

/*
 * Why requests for DMA by @function may bear another's number, or another's may
 * bear its number, so that no IOMMU can tell them apart: the end of a sentence.
 * NULL: they don't. Phase device.
 */
const char *bridge_alias(const struct pci_function *function);

/*
 * Let the bridge @bdf pass memory and DMA, and set in @kept the bits of its
 * registers on which that depends: its numbers, its windows of memory, its
 * power, the reset of all that is behind it, and whether it asks there for
 * devices that can't be. In @values go those that all its registers have then.
 * Phase device.
 */
void bridge_keep(u16 bdf, u8 kept[PCI_REGS], u8 values[PCI_REGS]);

/* The bridge @bdf has lost its registers in a sleep: give the bits @kept the
 * values that they have in @values. CPU 0, all others held. */
void bridge_restore(u16 bdf, const u8 kept[PCI_REGS],
		    const u8 values[PCI_REGS]);

#endif
