/*
 * Which CPUs are there? ACPI's MADT says so. Without it there is one.
 * Book: chapter 6, "How many are we?".
 */
#include "smp/cpus.h"

#include "console/printf.h"
#include "heap/heap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "smp/madt.h"

#define CPUS_MOST 4096 /* that we look at */

struct smp_cpu *smp_cpus;
uint smp_count = 1;
char smp_oem[7];

static struct acpi_root root;

int smp_find_table(const char *signature, struct acpi_table *table)
{
	return acpi_find(acpi_map, &root, signature, table);
}

/* IDs of all CPUs into @ids; the number of them, or a reason for none. */
static const char *read_ids(u32 *ids, uint *count)
{
	struct acpi_table madt;
	int error;

	*count = 0;
	if (acpi_machine_root(&root))
		return "no ACPI tables";
	memcpy(smp_oem, root.oem, sizeof(smp_oem));
	if (smp_find_table("APIC", &madt))
		return "no list of CPUs (MADT) among the ACPI tables";
	error = madt_read(&madt, ids, CPUS_MOST, count);
	if (error == -E2BIG)
		printf("smp: more than %u CPUs: the others stay off\n",
		       CPUS_MOST);
	else if (error)
		printf("smp: the list of CPUs (MADT) is damaged after %u "
		       "CPUs\n",
		       *count);
	return *count ? NULL : "no CPU in the list of CPUs (MADT)";
}

static void add(u32 apic_id)
{
	smp_cpus[smp_count++] = (struct smp_cpu){
		.apic_id = apic_id,
		.sipi = -1,
		.dfr = ~0U,
	};
}

/* This CPU is the first, wherever the list has it. */
static void fill(const u32 *ids, uint count)
{
	u32 own = lapic_id();

	smp_count = 0;
	add(own);
	for (uint i = 0; i < count; i++)
		if (ids[i] != own)
			add(ids[i]);
}

void smp_find_cpus(void)
{
	u32 *ids = alloc(CPUS_MOST * sizeof(*ids));
	const char *why = "this CPU has no local APIC";
	uint count = 0;

	if (ids && !lapic_init())
		why = read_ids(ids, &count);
	smp_cpus = alloc((count + 1) * sizeof(*smp_cpus));
	if (!ids || !smp_cpus) {
		printf("smp: no memory for a list of CPUs: one CPU\n");
		free(ids);
		return;
	}
	if (why)
		printf("smp: %s: one CPU\n", why);
	else
		fill(ids, count);
	free(ids);
	if (!why)
		printf("smp: %u CPU%s in ACPI's MADT\n", smp_count,
		       smp_count == 1 ? "" : "s");
}
