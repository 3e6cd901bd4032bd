/*
 * The memory map that the guest gets to see.
 *
 *	machine:  | RAM              |ACPI|      | reserved |
 *	taken:	        |Vellum|
 *	guest:	  | RAM |reserv|RAM  |ACPI|      | reserved |
 *
 * The newest of the BIOS's three interfaces returns this list as it is. The
 * older two return one or two numbers, which can only mean "from here up
 * without a hole": they end where Vellum begins, and what lies above it is lost
 * to whoever asks that way. That is why Vellum's range is as high as can be.
 *
 * Nothing here touches the machine, so the same file is tested on the host.
 * Book: chapter 5, "The guest's memory map".
 */
#include "guest/bios_map.h"

#include "console/panic.h"

#define ROOM_LOWEST (128 * KIB) /* below it boot sectors are at work */

/* Ranges are given by first and last byte: an end may be 2^64. */
static void add(struct guest_map *guest, u64 first, u64 last, u32 type)
{
	assert(guest->count < GUEST_MAP_MAX);
	guest->entry[guest->count++] =
		(struct e820_entry){first, last - first + 1, type};
}

/* The lowest of @taken that touches [@first, @last], or NULL. */
static const struct mem_range *first_taken(const struct mem_range *taken,
					   uint n, u64 first, u64 last)
{
	const struct mem_range *lowest = NULL;

	for (uint i = 0; i < n; i++) {
		const struct mem_range *t = &taken[i];

		if (t->base <= last && t->base + (t->size - 1) >= first &&
		    (!lowest || t->base < lowest->base))
			lowest = t;
	}
	return lowest;
}

/* Add what @taken leaves of [@first, @last]. */
static void add_rest(struct guest_map *guest, u64 first, u64 last, u32 type,
		     const struct mem_range *taken, uint n)
{
	const struct mem_range *t;

	while ((t = first_taken(taken, n, first, last))) {
		u64 taken_last = t->base + (t->size - 1);

		if (t->base > first)
			add(guest, first, t->base - 1, type);
		if (taken_last >= last)
			return;
		first = taken_last + 1;
	}
	add(guest, first, last, type);
}

/* Few entries, and nearly in order already: insertion sort. */
static void sort(struct guest_map *guest)
{
	for (uint i = 1; i < guest->count; i++) {
		struct e820_entry e = guest->entry[i];
		uint k = i;

		for (; k && guest->entry[k - 1].base > e.base; k--)
			guest->entry[k] = guest->entry[k - 1];
		guest->entry[k] = e;
	}
}

void guest_map_build(struct guest_map *guest, const struct mem_map *machine,
		     const struct mem_range *taken, uint n)
{
	assert(n <= GUEST_MAP_TAKEN);
	guest->count = 0;
	for (uint i = 0; i < machine->count; i++) {
		const struct mem_range *r = &machine->range[i];

		add_rest(guest, r->base, r->base + (r->size - 1), r->type,
			 taken, n);
	}
	for (uint i = 0; i < n; i++)
		add(guest, taken[i].base, taken[i].base + (taken[i].size - 1),
		    taken[i].type);
	sort(guest);
}

u64 guest_map_ram_end(const struct guest_map *guest, u64 start)
{
	u64 end = start;

	for (uint i = 0; i < guest->count; i++) {
		const struct e820_entry *e = &guest->entry[i];

		if (e->type == MEM_RAM && e->base <= end &&
		    end - e->base < e->size)
			end = e->base + e->size;
	}
	return end;
}

u16 guest_map_e801_low(const struct guest_map *guest)
{
	return (MIN(guest_map_ram_end(guest, MIB), 16 * MIB) - MIB) / KIB;
}

u16 guest_map_e801_high(const struct guest_map *guest)
{
	u64 end = guest_map_ram_end(guest, MIB);

	if (end <= 16 * MIB)
		return 0;
	return MIN((MIN(end, 4 * GIB) - 16 * MIB) / (64 * KIB), 0xffffUL);
}

u16 guest_map_ah88(const struct guest_map *guest)
{
	return (MIN(guest_map_ram_end(guest, MIB), 64 * MIB) - MIB) / KIB;
}

u64 guest_room(const struct mem_map *map, u64 end, u64 size)
{
	u64 found = 0;

	for (uint i = 0; i < map->count; i++) {
		const struct mem_range *r = &map->range[i];
		u64 at, start = MAX(r->base, ROOM_LOWEST);

		if (r->type != MEM_RAM || r->base >= end || end < size)
			continue;
		at = ALIGN_DOWN(MIN(end - r->base, r->size) + r->base - size,
				KIB);
		if (at >= start && at < end)
			found = MAX(found, at);
	}
	return found;
}
