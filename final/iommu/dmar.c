/*
 * Reading the DMAR table.
 *
 *	header, 48 bytes | structure | structure | ...
 *	each: u16 type, u16 length, contents
 *
 * All units are used, and all alike, so which devices are whose does not
 * matter. A table that makes no sense in any place is not believed in any
 * other: a wrong address of a unit's registers would be written to.
 * Book: chapter 15.
 */
#include "iommu/dmar.h"

#include "lib/string.h"

#define HEADER_SIZE 48

#define DRHD         0
#define DRHD_SIZE    16
#define DRHD_PAGES   5 /* of registers, as a power of two */
#define DRHD_SEGMENT 6
#define DRHD_BASE    8

#define RMRR       1
#define RMRR_SIZE  24
#define RMRR_BASE  8
#define RMRR_LIMIT 16 /* the last byte */

static u16 get16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

static const char *add_unit(struct dmar *dmar, const u8 *p, uint length)
{
	u64 base, size;

	if (length < DRHD_SIZE)
		return "a unit has no address";
	base = acpi_get64(p + DRHD_BASE);
	size = PAGE_SIZE << (p[DRHD_PAGES] & 15);
	if (!base || base % PAGE_SIZE || base > -size)
		return "a unit has no address";
	for (uint i = 0; i < dmar->units; i++)
		if (dmar->unit[i] == base)
			return "two units have one address";
	if (dmar->units == IOMMU_UNITS)
		return "there are too many units";
	dmar->size[dmar->units] = size;
	dmar->segment[dmar->units] = get16(p + DRHD_SEGMENT);
	dmar->unit[dmar->units++] = base;
	return NULL;
}

static const char *add_reserved(struct dmar *dmar, const u8 *p, uint length)
{
	u64 base, last;

	if (length < RMRR_SIZE)
		return "reserved memory has no address";
	base = acpi_get64(p + RMRR_BASE);
	last = acpi_get64(p + RMRR_LIMIT);
	if (base % PAGE_SIZE || last < base || last > ~0UL - PAGE_SIZE)
		return "reserved memory ends before it begins";
	if (dmar->reserved == IOMMU_RESERVED)
		return "there is too much reserved memory";
	dmar->range[dmar->reserved++] =
		(struct dma_range){base, ALIGN_UP(last + 1, PAGE_SIZE)};
	return NULL;
}

const char *dmar_read(const struct acpi_table *table, struct dmar *dmar)
{
	const char *wrong = NULL;
	u32 at = HEADER_SIZE;

	*dmar = (struct dmar){0};
	if (table->doubtful)
		return "its sum is wrong";
	while (!wrong && at < table->size) {
		const u8 *p = table->data + at;
		uint length = table->size - at >= 4 ? get16(p + 2) : 0;

		if (length < 4 || length > table->size - at)
			return "a structure has no end";
		if (get16(p) == DRHD)
			wrong = add_unit(dmar, p, length);
		else if (get16(p) == RMRR)
			wrong = add_reserved(dmar, p, length);
		at += length;
	}
	return wrong ? wrong : dmar->units ? NULL : "it has no units";
}
