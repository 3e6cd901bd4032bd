/*
 * Which CPUs are there? The hardware is asked, by a census: tables can be
 * missing or wrong, and a CPU that Vellum does not know of is a way out for the
 * guest. ACPI's MADT gives those that answered their order. It has a second
 * use, with the DSDT: is there, or may there be later, anyone who did not
 * answer? Only where all sources can be read and none knows of such a CPU, it
 * need not be watched whom the guest starts.
 *
 *	MADT: | header, 44 bytes | type, length, ... | type, length, ... | ...
 *
 * Firmware writes it and firmware has bugs, so nothing is taken on trust: an
 * entry that claims more bytes than are left, or none, which a careless reader
 * would read for ever, ends the list. Book: chapter 6, "How many are we?".
 */
#include "smp/cpus.h"

#include "console/panic.h"
#include "console/printf.h"
#include "heap/heap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "smp/lapic.h"

#define CPUS_MOST  4096 /* that we look at */
#define CPUS_SPARE 16   /* room for those that no table knows of */

#define MADT_ENTRIES 44 /* offset of the first */
#define MADT_LAPIC   0
#define MADT_X2APIC  9
#define MADT_ENABLED BIT(0)
#define MADT_NO_ID   0xff /* a LAPIC entry that means nobody */

/* Declarations of processors in AML (ACPI 6.5, 20.2.5.2 and 8.4). */
#define AML_EXT          0x5b
#define AML_PROCESSOR    0x83
#define PROCESSOR_DEVICE "ACPI0007"

struct smp_cpu *smp_cpus;
uint smp_count = 1;
const char *smp_gap = "nobody has looked";
char smp_oem[7];

static struct acpi_root root;
static uint slots; /* room in smp_cpus */

int smp_find_table(const char *signature, struct acpi_table *table)
{
	return acpi_find(acpi_map, &root, signature, table);
}

/* Is there a CPU in the entry at @e? */
static bool entry_has_cpu(const u8 *e, struct madt_cpu *cpu)
{
	if (e[0] == MADT_LAPIC && e[1] >= 8) {
		*cpu = (struct madt_cpu){e[3],
					 acpi_get32(e + 4) & MADT_ENABLED};
		return e[3] != MADT_NO_ID;
	}
	if (e[0] == MADT_X2APIC && e[1] >= 16) {
		*cpu = (struct madt_cpu){acpi_get32(e + 4),
					 acpi_get32(e + 8) & MADT_ENABLED};
		return cpu->apic_id != 0xffffffff;
	}
	return false;
}

/* Is @cpu among the first @count of @cpus already? Then one that is enabled
 * under any of its entries is. */
static bool is_listed(const struct madt_cpu *cpu, struct madt_cpu *cpus,
		      uint count)
{
	for (uint i = 0; i < count; i++) {
		if (cpus[i].apic_id != cpu->apic_id)
			continue;
		cpus[i].enabled |= cpu->enabled;
		return true;
	}
	return false;
}

int madt_read(const struct acpi_table *madt, struct madt_cpu *cpus, uint max,
	      uint *found)
{
	struct madt_cpu cpu;
	const u8 *e;

	for (u32 at = MADT_ENTRIES; at + 2 <= madt->size; at += e[1]) {
		e = madt->data + at;
		if (e[1] < 2 || e[1] > madt->size - at)
			return -EINVAL;
		if (!entry_has_cpu(e, &cpu) || is_listed(&cpu, cpus, *found))
			continue;
		if (*found == max)
			return -E2BIG;
		cpus[(*found)++] = cpu;
	}
	return 0;
}

/* The two ways to declare one, wherever the bytes are found: a word that only
 * looks like it makes the number larger, which is the safe side. */
uint aml_processors(const struct acpi_table *aml)
{
	const uint n = sizeof(PROCESSOR_DEVICE);
	uint count = 0;

	for (u32 i = ACPI_HEADER_SIZE; i + 2 <= aml->size; i++) {
		const u8 *p = aml->data + i;

		count += p[0] == AML_EXT && p[1] == AML_PROCESSOR;
		count += aml->size - i >= n && !memcmp(p, PROCESSOR_DEVICE, n);
	}
	return count;
}

static bool is_among(u32 id, const u32 *ids, uint count)
{
	for (uint i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

const char *cpu_lists_gap(const struct cpu_lists *lists)
{
	if (!lists->asked)
		return "nobody could be asked who is there";
	if (!lists->listed_all)
		return "the list of CPUs (MADT) is missing or damaged";
	for (uint i = 0; i < lists->listed_count; i++)
		if (!is_among(lists->listed[i].apic_id, lists->here,
			      lists->here_count))
			return "the MADT lists CPUs that are not here";
	if (!lists->has_aml)
		return "there is no sound DSDT to tell of others";
	if (lists->processors > lists->here_count)
		return "the DSDT has devices for more";
	return NULL;
}

/* All there are: who is named by one that is doubtful may be there. */
static void read_madts(struct madt_cpu *listed, struct cpu_lists *lists)
{
	struct acpi_table madt;
	bool sound = true;
	uint n;

	for (n = 0; !acpi_find_next(acpi_map, &root, "APIC", n, &madt); n++)
		if (madt_read(&madt, listed, CPUS_MOST, &lists->listed_count) ||
		    madt.doubtful)
			sound = false;
	lists->listed_all = sound && lists->listed_count;
}

/* A table that the XSDT and the RSDT both have counts once; where there are
 * very many, perhaps more than once, which is the safe side. */
static void count_in_aml(const struct acpi_table *aml, struct cpu_lists *lists)
{
	static u64 seen[32];
	static uint count;

	for (uint i = 0; i < count; i++)
		if (seen[i] == aml->phys)
			return;
	if (count < ARRAY_SIZE(seen))
		seen[count++] = aml->phys;
	lists->has_aml &= !aml->doubtful;
	lists->processors += aml_processors(aml);
}

static void read_aml(struct cpu_lists *lists)
{
	struct acpi_table aml;
	uint n;

	lists->has_aml = !acpi_find_dsdt(acpi_map, &root, 0, &aml);
	for (n = 0; !acpi_find_dsdt(acpi_map, &root, n, &aml); n++)
		count_in_aml(&aml, lists);
	for (n = 0; !acpi_find_next(acpi_map, &root, "SSDT", n, &aml); n++)
		count_in_aml(&aml, lists);
}

static void read_tables(struct madt_cpu *listed, struct cpu_lists *lists)
{
	if (acpi_machine_root(&root))
		return;
	memcpy(smp_oem, root.oem, sizeof(smp_oem));
	read_madts(listed, lists);
	read_aml(lists);
}

struct smp_cpu *smp_find(u32 apic_id)
{
	uint count = __atomic_load_n(&smp_count, __ATOMIC_ACQUIRE);

	for (uint i = 0; i < count; i++)
		if (smp_cpus[i].apic_id == apic_id)
			return &smp_cpus[i];
	return NULL;
}

void smp_drop_last(void)
{
	__atomic_store_n(&smp_count, smp_count - 1, __ATOMIC_RELEASE);
}

struct smp_cpu *smp_add(u32 apic_id)
{
	struct smp_cpu *cpu = &smp_cpus[smp_count];

	if (smp_count == slots)
		return NULL;
	*cpu = (struct smp_cpu){
		.apic_id = apic_id,
		.sipi = -1,
		.dfr = ~0U,
		.stack_top = cpu->stack_top, /* it may have been in use */
		.percpu_offset = cpu->percpu_offset,
	};
	__atomic_store_n(&smp_count, smp_count + 1, __ATOMIC_RELEASE);
	return cpu;
}

/* The lowest of @lists->here that has no entry yet, or -1. */
static s64 next_unlisted(const struct cpu_lists *lists)
{
	s64 next = -1;

	for (uint i = 0; i < lists->here_count; i++) {
		u32 id = lists->here[i];

		if (!smp_find(id) && (next < 0 || id < next))
			next = id;
	}
	return next;
}

/* This CPU is the first, then come the others in the order of the MADT, and
 * then those that it does not list. */
static void fill_list(const struct cpu_lists *lists)
{
	s64 id;

	smp_count = 0;
	smp_add(lapic_id());
	for (uint i = 0; i < lists->listed_count; i++) {
		const struct madt_cpu *c = &lists->listed[i];

		if (is_among(c->apic_id, lists->here, lists->here_count)) {
			if (!smp_find(c->apic_id))
				smp_add(c->apic_id);
		} else if (c->enabled) {
			printf("smp: the CPU with APIC ID %u does not answer\n",
			       c->apic_id);
		}
	}
	while ((id = next_unlisted(lists)) >= 0)
		smp_add(id);
}

static uint count_enabled(const struct cpu_lists *lists)
{
	uint enabled = 0;

	for (uint i = 0; i < lists->listed_count; i++)
		enabled += lists->listed[i].enabled;
	return enabled;
}

/* Those that @census names, and this CPU, into @here. */
static void take_census(smp_census_fn *census, u32 *here,
			struct cpu_lists *lists)
{
	uint enabled = count_enabled(lists);
	int n = census(here, CPUS_MOST - 1, enabled ? enabled - 1 : 0);

	lists->asked = n >= 0 && n < CPUS_MOST;
	lists->here_count = n < 0 ? 0 : MIN(n, CPUS_MOST - 1);
	if (!is_among(lapic_id(), here, lists->here_count))
		here[lists->here_count++] = lapic_id();
}

static void report(const struct cpu_lists *lists)
{
	uint enabled = count_enabled(lists);

	printf("smp: %u CPU%s here, %u in ACPI's MADT\n", smp_count,
	       smp_count == 1 ? "" : "s", enabled);
	if (smp_gap)
		printf("smp: others may come: %s\n", smp_gap);
}

/* With all arrays there. */
static void list_cpus(smp_census_fn *census, struct madt_cpu *listed, u32 *here)
{
	struct cpu_lists lists = {.here = here, .listed = listed};

	read_tables(listed, &lists);
	take_census(census, here, &lists);
	slots = lists.here_count + lists.listed_count + CPUS_SPARE;
	smp_cpus = alloc(slots * sizeof(*smp_cpus));
	if (!smp_cpus)
		panic("no memory for a list of %u CPUs", slots);
	memset(smp_cpus, 0, slots * sizeof(*smp_cpus));
	fill_list(&lists);
	smp_gap = cpu_lists_gap(&lists);
	report(&lists);
}

/* Without a local APIC there is no way to another CPU. */
static void be_alone(void)
{
	printf("smp: this CPU has no local APIC: one CPU\n");
	smp_gap = NULL;
}

void smp_find_cpus(smp_census_fn *census)
{
	struct madt_cpu *listed;
	u32 *here;

	if (lapic_init()) {
		be_alone();
		return;
	}
	listed = alloc(CPUS_MOST * sizeof(*listed));
	here = alloc(CPUS_MOST * sizeof(*here));
	if (!listed || !here)
		panic("no memory to look for CPUs");
	list_cpus(census, listed, here);
	free(here);
	free(listed);
}
