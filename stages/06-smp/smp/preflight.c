/*
 * What the preflight check (vmm/preflight.h) says about CPUs. None of it is in
 * the way: Vellum runs on the CPUs that it finds.
 */
#include "smp/madt.h"
#include "vmm/preflight.h"

#define CPUS_SHOWN 1024 /* that are counted here */

static void check_cpus(void)
{
	static u32 ids[CPUS_SHOWN]; /* there is no heap yet */
	struct acpi_root root;
	struct acpi_table madt;
	uint count, large = 0;
	int error = acpi_machine_root(&root);

	if (!error)
		error = acpi_find(acpi_map, &root, "APIC", &madt);
	if (error) {
		preflight_tell("no list of CPUs (ACPI's MADT): Vellum takes "
			       "one, and the guest must not look for more");
		return;
	}
	error = madt_read(&madt, ids, CPUS_SHOWN, &count);
	for (uint i = 0; i < count; i++)
		large += ids[i] >= 0xff;
	preflight_tell("%s%u CPU%s in ACPI's MADT%s", error ? "at least " : "",
		       count, count == 1 ? "" : "s",
		       error ? ", which is damaged or too long" : "");
	if (large)
		preflight_tell("%u of them need x2APIC mode: the firmware must "
			       "have switched it on",
			       large);
}

PREFLIGHT(15, "CPUs (ACPI)", check_cpus);
