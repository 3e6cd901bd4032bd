/*
 * Which CPUs are there? ACPI's MADT says so. Without it there is one.
 *
 *	| header, 44 bytes | type, length, ... | type, length, ... | ...
 *
 * Firmware writes it and firmware has bugs, so nothing is taken on trust: an
 * entry that claims more bytes than are left, or none, which a careless reader
 * would read for ever, ends the list. Book: chapter 6, "How many are we?".
 */
#include "smp/cpus.h"

#include "console/printf.h"
#include "heap/heap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "smp/lapic.h"

#define CPUS_MOST 4096 /* that we look at */

#define MADT_ENTRIES 44 /* offset of the first */
#define MADT_LAPIC   0
#define MADT_X2APIC  9
#define MADT_ENABLED BIT(0)
#define MADT_NO_ID   0xff /* a LAPIC entry that means nobody */

struct smp_cpu *smp_cpus;
uint smp_count = 1;
char smp_oem[7];

static struct acpi_root root;

int smp_find_table(const char *signature, struct acpi_table *table)
{
	return acpi_find(acpi_map, &root, signature, table);
}

/* Is there an enabled CPU in the entry at @e? Its ID in *@id. */
static bool entry_has_cpu(const u8 *e, u32 *id)
{
	if (e[0] == MADT_LAPIC && e[1] >= 8) {
		*id = e[3];
		return (acpi_get32(e + 4) & MADT_ENABLED) && e[3] != MADT_NO_ID;
	}
	if (e[0] == MADT_X2APIC && e[1] >= 16) {
		*id = acpi_get32(e + 4);
		return (acpi_get32(e + 8) & MADT_ENABLED) && *id != 0xffffffff;
	}
	return false;
}

static bool is_among(u32 id, const u32 *ids, uint count)
{
	for (uint i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

int madt_read(const struct acpi_table *madt, u32 *ids, uint max, uint *found)
{
	const u8 *e;
	u32 id;

	*found = 0;
	for (u32 at = MADT_ENTRIES; at + 2 <= madt->size; at += e[1]) {
		e = madt->data + at;
		if (e[1] < 2 || e[1] > madt->size - at)
			return -EINVAL;
		if (!entry_has_cpu(e, &id) || is_among(id, ids, *found))
			continue;
		if (*found == max)
			return -E2BIG;
		ids[(*found)++] = id;
	}
	return 0;
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

static void add_cpu(u32 apic_id)
{
	smp_cpus[smp_count++] = (struct smp_cpu){
		.apic_id = apic_id,
		.sipi = -1,
		.dfr = ~0U,
	};
}

/* This CPU is the first, wherever the list has it. */
static void fill_list(const u32 *ids, uint count)
{
	u32 own = lapic_id();

	smp_count = 0;
	add_cpu(own);
	for (uint i = 0; i < count; i++)
		if (ids[i] != own)
			add_cpu(ids[i]);
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
		fill_list(ids, count);
	free(ids);
	if (!why)
		printf("smp: %u CPU%s in ACPI's MADT\n", smp_count,
		       smp_count == 1 ? "" : "s");
}
