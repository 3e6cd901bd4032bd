/*
 * Making a sane memory map out of what firmware and loaders hand over.
 *
 * Real firmware returns maps that are unsorted, with entries that overlap,
 * have no size or run past the end of memory. Everything after this file can
 * rely on a map that is sorted and has none of that. Where two entries
 * disagree about a byte, the answer "not RAM" is the safe one: to miss a
 * little RAM costs little, to write into a device costs the machine.
 *
 * This file runs on the host too, where it is tested and fed random bytes.
 * Book: chapter 1, "Never trust a memory map".
 */
#include "boot/memmap.h"

#include "console/printf.h"
#include "lib/string.h"

const char *mem_type_name(u32 type)
{
	static const char *const names[] = {
		[MEM_RAM] = "RAM",   [MEM_RESERVED] = "reserved",
		[MEM_ACPI] = "ACPI", [MEM_NVS] = "NVS",
		[MEM_BAD] = "bad",
	};

	return type && type < ARRAY_SIZE(names) ? names[type] : "other";
}

/* The map is full and does not know of this entry: RAM it touches is lost. */
static void reserve_touched(struct mem_map *map, u64 base, u64 size)
{
	for (uint i = 0; i < map->count; i++) {
		struct mem_range *r = &map->range[i];

		if (r->type == MEM_RAM && r->base < base + size &&
		    base < r->base + r->size)
			r->type = MEM_RESERVED;
	}
}

void mem_map_add(struct mem_map *map, u64 base, u64 size, u32 type)
{
	if (size == 0) {
		printf("memory map: entry at 0x%lx has size 0: ignored\n",
		       base);
		return;
	}
	if (base + size < base) {
		printf("memory map: entry at 0x%lx, size 0x%lx overflows: "
		       "cut\n",
		       base, size);
		size = -base - 1;
	}
	if (map->count == BOOT_MEM_RANGES)
		mem_map_finish(map); /* joining may make room */
	if (map->count == BOOT_MEM_RANGES) {
		printf("memory map: more than %u entries: 0x%lx (%s) %s\n",
		       BOOT_MEM_RANGES, base, mem_type_name(type),
		       type == MEM_RAM ? "ignored" : "cuts the RAM it touches");
		if (type != MEM_RAM)
			reserve_touched(map, base, size);
		return;
	}
	map->range[map->count++] = (struct mem_range){base, size, type};
}

/* Type of the bytes at @at and up to the next boundary; 0 where no entry is. */
static u32 type_at(const struct mem_map *map, u64 at)
{
	u32 type = 0;

	for (uint i = 0; i < map->count; i++) {
		const struct mem_range *r = &map->range[i];

		/* RAM is 1, so the highest type is also the safest. */
		if (at >= r->base && at - r->base < r->size)
			type = MAX(type, r->type);
	}
	return type;
}

/* The first place above @at where an entry begins or ends; 0 if none does. */
static u64 next_boundary(const struct mem_map *map, u64 at)
{
	u64 next = 0;

	for (uint i = 0; i < map->count; i++) {
		u64 ends[2] = {map->range[i].base,
			       map->range[i].base + map->range[i].size};

		for (uint k = 0; k < 2; k++)
			if (ends[k] > at && (!next || ends[k] < next))
				next = ends[k];
	}
	return next;
}

/* Append to a sorted map, joining with the last range where possible. */
static void append(struct mem_map *map, u64 base, u64 size, u32 type)
{
	struct mem_range *last =
		map->count ? &map->range[map->count - 1] : NULL;

	if (last && last->type == type && last->base + last->size == base) {
		last->size += size;
		return;
	}
	if (map->count < BOOT_MEM_RANGES)
		map->range[map->count++] = (struct mem_range){base, size, type};
	else
		printf("memory map: too many pieces: 0x%lx (%s) ignored\n",
		       base, mem_type_name(type));
}

static void report_overlaps(const struct mem_map *map)
{
	for (uint i = 0; i < map->count; i++)
		for (uint k = 0; k < i; k++) {
			const struct mem_range *a = &map->range[i];
			const struct mem_range *b = &map->range[k];

			if (a->base < b->base + b->size &&
			    b->base < a->base + a->size)
				printf("memory map: entries at 0x%lx (%s) and "
				       "0x%lx (%s) overlap\n",
				       b->base, mem_type_name(b->type), a->base,
				       mem_type_name(a->type));
		}
}

void mem_map_finish(struct mem_map *map)
{
	static struct mem_map sorted; /* too large for the stack */
	u64 at = 0, next;

	report_overlaps(map);
	sorted.count = 0;
	while ((next = next_boundary(map, at)) || type_at(map, at)) {
		u32 type = type_at(map, at);

		if (type)
			append(&sorted, at, next - at, type);
		if (!next)
			break;
		at = next;
	}
	*map = sorted;
}

u64 mem_map_ram(const struct mem_map *map)
{
	u64 total = 0;

	for (uint i = 0; i < map->count; i++)
		if (map->range[i].type == MEM_RAM)
			total += map->range[i].size;
	return total;
}
