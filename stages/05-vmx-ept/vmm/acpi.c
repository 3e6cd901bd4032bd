/*
 * ACPI's way from a pointer in the firmware to its tables.
 *
 *	RSDP ("RSD PTR ") --> XSDT: 64-bit pointers --> "FACP" = FADT
 *	              \-----> RSDT: 32-bit pointers     and others
 *
 * Firmware writes these tables and firmware has bugs, so nothing is taken on
 * trust: each length is held against what is there, and each sum is computed.
 * A wrong sum is no reason to look away, for the guest may not; it is told to
 * whoever asked for the table. Book: chapter 5.
 */
#include "vmm/acpi.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/address.h"
#include "paging/paging.h"

#define RSDP_SIZE_1 20 /* of ACPI 1.0 */
#define RSDP_SIZE_2 36

#define SIZE_MOST  (1 << 20)                   /* a sane table's size */
#define LIST_LEAST (ACPI_HEADER_SIZE + 32 * 8) /* read of a doubtful list */

/* In the FADT (ACPI 6.5, 5.2.9). */
#define FADT_DSDT   40
#define FADT_X_DSDT 140

/* Where a BIOS keeps the root pointer (ACPI 6.5, 5.2.5.1). */
#define BDA_EBDA_SEGMENT PHYS(0x40e)
#define EBDA_SIZE        KIB
#define ROM_START        0xe0000
#define ROM_SIZE         0x20000

/* All bytes of a sound table add up to 0. */
static bool sum_is_0(const u8 *p, u32 size)
{
	u8 sum = 0;

	while (size--)
		sum += *p++;
	return !sum;
}

static bool is_rsdp(const u8 *p)
{
	return !memcmp(p, "RSD PTR ", 8);
}

int acpi_scan(const u8 *area, u32 size, bool sound)
{
	for (u32 i = 0; i + RSDP_SIZE_1 <= size; i += 16)
		if (is_rsdp(area + i) &&
		    (!sound || sum_is_0(area + i, RSDP_SIZE_1)))
			return i;
	return -ENOENT;
}

/* Of what has no sound sum, not even the revision is believed. */
int acpi_read_root(acpi_map_fn *map, u64 phys, struct acpi_root *root)
{
	const u8 *p = map(phys, RSDP_SIZE_1);

	if (!p || !is_rsdp(p))
		return -EINVAL;
	*root = (struct acpi_root){.rsdt = acpi_get32(p + 16)};
	memcpy(root->oem, p + 9, sizeof(root->oem) - 1);
	if (p[15] < 2 && sum_is_0(p, RSDP_SIZE_1))
		return 0;
	p = map(phys, RSDP_SIZE_2);
	if (p)
		root->xsdt = acpi_get64(p + 24);
	return 0;
}

int acpi_read_table(acpi_map_fn *map, u64 phys, const char *signature,
		    struct acpi_table *table)
{
	const u8 *p = phys ? map(phys, ACPI_HEADER_SIZE) : NULL, *whole = NULL;
	u32 size;

	if (!p || memcmp(p, signature, 4))
		return -ENOENT;
	size = acpi_get32(p + 4);
	if (size >= ACPI_HEADER_SIZE && size <= SIZE_MOST)
		whole = map(phys, size);
	if (whole)
		*table = (struct acpi_table){whole, size, phys,
					     !sum_is_0(whole, size)};
	else
		*table = (struct acpi_table){p, ACPI_HEADER_SIZE, phys, true};
	return 0;
}

/* The list at @phys. The size of a doubtful one is no better than the rest. */
static int read_list(acpi_map_fn *map, u64 phys, const char *signature,
		     struct acpi_table *list)
{
	int error = acpi_read_table(map, phys, signature, list);
	const u8 *more;

	if (error || !list->doubtful || list->size >= LIST_LEAST)
		return error;
	more = map(phys, LIST_LEAST);
	if (more) {
		list->data = more;
		list->size = LIST_LEAST;
	}
	return 0;
}

/* Look through the pointers, of @width bytes each, of the list at @phys, and
 * leave out the first *@n tables. */
static int find_in_list(acpi_map_fn *map, u64 phys, const char *list_signature,
			uint width, const char *signature, uint *n,
			struct acpi_table *table)
{
	struct acpi_table list;
	int error = read_list(map, phys, list_signature, &list);

	if (error)
		return error;
	for (u32 at = ACPI_HEADER_SIZE; at + width <= list.size; at += width) {
		const u8 *p = list.data + at;
		u64 to = width == 8 ? acpi_get64(p) : acpi_get32(p);

		if (!acpi_read_table(map, to, signature, table) && !(*n)--)
			return 0;
	}
	return -ENOENT;
}

int acpi_find_next(acpi_map_fn *map, const struct acpi_root *root,
		   const char *signature, uint n, struct acpi_table *table)
{
	if (!find_in_list(map, root->xsdt, "XSDT", 8, signature, &n, table))
		return 0;
	if (!find_in_list(map, root->rsdt, "RSDT", 4, signature, &n, table))
		return 0;
	return -ENOENT;
}

int acpi_find(acpi_map_fn *map, const struct acpi_root *root,
	      const char *signature, struct acpi_table *table)
{
	uint n = 0;

	for (; !acpi_find_next(map, root, signature, n, table); n++)
		if (!table->doubtful)
			return 0;
	return n ? acpi_find_next(map, root, signature, 0, table) : -ENOENT;
}

u64 acpi_field(const struct acpi_table *table, u32 at, u32 size)
{
	if (at + size > table->size)
		return 0;
	return size == 8 ? acpi_get64(table->data + at)
			 : acpi_get32(table->data + at);
}

int acpi_find_dsdt(acpi_map_fn *map, const struct acpi_root *root, uint n,
		   struct acpi_table *table)
{
	struct acpi_table fadt;

	for (uint i = 0; !acpi_find_next(map, root, "FACP", i, &fadt); i++) {
		u64 at[] = {acpi_field(&fadt, FADT_X_DSDT, 8),
			    acpi_field(&fadt, FADT_DSDT, 4)};

		for (uint k = 0; k < ARRAY_SIZE(at); k++)
			if (!acpi_read_table(map, at[k], "DSDT", table) && !n--)
				return 0;
	}
	return -ENOENT;
}

const void *acpi_map(u64 phys, u64 size)
{
	if (phys + size < phys)
		return NULL;
	if (phys + size <= MIB || (!space_entered && phys + size <= 4 * GIB))
		return phys_to_direct(PHYS(phys));
	if (!space_entered)
		return NULL;
	return map_phys(PHYS(phys), size, MAP_READ);
}

static u64 scan_area(u64 area, u32 size, bool sound)
{
	int offset = acpi_scan(phys_to_direct(PHYS(area)), size, sound);

	return offset < 0 ? 0 : area + offset;
}

/* The ROM first: the EBDA is RAM, where the guest of an earlier life may have
 * left a pointer to tables of its own, if the BIOS does not clear it. */
static u64 scan_bios(bool sound)
{
	u64 ebda = *(volatile u16 *)phys_to_direct(BDA_EBDA_SEGMENT) << 4;
	u64 found = scan_area(ROM_START, ROM_SIZE, sound);

	if (!found && ebda >= 0x400 && ebda < 0xa0000)
		found = scan_area(ebda, EBDA_SIZE, sound);
	return found;
}

u64 acpi_root_pointer(void)
{
	u64 found;

	if (boot_info.rsdp.v || boot_info.firmware == BOOT_UEFI)
		return boot_info.rsdp.v;
	found = scan_bios(true);
	return found ? found : scan_bios(false);
}

int acpi_machine_root(struct acpi_root *root)
{
	u64 phys = acpi_root_pointer();

	return phys && !acpi_read_root(acpi_map, phys, root) ? 0 : -ENOENT;
}
