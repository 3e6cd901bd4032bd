/*
 * Fuzz target: the memory map. An input is a list of entries. Whatever they
 * are, no byte that an entry calls anything but RAM may come out as RAM.
 */
#include "boot/test/sound_map.h"

#define ENTRIES 300

static struct mem_range entries[ENTRIES];
static uint entry_count;

/* As mem_map_add() documents it: cut at the end of the address space. */
static u64 cut(u64 base, u64 size)
{
	return base + size < base ? -base - 1 : size;
}

static void add(struct mem_map *map, struct fuzz_input *in)
{
	u32 kind = fuzz_byte(in), type = 1 + (kind & 7) % 6;
	uint width = kind & 8 ? 8 : 1, shift = kind & 8 ? 0 : kind >> 4 << 2;
	u64 base = fuzz_number(in, width) << shift;
	u64 size = fuzz_number(in, width) << shift;

	mem_map_add(map, base, size, type);
	entries[entry_count++] =
		(struct mem_range){base, cut(base, size), type};
	fuzz_operations++;
}

static bool in_ram_entry(u64 at)
{
	for (uint i = 0; i < entry_count; i++)
		if (entries[i].type == MEM_RAM &&
		    at - entries[i].base < entries[i].size)
			return true;
	return false;
}

static void check_ram(const struct mem_range *ram)
{
	require(in_ram_entry(ram->base));
	require(in_ram_entry(ram->base + ram->size - 1));
	for (uint i = 0; i < entry_count; i++) {
		const struct mem_range *e = &entries[i];

		if (e->type != MEM_RAM && e->size)
			require(e->base - ram->base >= ram->size &&
				ram->base - e->base >= e->size);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct mem_map map, again;
	struct fuzz_input in = {data, data + size};

	map.count = entry_count = 0;
	while (fuzz_more(&in) && entry_count < ENTRIES)
		add(&map, &in);
	mem_map_finish(&map);
	require_sound_map(&map);
	for (uint i = 0; i < map.count; i++)
		if (map.range[i].type == MEM_RAM)
			check_ram(&map.range[i]);
	again = map;
	mem_map_finish(&again);
	require(again.count == map.count);
	require(!memcmp(again.range, map.range,
			map.count * sizeof(map.range[0])));
	return 0;
}
