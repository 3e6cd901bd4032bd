/*
 * Fuzz target: the DMAR table. The input is all that comes behind its header,
 * in a buffer of exactly that size. What is believed of it has a place: units
 * whose registers lie on whole pages and nowhere twice, and ranges that are
 * not empty; and there is an end to both.
 */
#include "fuzz.h"
#include "iommu/dmar.h"

#define HEADER 48

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *bytes = malloc(HEADER + size);
	struct acpi_table table = {.data = bytes, .size = HEADER + size};
	struct dmar dmar;
	const char *wrong;

	require(bytes);
	memset(bytes, 0, HEADER);
	memcpy(bytes + HEADER, data, size);
	wrong = dmar_read(&table, &dmar);
	fuzz_operations++;
	require(dmar.units <= IOMMU_UNITS && dmar.reserved <= IOMMU_RESERVED);
	require(wrong ? *wrong : dmar.units);
	for (uint i = 0; i < dmar.units; i++) {
		require(dmar.unit[i] && dmar.unit[i] % PAGE_SIZE == 0);
		require(dmar.size[i] && dmar.size[i] % PAGE_SIZE == 0);
		require(dmar.unit[i] + dmar.size[i] - 1 >= dmar.unit[i]);
		for (uint j = 0; j < i; j++)
			require(dmar.unit[i] != dmar.unit[j]);
	}
	for (uint i = 0; i < dmar.reserved; i++) {
		require(dmar.range[i].base < dmar.range[i].end);
		require(dmar.range[i].base % PAGE_SIZE == 0);
		require(dmar.range[i].end % PAGE_SIZE == 0);
	}
	libc_free(bytes);
	return 0;
}
