/*
 * ACPI, as far as it tells which CPUs there are: the root pointer, the tables
 * that it leads to, and two of them, MADT and FADT. Pure functions over bytes
 * that may hold anything; tested on the host.
 */
#ifndef SMP_ACPI_H
#define SMP_ACPI_H

#include "lib/types.h"

/* Where the bytes of physical memory can be read; NULL: nowhere. */
typedef const void *acpi_map_fn(u64 phys, u64 size);

struct acpi_root {
	u64 xsdt, rsdt; /* 0: there is none */
	char oem[7];    /* the maker's name for himself, with a NUL */
};

struct acpi_table {
	const u8 *data; /* checked: its checksum, and @size bytes of it */
	u32 size;
};

/*
 * Look for the root pointer in @size bytes at @area, on the 16-byte boundaries
 * where it must be (ACPI 6.5, 5.2.5.1). Returns its offset or -ENOENT.
 */
int acpi_scan(const u8 *area, u32 size);

/* Read the root pointer at @phys. -EINVAL: that is none. */
int acpi_read_root(acpi_map_fn *map, u64 phys, struct acpi_root *root);

/*
 * Find the table with the four letters @signature, by way of the XSDT or, where
 * that has none, of the RSDT. -ENOENT: no such table, or none that is sound.
 */
int acpi_find(acpi_map_fn *map, const struct acpi_root *root,
	      const char *signature, struct acpi_table *table);

/*
 * The APIC IDs of all CPUs that the MADT calls enabled, the first @max of them
 * into @ids, each once; *@found says how many. -E2BIG: there are more;
 * -EINVAL: an entry is malformed, what came before it is in @ids.
 */
int acpi_read_madt(const struct acpi_table *madt, u32 *ids, uint max,
		   uint *found);

/* The I/O port of the power management timer, or 0 when there is none. */
u16 acpi_pm_timer(const struct acpi_table *fadt);

#endif
