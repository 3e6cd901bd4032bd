/*
 * Reading the DMAR table.
 *
 *	header, 48 bytes | structure | structure | ...
 *	each: u16 type, u16 length, contents
 *
 * All units are used, and all alike, so which devices are whose does not
 * matter, as long as each is somebody's. A table that makes no sense in any
 * place is not believed in any other: a wrong address of a unit's registers
 * would be written to.
 * Book: chapter 15.
 */
#include "iommu/dmar.h"

#include "lib/string.h"

#define HEADER_SIZE 48

#define DRHD         0
#define DRHD_SIZE    16
#define DRHD_FLAGS   4
#define DRHD_REST    BIT(0) /* all of the segment that no other unit has */
#define DRHD_PAGES   5      /* of registers, as a power of two */
#define DRHD_SEGMENT 6
#define DRHD_BASE    8

/* Behind a unit, each: a device that is the unit's. */
#define SCOPE_SIZE     6
#define SCOPE_BUS      5
#define SCOPE_PATH     6 /* device, function; and more behind bridges */
#define SCOPE_DEVICE   1
#define SCOPE_BRIDGE   2 /* with all that is behind it */
#define SCOPE_ONE_STEP 8

#define RMRR       1
#define RMRR_SIZE  24
#define RMRR_BASE  8
#define RMRR_LIMIT 16 /* the last byte */

/* Those of bus 0; others are behind one of them, or there is a unit with the
 * rest. */
static const char *add_names(struct dmar *dmar, const u8 *p, uint length)
{
	for (uint at = DRHD_SIZE; at < length; at += p[at + 1]) {
		const u8 *scope = p + at;
		uint function;

		if (length - at < SCOPE_SIZE || scope[1] < SCOPE_SIZE ||
		    scope[1] > length - at)
			return "a unit's device has no end";
		if (scope[0] != SCOPE_DEVICE && scope[0] != SCOPE_BRIDGE)
			continue;
		if (scope[1] != SCOPE_ONE_STEP || scope[SCOPE_BUS])
			continue;
		function = (scope[SCOPE_PATH] & 31) << 3 |
			   (scope[SCOPE_PATH + 1] & 7);
		dmar->named[function / 8] |= 1 << function % 8;
	}
	return NULL;
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
	dmar->segment[dmar->units] = acpi_get16(p + DRHD_SEGMENT);
	dmar->has_rest[dmar->units] = p[DRHD_FLAGS] & DRHD_REST;
	dmar->unit[dmar->units++] = base;
	return acpi_get16(p + DRHD_SEGMENT) ? NULL : add_names(dmar, p, length);
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

static bool segment_has_rest(const struct dmar *dmar, u16 segment)
{
	for (uint i = 0; i < dmar->units; i++)
		if (dmar->segment[i] == segment && dmar->has_rest[i])
			return true;
	return false;
}

/* What another segment's functions are we do not know. */
static const char *check_segments(const struct dmar *dmar)
{
	for (uint i = 0; i < dmar->units; i++)
		if (dmar->segment[i] &&
		    !segment_has_rest(dmar, dmar->segment[i]))
			return "no unit has all devices of a segment";
	return dmar->units ? NULL : "it has no units";
}

bool dmar_has_rest(const struct dmar *dmar)
{
	return segment_has_rest(dmar, 0);
}

bool dmar_has(const struct dmar *dmar, u8 function)
{
	return dmar->named[function / 8] & 1 << function % 8;
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
		uint length = table->size - at >= 4 ? acpi_get16(p + 2) : 0;

		if (length < 4 || length > table->size - at)
			return "a structure has no end";
		if (acpi_get16(p) == DRHD)
			wrong = add_unit(dmar, p, length);
		else if (acpi_get16(p) == RMRR)
			wrong = add_reserved(dmar, p, length);
		at += length;
	}
	return wrong ? wrong : check_segments(dmar);
}
