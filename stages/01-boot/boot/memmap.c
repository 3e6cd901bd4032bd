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

/*
 * A map in the making: there are two borders to an entry, and at most one piece
 * less than borders.
 */
struct pieces {
	uint count;
	struct mem_range range[2 * BOOT_MEM_RANGES];
};

/* What did not fit into this map: ranges, and bytes of RAM among them. */
static uint given_up;
static u64 ram_given_up;

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

/* Append to @sorted, joining with the last range where possible. */
static void append(struct pieces *sorted, u64 base, u64 size, u32 type)
{
	struct mem_range *last =
		sorted->count ? &sorted->range[sorted->count - 1] : NULL;

	if (last && last->type == type && last->base + last->size == base)
		last->size += size;
	else
		sorted->range[sorted->count++] =
			(struct mem_range){base, size, type};
}

static void sort(const struct mem_map *map, struct pieces *sorted)
{
	u64 at = 0, next;

	sorted->count = 0;
	while ((next = next_boundary(map, at)) || type_at(map, at)) {
		u32 type = type_at(map, at);

		if (type)
			append(sorted, at, next - at, type);
		if (!next)
			break;
		at = next;
	}
}

/*
 * What is lost when there is one range less, at @r, which has @right ranges to
 * its right: RAM is forgotten; of two others the first becomes a part of the
 * second. The gap between them may be RAM that is yet to be added. ~0: no such
 * way. Low RAM is the only one of its kind.
 */
static u64 cost_of_less(const struct mem_range *r, uint right)
{
	if (r->type == MEM_RAM)
		return r->base < MIB ? ~1UL : r->size;
	if (!right || r[1].type == MEM_RAM)
		return ~0UL;
	return r[1].base - (r->base + r->size);
}

/* @r[1] takes in @r[0], and what lies between them. */
static void take_in(struct mem_range *r)
{
	r[1].size += r[1].base - r[0].base;
	r[1].base = r[0].base;
	if (r[0].type != r[1].type)
		r[1].type = MEM_RESERVED;
}

/* Make @sorted shorter by the range that costs least. */
static void give_up_one(struct pieces *sorted)
{
	struct mem_range *r = sorted->range;
	u64 least = ~0UL;
	uint at = 0;

	for (uint i = 0; i < sorted->count; i++) {
		u64 cost = cost_of_less(&r[i], sorted->count - 1 - i);

		if (cost < least) {
			least = cost;
			at = i;
		}
	}
	if (r[at].type == MEM_RAM)
		ram_given_up += r[at].size;
	else
		take_in(&r[at]);
	while (++at < sorted->count)
		r[at - 1] = r[at];
	sorted->count--;
	given_up++;
}

/* Bring @map into order, and down to @most ranges. */
static void tidy(struct mem_map *map, uint most)
{
	static struct pieces sorted; /* too large for the stack */

	sort(map, &sorted);
	while (sorted.count > most)
		give_up_one(&sorted);
	map->count = sorted.count;
	memcpy(map->range, sorted.range, sorted.count * sizeof(map->range[0]));
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
		tidy(map, BOOT_MEM_RANGES - 1);
	map->range[map->count++] = (struct mem_range){base, size, type};
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
	report_overlaps(map);
	tidy(map, BOOT_MEM_RANGES);
	if (given_up)
		printf("memory map: more than %u ranges: %lu KiB of RAM in "
		       "small pieces is not used\n",
		       BOOT_MEM_RANGES, ram_given_up / KIB);
	given_up = ram_given_up = 0;
}

u64 mem_map_ram(const struct mem_map *map)
{
	u64 total = 0;

	for (uint i = 0; i < map->count; i++)
		if (map->range[i].type == MEM_RAM)
			total += map->range[i].size;
	return total;
}

bool mem_map_is_ram(const struct mem_map *map, u64 base, u64 size)
{
	for (uint i = 0; i < map->count; i++) {
		const struct mem_range *r = &map->range[i];

		if (r->type == MEM_RAM && base >= r->base && size <= r->size &&
		    base - r->base <= r->size - size)
			return true;
	}
	return false;
}
