/*
 * The driver for Intel's cards of net/cards.c.
 */
#ifndef NET_E1000_H
#define NET_E1000_H

#include "net/nic.h"

/*
 * The address of the card @function, whoever uses it: nothing is changed.
 * -ENODEV when it can't be read. Phase device.
 */
int e1000_read_mac(const struct pci_function *function, u8 *mac);

/*
 * Start the card @nic->pci, which pci_take() has made ours: stop what firmware
 * has left running in it, reset it, give it its rings, and let it do DMA. Fills
 * in @nic->mac, @nic->driver, and @nic->memory with its size. Returns NULL, or
 * what is wrong with it, for a message. Phase device, once.
 */
const char *e1000_start(struct nic *nic);

#endif
