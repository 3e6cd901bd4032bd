/*
 * The EFI memory map becomes one of ours.
 *
 * EFI tells sixteen kinds of memory apart, mostly for the operating system's
 * loader. For us there are five. Code and data of the boot services and of
 * loaders is RAM: it is free as soon as an operating system runs. What the
 * runtime services need stays the firmware's, so it is reserved, as in E820.
 *
 * This file runs on the host too, where it is tested and fed random bytes.
 * Book: chapter 7.
 */
#include "efi/efi_map.h"

#include "boot/memmap.h"
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/string.h"

static u32 to_mem_type(u32 efi_type)
{
	switch (efi_type) {
	case EFI_LOADER_CODE:
	case EFI_LOADER_DATA:
	case EFI_BOOT_SERVICES_CODE:
	case EFI_BOOT_SERVICES_DATA:
	case EFI_CONVENTIONAL_MEMORY:
		return MEM_RAM;
	case EFI_UNUSABLE_MEMORY:
		return MEM_BAD;
	case EFI_ACPI_RECLAIM_MEMORY:
		return MEM_ACPI;
	case EFI_ACPI_MEMORY_NVS:
		return MEM_NVS;
	default: /* runtime services, devices, and what is yet to come */
		return MEM_RESERVED;
	}
}

/* Read one entry; its end is cut where it would pass the end of memory. */
static struct mem_range read_entry(const u8 *p)
{
	struct efi_memory_descriptor d;
	struct mem_range r;

	memcpy(&d, p, sizeof(d));
	r.base = d.physical_start;
	r.size = d.pages << PAGE_SHIFT;
	r.type = to_mem_type(d.type);
	if (d.pages > (-r.base - 1) >> PAGE_SHIFT) {
		printf("efi: memory map entry at 0x%lx has 0x%lx pages: cut\n",
		       r.base, d.pages);
		r.size = -r.base - 1;
	}
	return r;
}

/*
 * A map easily has more entries than ours has room for, but most of them are
 * neighbours of one type: these are joined before they are added.
 */
static void add_all(struct mem_map *map, const u8 *p, u64 count, u64 step)
{
	struct mem_range joined = {0}, next;

	for (u64 i = 0; i < count; i++) {
		next = read_entry(p + i * step);
		if (joined.size && next.type == joined.type &&
		    next.base == joined.base + joined.size &&
		    joined.size + next.size >= joined.size) {
			joined.size += next.size;
			continue;
		}
		if (joined.size)
			mem_map_add(map, joined.base, joined.size, joined.type);
		if (!next.size)
			printf("efi: memory map entry at 0x%lx has size 0: "
			       "ignored\n",
			       next.base);
		joined = next;
	}
	if (joined.size)
		mem_map_add(map, joined.base, joined.size, joined.type);
}

int efi_map_parse(struct mem_map *map, const void *entries, u64 size, u64 step)
{
	if (step < sizeof(struct efi_memory_descriptor)) {
		printf("efi: memory map entries of %lu bytes\n", step);
		return -EINVAL;
	}
	if (size % step)
		printf("efi: %lu stray bytes after the memory map\n",
		       size % step);
	add_all(map, entries, size / step, step);
	mem_map_finish(map);
	return mem_map_ram(map) ? 0 : -ENOMEM;
}
