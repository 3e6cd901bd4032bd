/*
 * ACPI's tables: the root pointer, and the way from there to a table. Pure
 * functions over bytes that may hold anything, tested on the host; but for the
 * last two, which know the machine.
 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include "lib/string.h"
#include "lib/types.h"

#define ACPI_HEADER_SIZE 36 /* before a table's own contents */

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

/* Fields in tables are little endian, and not always aligned. */
static inline u32 acpi_get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline u64 acpi_get64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * Look for the root pointer in @size bytes at @area, on the 16-byte boundaries
 * where it must be (ACPI 6.5, 5.2.5.1). Returns its offset or -ENOENT.
 */
int acpi_scan(const u8 *area, u32 size);

/* Read the root pointer at @phys. -EINVAL: that is none. */
int acpi_read_root(acpi_map_fn *map, u64 phys, struct acpi_root *root);

/*
 * Read the table at @phys, which must have the four letters @signature
 * (-ENOENT: it has not) and be whole and sound (-EINVAL: it is not).
 */
int acpi_read_table(acpi_map_fn *map, u64 phys, const char *signature,
		    struct acpi_table *table);

/*
 * Find the table with the four letters @signature, by way of the XSDT or, where
 * that has none, of the RSDT. -ENOENT: no such table, or none that is sound.
 */
int acpi_find(acpi_map_fn *map, const struct acpi_root *root,
	      const char *signature, struct acpi_table *table);

/* This machine's memory, for the functions above; before stage 02's tables are
 * in use, only what lies below 4 GiB. */
const void *acpi_map(u64 phys, u64 size);

/* This machine's root. -ENOENT: it has none. */
int acpi_machine_root(struct acpi_root *root);

#endif
