/*
 * ACPI's way from a pointer in the firmware to the list of CPUs.
 *
 *	RSDP ("RSD PTR ") --> XSDT: 64-bit pointers --> "APIC" = MADT
 *	              \-----> RSDT: 32-bit pointers     "FACP" = FADT
 *
 * Firmware writes these tables and firmware has bugs, so nothing is taken on
 * trust: each length is held against what is there, each sum is computed, and
 * an entry that claims to have no bytes, which a careless reader would read
 * for ever, ends the list. Book: chapter 6, "How many are we?".
 */
#include "smp/acpi.h"

#include "lib/errno.h"
#include "lib/string.h"

#define RSDP_SIZE_1 20 /* of ACPI 1.0 */
#define RSDP_SIZE_2 36

#define HEADER_SIZE 36        /* before a table's own contents */
#define SIZE_MOST   (1 << 20) /* a sane table's size */

#define MADT_ENTRIES 44 /* offset of the first */
#define MADT_LAPIC   0
#define MADT_X2APIC  9
#define MADT_ENABLED BIT(0)
#define MADT_NO_ID   0xff /* a LAPIC entry that means nobody */

#define FADT_PM_TIMER_BLOCK  76
#define FADT_PM_TIMER_LENGTH 91

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u64 get64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

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
	return !memcmp(p, "RSD PTR ", 8) && sum_is_0(p, RSDP_SIZE_1);
}

int acpi_scan(const u8 *area, u32 size)
{
	for (u32 i = 0; i + RSDP_SIZE_1 <= size; i += 16)
		if (is_rsdp(area + i))
			return i;
	return -ENOENT;
}

int acpi_read_root(acpi_map_fn *map, u64 phys, struct acpi_root *root)
{
	const u8 *p = map(phys, RSDP_SIZE_1);

	if (!p || !is_rsdp(p))
		return -EINVAL;
	*root = (struct acpi_root){.rsdt = get32(p + 16)};
	memcpy(root->oem, p + 9, sizeof(root->oem) - 1);
	if (p[15] < 2)
		return 0;
	p = map(phys, RSDP_SIZE_2);
	if (p && get32(p + 20) >= RSDP_SIZE_2 && sum_is_0(p, RSDP_SIZE_2))
		root->xsdt = get64(p + 24);
	return 0;
}

/* The table at @phys, whole and sound. */
static int read_table(acpi_map_fn *map, u64 phys, const char *signature,
		      struct acpi_table *table)
{
	const u8 *p = phys ? map(phys, HEADER_SIZE) : NULL;
	u32 size;

	if (!p || memcmp(p, signature, 4))
		return -ENOENT;
	size = get32(p + 4);
	if (size < HEADER_SIZE || size > SIZE_MOST)
		return -EINVAL;
	p = map(phys, size);
	if (!p || !sum_is_0(p, size))
		return -EINVAL;
	*table = (struct acpi_table){p, size};
	return 0;
}

/* Look through the pointers, of @width bytes each, of the list at @phys. */
static int find_in(acpi_map_fn *map, u64 phys, const char *list_signature,
		   uint width, const char *signature, struct acpi_table *table)
{
	struct acpi_table list;
	int error = read_table(map, phys, list_signature, &list);

	if (error)
		return error;
	for (u32 at = HEADER_SIZE; at + width <= list.size; at += width) {
		const u8 *p = list.data + at;
		u64 to = width == 8 ? get64(p) : get32(p);

		if (!read_table(map, to, signature, table))
			return 0;
	}
	return -ENOENT;
}

int acpi_find(acpi_map_fn *map, const struct acpi_root *root,
	      const char *signature, struct acpi_table *table)
{
	if (!find_in(map, root->xsdt, "XSDT", 8, signature, table))
		return 0;
	if (!find_in(map, root->rsdt, "RSDT", 4, signature, table))
		return 0;
	return -ENOENT;
}

/* Is there an enabled CPU in the entry at @e? Its ID in *@id. */
static bool entry_has_cpu(const u8 *e, u32 *id)
{
	if (e[0] == MADT_LAPIC && e[1] >= 8) {
		*id = e[3];
		return (get32(e + 4) & MADT_ENABLED) && e[3] != MADT_NO_ID;
	}
	if (e[0] == MADT_X2APIC && e[1] >= 16) {
		*id = get32(e + 4);
		return (get32(e + 8) & MADT_ENABLED) && *id != 0xffffffff;
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

int acpi_read_madt(const struct acpi_table *madt, u32 *ids, uint max,
		   uint *found)
{
	const u8 *e = madt->data + MADT_ENTRIES;
	const u8 *end = madt->data + madt->size;
	u32 id;

	*found = 0;
	for (; e + 2 <= end; e += e[1]) {
		if (e[1] < 2 || e[1] > end - e)
			return -EINVAL;
		if (!entry_has_cpu(e, &id) || is_among(id, ids, *found))
			continue;
		if (*found == max)
			return -E2BIG;
		ids[(*found)++] = id;
	}
	return 0;
}

u16 acpi_pm_timer(const struct acpi_table *fadt)
{
	if (fadt->size <= FADT_PM_TIMER_LENGTH ||
	    fadt->data[FADT_PM_TIMER_LENGTH] != 4)
		return 0;
	return get32(fadt->data + FADT_PM_TIMER_BLOCK);
}
