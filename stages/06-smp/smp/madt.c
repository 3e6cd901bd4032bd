/*
 * Reading the list of CPUs.
 *
 *	| header, 44 bytes | type, length, ... | type, length, ... | ...
 *
 * Firmware writes it and firmware has bugs, so nothing is taken on trust: an
 * entry that claims more bytes than are left, or none, which a careless reader
 * would read for ever, ends the list. Book: chapter 6, "How many are we?".
 */
#include "smp/madt.h"

#include "lib/errno.h"

#define MADT_ENTRIES 44 /* offset of the first */
#define MADT_LAPIC   0
#define MADT_X2APIC  9
#define MADT_ENABLED BIT(0)
#define MADT_NO_ID   0xff /* a LAPIC entry that means nobody */

#define FADT_PM_TIMER_BLOCK  76
#define FADT_PM_TIMER_LENGTH 91

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

u16 fadt_pm_timer(const struct acpi_table *fadt)
{
	if (fadt->size <= FADT_PM_TIMER_LENGTH ||
	    fadt->data[FADT_PM_TIMER_LENGTH] != 4)
		return 0;
	return acpi_get32(fadt->data + FADT_PM_TIMER_BLOCK);
}
