/*
 * Devices that no IOMMU is responsible for.
 */
#ifndef IOMMU_STRAY_H
#define IOMMU_STRAY_H

#include "iommu/ivrs.h"

/* Class and subclass (PCI Code and ID 1.11, 1.7 and 1.9). */
#define CLASS_HOST  0x0600
#define CLASS_IOMMU 0x0806

/*
 * Has each function a unit, as the table tells, and each other segment than 0
 * one that has all of it? NULL, or what is wrong, as a sentence's end.
 */
const char *find_stray_vtd(const struct dmar *dmar);
const char *find_stray_amdvi(const struct ivrs *ivrs);

#endif
