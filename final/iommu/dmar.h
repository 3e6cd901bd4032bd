/*
 * ACPI's DMAR table: where Intel's IOMMUs are. Pure; runs on the host, too.
 * VT-d 3.4, 8.
 */
#ifndef IOMMU_DMAR_H
#define IOMMU_DMAR_H

#include "iommu/dma_map.h"
#include "vmm/acpi.h"

#define IOMMU_UNITS    32 /* more are an error */
#define IOMMU_RESERVED 32

/* As acpi_get32(). */
static inline u16 acpi_get16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

struct dmar {
	uint units;
	u64 unit[IOMMU_UNITS];    /* where their registers are, */
	u64 size[IOMMU_UNITS];    /* so many bytes of them, or more */
	u16 segment[IOMMU_UNITS]; /* that their PCI functions are in */

	bool has_rest[IOMMU_UNITS]; /* all of them that no other unit has */
	u8 named[32]; /* a bit for each function of segment 0's bus 0 */

	/* Memory that devices of the firmware use all the time (RMRR). */
	uint reserved;
	struct dma_range range[IOMMU_RESERVED];
};

/*
 * Read @table. NULL, or what is wrong with it, as a sentence's end; then
 * nothing of it is to be used.
 */
const char *dmar_read(const struct acpi_table *table, struct dmar *dmar);

/* Has a unit all functions of segment 0 that are not named? */
bool dmar_has_rest(const struct dmar *dmar);

/* Is the function @function of segment 0's bus 0 named, with what is behind? */
bool dmar_has(const struct dmar *dmar, u8 function);

#endif
