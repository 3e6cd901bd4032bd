/*
 * What any bytes must not make the reader of MADT and FADT do: read outside of
 * them, run for ever, or tell of CPUs that are not there. For libFuzzer, and
 * for cpus_test.c, which calls it with tables that it has damaged.
 */
#include "lib/errno.h"
#include "smp/cpus.h"
#include "smp/delay.h"

#define CPUS 16

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct acpi_table table = {.data = data, .size = size};
	struct madt_cpu cpus[CPUS];
	uint found = 0;
	int error = madt_read(&table, cpus, CPUS, &found);

	if (found > CPUS || found > size / 8)
		__builtin_trap();
	if (error && error != -EINVAL && error != -E2BIG)
		__builtin_trap();
	for (uint i = 0; i < found; i++)
		for (uint j = 0; j < i; j++)
			if (cpus[i].apic_id == cpus[j].apic_id)
				__builtin_trap();
	fadt_pm_timer(&table);
	aml_processors(&table);
	return 0;
}
