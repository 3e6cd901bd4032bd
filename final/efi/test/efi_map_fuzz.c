/*
 * Fuzz target: the EFI memory map. An input is the size of an entry, then the
 * entries; they lie in memory that ends where they do.
 */
#include "boot/test/sound_map.h"
#include "efi/efi_map.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct mem_map map;
	struct fuzz_input in = {data, data + size};
	u64 step = fuzz_byte(&in);
	size_t left = in.end - in.at;
	u8 *entries = malloc(left);
	int error;

	require(entries || !left);
	if (left)
		memcpy(entries, in.at, left);
	map.count = 0;
	error = efi_map_parse(&map, entries, left, step);
	fuzz_operations++;
	if (step < sizeof(struct efi_memory_descriptor)) {
		require(error && map.count == 0);
	} else {
		require_sound_map(&map);
		require((error == 0) == (mem_map_ram(&map) != 0));
	}
	libc_free(entries);
	return 0;
}
