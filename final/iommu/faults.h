/*
 * Faults: what devices tried in vain.
 */
#ifndef IOMMU_FAULTS_H
#define IOMMU_FAULTS_H

#include "iommu/unit.h"

/* From here on iommu_poll() looks at @units, @count of them. */
void faults_watch(struct iommu_unit *units, uint count);

#endif
