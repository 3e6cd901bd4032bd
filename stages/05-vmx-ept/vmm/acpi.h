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

/*
 * A guest may well believe a table whose sum is wrong (Linux warns, and goes
 * on), so such a one is not passed over. But any byte of it may be wrong: what
 * it says may close more, and never open anything.
 */
struct acpi_table {
	const u8 *data; /* @size bytes of it */
	u32 size;       /* of a doubtful one perhaps less or more than it has */
	u64 phys;
	bool doubtful; /* its sum, or its size, is wrong */
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
 * where it must be (ACPI 6.5, 5.2.5.1): one that is @sound, or any that has the
 * name. Returns its offset or -ENOENT.
 */
int acpi_scan(const u8 *area, u32 size, bool sound);

/* Read the root pointer at @phys. -EINVAL: that is none. */
int acpi_read_root(acpi_map_fn *map, u64 phys, struct acpi_root *root);

/*
 * Read the table at @phys, which must have the four letters @signature, or
 * -ENOENT. At least its header is there, then.
 */
int acpi_read_table(acpi_map_fn *map, u64 phys, const char *signature,
		    struct acpi_table *table);

/*
 * The tables with the four letters @signature, of the XSDT and then of the
 * RSDT, one by one: @n counts them from 0. -ENOENT: there are no more. One that
 * is in both lists comes twice. For who wants all that a guest may find.
 */
int acpi_find_next(acpi_map_fn *map, const struct acpi_root *root,
		   const char *signature, uint n, struct acpi_table *table);

/*
 * The first of them that is sound; if none is, the first that is doubtful.
 * -ENOENT: no such table.
 */
int acpi_find(acpi_map_fn *map, const struct acpi_root *root,
	      const char *signature, struct acpi_table *table);

/* The DSDTs that all FADTs name, one by one, as above. */
int acpi_find_dsdt(acpi_map_fn *map, const struct acpi_root *root, uint n,
		   struct acpi_table *table);

/* A field of @size bytes, 4 or 8, of @table at offset @at; 0 where the table
 * ends before it. */
u64 acpi_field(const struct acpi_table *table, u32 at, u32 size);

/* This machine's memory, for the functions above; before stage 02's tables are
 * in use, only what lies below 4 GiB. */
const void *acpi_map(u64 phys, u64 size);

/* Where this machine's root pointer lies; 0: it has none. */
u64 acpi_root_pointer(void);

/* This machine's root. -ENOENT: it has none. */
int acpi_machine_root(struct acpi_root *root);

#endif
