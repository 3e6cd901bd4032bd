/*
 * Reading the IVRS table.
 *
 *	header, 48 bytes | block | block | ...
 *	each: u8 type, u8 flags, u16 length, contents
 *
 * A unit has a block of each kind that its maker knew of: 10h, 11h and 40h say
 * the same about where it is. Believed wholly or not at all, as the DMAR table
 * is. Book: chapter 15.
 */
#include "iommu/ivrs.h"

#include "lib/string.h"

#define HEADER_SIZE 48

#define IVHD_10      0x10
#define IVHD_11      0x11
#define IVHD_40      0x40
#define IVHD_SIZE    24 /* of the first; the others have 16 bytes more */
#define IVHD_FLAGS   1
#define IVHD_BASE    8
#define IVHD_SEGMENT 16

#define REGISTERS (512 * KIB) /* at most */

/* Behind a unit, each: devices that are the unit's. An entry's length follows
 * from its kind. */
#define NAME_ALL          0x01
#define NAME_ONE          0x02
#define NAME_FROM         0x03
#define NAME_TO           0x04
#define NAME_ALIAS        0x42
#define NAME_ALIAS_FROM   0x43
#define NAME_ONE_MORE     0x46 /* as 0x02, with more about it */
#define NAME_FROM_MORE    0x47
#define NAME_LENGTH(kind) (4U << ((kind) >> 6))
#define NAME_KNOWN        0x80 /* below */

#define IVMD_ALL    0x20 /* all devices, */
#define IVMD_ONE    0x21 /* one, */
#define IVMD_RANGE  0x22 /* or some */
#define IVMD_SIZE   32
#define IVMD_START  16
#define IVMD_LENGTH 24

static const char *add_unit(struct ivrs *ivrs, const u8 *p, uint length)
{
	u64 base = length >= IVHD_SIZE ? acpi_get64(p + IVHD_BASE) : 0;

	if (!base || base % PAGE_SIZE || base > -REGISTERS)
		return "a unit has no address";
	for (uint i = 0; i < ivrs->units; i++)
		if (ivrs->unit[i] == base) /* in a block of another type */
			return NULL;
	if (ivrs->units == IOMMU_UNITS)
		return "there are too many units";
	ivrs->segment[ivrs->units] = acpi_get16(p + IVHD_SEGMENT);
	ivrs->flags[ivrs->units] = p[IVHD_FLAGS];
	ivrs->unit[ivrs->units++] = base;
	return NULL;
}

static void add_names_of(struct ivrs *ivrs, u16 segment, uint from, uint to)
{
	for (uint i = 0; i < ivrs->units; i++)
		if (ivrs->segment[i] == segment && !from && to == 0xffff)
			ivrs->all[i] = true;
	for (uint bdf = from; !segment && bdf <= to; bdf++)
		ivrs->named[bdf / 8] |= 1 << bdf % 8;
}

/* Behind an entry of a newer kind we don't know where the next one is. */
static const char *add_names(struct ivrs *ivrs, const u8 *p, uint length)
{
	uint at = *p == IVHD_10 ? IVHD_SIZE : IVHD_SIZE + 16, from = 0x10000;
	u16 segment = acpi_get16(p + IVHD_SEGMENT);

	for (; at < length && p[at] < NAME_KNOWN; at += NAME_LENGTH(p[at])) {
		u8 kind = p[at];
		uint bdf;

		if (NAME_LENGTH(kind) > length - at)
			return "a unit's device has no end";
		bdf = acpi_get16(p + at + 1);
		if (kind == NAME_ALL)
			add_names_of(ivrs, segment, 0, 0xffff);
		else if (kind == NAME_ONE || kind == NAME_ALIAS ||
			 kind == NAME_ONE_MORE)
			add_names_of(ivrs, segment, bdf, bdf);
		else if (kind == NAME_TO)
			add_names_of(ivrs, segment, from, bdf);
		if (kind == NAME_FROM || kind == NAME_ALIAS_FROM ||
		    kind == NAME_FROM_MORE)
			from = bdf;
		else
			from = 0x10000; /* it begins right before its end */
	}
	return NULL;
}

bool ivrs_has(const struct ivrs *ivrs, u16 bdf)
{
	return ivrs->named[bdf / 8] & 1 << bdf % 8;
}

static const char *add_reserved(struct ivrs *ivrs, const u8 *p, uint length)
{
	u64 base, size;

	if (length < IVMD_SIZE)
		return "reserved memory has no address";
	base = acpi_get64(p + IVMD_START);
	size = acpi_get64(p + IVMD_LENGTH);
	if (base % PAGE_SIZE || !size || base + size < base ||
	    base + size > ~0UL - PAGE_SIZE)
		return "reserved memory ends before it begins";
	if (ivrs->reserved == IOMMU_RESERVED)
		return "there is too much reserved memory";
	ivrs->range[ivrs->reserved++] =
		(struct dma_range){base, ALIGN_UP(base + size, PAGE_SIZE)};
	return NULL;
}

const char *ivrs_read(const struct acpi_table *table, struct ivrs *ivrs)
{
	const char *wrong = NULL;
	u32 at = HEADER_SIZE;

	*ivrs = (struct ivrs){0};
	if (table->doubtful)
		return "its sum is wrong";
	while (!wrong && at < table->size) {
		const u8 *p = table->data + at;
		uint length = table->size - at >= 4 ? acpi_get16(p + 2) : 0;

		if (length < 4 || length > table->size - at)
			return "a block has no end";
		if (*p == IVHD_10 || *p == IVHD_11 || *p == IVHD_40) {
			wrong = add_unit(ivrs, p, length);
			if (!wrong)
				wrong = add_names(ivrs, p, length);
		} else if (*p == IVMD_ALL || *p == IVMD_ONE || *p == IVMD_RANGE)
			wrong = add_reserved(ivrs, p, length);
		at += length;
	}
	return wrong ? wrong : ivrs->units ? NULL : "it has no units";
}
