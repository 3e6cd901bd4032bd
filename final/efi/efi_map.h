/*
 * The EFI memory map: its entries (UEFI 2.10, 7.2.3), and what they become.
 */
#ifndef EFI_EFI_MAP_H
#define EFI_EFI_MAP_H

#include "boot/boot_info.h"

/* EFI_MEMORY_TYPE, as far as we tell them apart. */
enum efi_memory_type {
	EFI_RESERVED_MEMORY = 0,
	EFI_LOADER_CODE = 1,
	EFI_LOADER_DATA = 2,
	EFI_BOOT_SERVICES_CODE = 3,
	EFI_BOOT_SERVICES_DATA = 4,
	EFI_CONVENTIONAL_MEMORY = 7,
	EFI_UNUSABLE_MEMORY = 8,
	EFI_ACPI_RECLAIM_MEMORY = 9,
	EFI_ACPI_MEMORY_NVS = 10,
};

/* EFI_MEMORY_DESCRIPTOR. Firmware may add fields: entries have a size. */
struct efi_memory_descriptor {
	u32 type;
	u64 physical_start;
	u64 virtual_start;
	u64 pages; /* of 4 KiB */
	u64 attribute;
};

_Static_assert(sizeof(struct efi_memory_descriptor) == 40, "UEFI 7.2.3");

/*
 * Add the @size bytes of entries at @entries, each @step bytes from the next,
 * to @map and finish it. What the firmware has free or will free at
 * ExitBootServices is RAM. Entries that make no sense are named in a message
 * and left out or cut. Returns 0, or -EINVAL when @step is no size of an entry,
 * -ENOMEM when there is no RAM at all.
 */
int efi_map_parse(struct mem_map *map, const void *entries, u64 size, u64 step);

#endif
