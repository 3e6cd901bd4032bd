/*
 * What chipsets themselves say of sleep: for a machine whose tables are missing
 * or doubtful, and for a guest that knows the chipset better than the tables.
 */
#ifndef VMM_CHIPSET_H
#define VMM_CHIPSET_H

#include "lib/types.h"

struct acpi_sleep;

/* How a chipset's registers are read. */
struct chipset_bus {
	/* PCI configuration space: @function of bus 0 (device * 8 + function),
	 * 32 bits at @reg. */
	u32 (*pci)(uint function, uint reg);
	/* AMD's power management registers. */
	u8 (*pm)(u8 reg);
};

/* This machine's. Before the guest runs. */
extern const struct chipset_bus chipset_bus;

/* Add the ports of PM1 control in the chipsets that are found on @bus. */
void chipset_sleep_ports(const struct chipset_bus *bus,
			 struct acpi_sleep *sleep);

/* Is there an FCH of AMD's (or its ancestor of ATI's) on @bus? */
bool chipset_has_fch(const struct chipset_bus *bus);

#endif
