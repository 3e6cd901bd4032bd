/*
 * Fuzz target: the IVRS table. The input is all that comes behind its header,
 * in a buffer of exactly that size. What is believed of it has a place: units
 * whose registers lie on whole pages and nowhere twice, and ranges that are
 * not empty; and there is an end to both.
 */
#include "fuzz.h"
#include "iommu/ivrs.h"

#define HEADER 48

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *bytes = malloc(HEADER + size);
	struct acpi_table table = {.data = bytes, .size = HEADER + size};
	struct ivrs ivrs;
	const char *wrong;

	require(bytes);
	memset(bytes, 0, HEADER);
	memcpy(bytes + HEADER, data, size);
	wrong = ivrs_read(&table, &ivrs);
	fuzz_operations++;
	require(ivrs.units <= IOMMU_UNITS && ivrs.reserved <= IOMMU_RESERVED);
	require(wrong ? *wrong : ivrs.units);
	for (uint i = 0; i < ivrs.units; i++) {
		require(ivrs.unit[i] && ivrs.unit[i] % PAGE_SIZE == 0);
		for (uint j = 0; j < i; j++)
			require(ivrs.unit[i] != ivrs.unit[j]);
	}
	for (uint i = 0; i < ivrs.reserved; i++) {
		require(ivrs.range[i].base < ivrs.range[i].end);
		require(ivrs.range[i].base % PAGE_SIZE == 0);
		require(ivrs.range[i].end % PAGE_SIZE == 0);
	}
	libc_free(bytes);
	return 0;
}
