/*
 * Keeping devices out of our range, and out of a few other places.
 */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include "lib/types.h"

/*
 * Switch the machine's IOMMUs on, for good, and hide them from the guest. Says
 * what was found, or why there is none. NULL; or, where the setting iommu=
 * demands one, why no guest may run. Phase device, CPU 0, once.
 */
const char *iommu_init(void);

/* Take the table out of ACPI's list; the last that CPU 0 does to it. Phase cpu,
 * when there is a window. */
void iommu_hide(void);

/*
 * Before iommu_init(): the function @bdf is ours, and reaches the pages
 * [@base, @base + @size) and nothing else. Once.
 */
void iommu_own(u16 bdf, phys_t base, u64 size);

/* Tell of faults that there were; often, as it costs little. Any CPU. */
void iommu_poll(void);

/* What the table of this machine says, for preflight: "Intel, 2 units". False:
 * it has none, or a broken one, of which @text says how. */
bool iommu_describe(char *text, size_t size);

#endif
