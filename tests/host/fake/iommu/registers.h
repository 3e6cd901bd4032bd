/* iommu/registers.h for host tests: the unit is a model, which the test is. */
#ifndef HOST_IOMMU_REGISTERS_H
#define HOST_IOMMU_REGISTERS_H

#include "iommu/unit.h"

u32 unit_read32(const struct iommu_unit *unit, uint at);
u64 unit_read64(const struct iommu_unit *unit, uint at);
void unit_write32(const struct iommu_unit *unit, uint at, u32 value);
void unit_write64(const struct iommu_unit *unit, uint at, u64 value);

#endif
