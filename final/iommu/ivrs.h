/*
 * ACPI's IVRS table: where AMD's IOMMUs are. Pure; runs on the host, too. AMD
 * I/O Virtualization Technology Specification 3.07, 5.
 */
#ifndef IOMMU_IVRS_H
#define IOMMU_IVRS_H

#include "iommu/dmar.h"

struct ivrs {
	uint units;
	u64 unit[IOMMU_UNITS];
	u16 segment[IOMMU_UNITS]; /* that their PCI functions are in */
	u8 flags[IOMMU_UNITS];    /* see amdvi.c */
	bool all[IOMMU_UNITS];    /* functions of that segment are named */
	u8 named[0x10000 / 8];    /* a bit for each function of segment 0 */

	/* Memory that devices of the firmware use all the time (IVMD). */
	uint reserved;
	struct dma_range range[IOMMU_RESERVED];
};

/* As dmar_read(). */
const char *ivrs_read(const struct acpi_table *table, struct ivrs *ivrs);

/* Has a unit the function @bdf of segment 0? */
bool ivrs_has(const struct ivrs *ivrs, u16 bdf);

#endif
