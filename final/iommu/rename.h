/*
 * ACPI's tables under a name that no system looks for.
 */
#ifndef IOMMU_RENAME_H
#define IOMMU_RENAME_H

#include "lib/types.h"

/*
 * Let no table be found by the four letters @name, also none that is doubtful
 * or only in one list: a guest may believe it. False: not all could be renamed.
 * CPU 0, when there is a window.
 */
bool rename_tables(const char *name);

/* Give them their name @name back, those that are still there. One CPU, with
 * all others held. */
void rename_back(const char *name);

#endif
