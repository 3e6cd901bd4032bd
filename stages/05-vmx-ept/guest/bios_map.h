/*
 * The memory map that the guest gets to see, in the three forms in which a
 * BIOS tells it. Pure functions; tested on the host.
 */
#ifndef GUEST_BIOS_MAP_H
#define GUEST_BIOS_MAP_H

#include "boot/boot_info.h"
#include "guest/bios_stub.h"
#include "lib/types.h"

/* Each taken range can cut one range of the machine in two. */
#define GUEST_MAP_TAKEN 3
#define GUEST_MAP_MAX   (BOOT_MEM_RANGES + 2 * GUEST_MAP_TAKEN)

/* Sorted by base, not overlapping. */
struct guest_map {
	uint count;
	struct e820_entry entry[GUEST_MAP_MAX];
};

/*
 * Fill @guest with @machine, a finished map, but with the @n (at most
 * GUEST_MAP_TAKEN) ranges at @taken, which don't overlap each other, in place
 * of what the machine says there, each with its own type.
 */
void guest_map_build(struct guest_map *guest, const struct mem_map *machine,
		     const struct mem_range *taken, uint n);

/* End of the RAM that begins at @start and has no hole; @start if none does. */
u64 guest_map_ram_end(const struct guest_map *guest, u64 start);

/* INT 15h AX=E801h: KiB from 1 MiB up, at most to 16 MiB, without a hole. */
u16 guest_map_e801_low(const struct guest_map *guest);

/* INT 15h AX=E801h: 64 KiB blocks from 16 MiB up, without a hole, below 4 GiB;
 * 0 when there is a hole below 16 MiB. */
u16 guest_map_e801_high(const struct guest_map *guest);

/*
 * The highest whole KiB, at or above 128 KiB, where @size bytes lie below @end
 * that are RAM by @map, a finished map. 0: there is none.
 */
u64 guest_room(const struct mem_map *map, u64 end, u64 size);

/* INT 15h AH=88h: KiB from 1 MiB up without a hole, at most 63 MiB. */
u16 guest_map_ah88(const struct guest_map *guest);

#endif
