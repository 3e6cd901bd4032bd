/*
 * What chipsets themselves say of sleep: for a machine whose tables are missing
 * or doubtful, and for a guest that knows the chipset better than the tables.
 */
#ifndef VMM_CHIPSET_H
#define VMM_CHIPSET_H

#include "lib/types.h"

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

#define CHIPSET_FUNCTIONS 256 /* of bus 0 */

/* The port of PM1 control's high byte, if @function of bus 0 is a chipset's
 * that has it; or 0. */
u32 chipset_sleep_port(const struct chipset_bus *bus, uint function);

/* Is there an FCH of AMD's (or its ancestor of ATI's) on @bus? */
bool chipset_has_fch(const struct chipset_bus *bus);

#endif
