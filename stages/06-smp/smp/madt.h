/*
 * What two of ACPI's tables tell of CPUs: MADT, which CPUs there are; FADT,
 * where there is a clock to start them by. Pure functions over tables whose
 * length and sum are right, and whose contents may be anything; tested and
 * fuzzed on the host.
 */
#ifndef SMP_MADT_H
#define SMP_MADT_H

#include "vmm/acpi.h"

/*
 * The APIC IDs of all CPUs that the MADT calls enabled, the first @max of them
 * into @ids, each once; *@found says how many. -E2BIG: there are more;
 * -EINVAL: an entry is malformed, what came before it is in @ids.
 */
int madt_read(const struct acpi_table *madt, u32 *ids, uint max, uint *found);

/* The I/O port of the power management timer, or 0 when there is none. */
u16 fadt_pm_timer(const struct acpi_table *fadt);

#endif
