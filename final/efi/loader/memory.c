/*
 * Memory from the firmware: the hypervisor's range, and what must lie low.
 *
 * AllocatePages knows no alignment but a page. So we ask for 4 MiB more, use
 * the aligned part and give the rest back:
 *
 *	|   slack   |         VMMSIZE_ALL          |  slack  |
 *	            ^ aligned to 4 MiB
 *
 * Book: chapter 7.
 */
#include "efi/loader/loader.h"
#include "lib/string.h"

#define RANGE_ALIGN   (4 * MIB)
#define RANGE_HIGHEST (4 * GIB - 1) /* 32-bit devices must reach it */
#define LOW_HIGHEST   (GIB - 1)     /* what both address spaces show alike */

#define REAL_MODE_HIGHEST 0x9ffff /* above it a PC has no memory */

#define RANGE_SIZE ALIGN_UP(VMMSIZE_ALL, RANGE_ALIGN)

/* The largest run of free memory below 4 GiB, for the message. */
static u64 largest_free(void)
{
	u64 size = machine_map_size(), key, step = 0, largest = 0;
	u32 version;
	u8 *map = low_allocate(size, EFI_LOADER_DATA);
	u64 end = size;

	if (!map || efi_boot->get_memory_map(&end, map, &key, &step, &version))
		end = 0;
	for (u64 at = 0; at + step <= end && step; at += step) {
		struct efi_memory_descriptor d;
		u64 top;

		memcpy(&d, map + at, sizeof(d));
		top = MIN(d.physical_start + d.pages * PAGE_SIZE, 4 * GIB);
		if (d.type == EFI_CONVENTIONAL_MEMORY && top > d.physical_start)
			largest = MAX(largest, top - d.physical_start);
	}
	low_free(map, size);
	return largest;
}

efi_status range_allocate(u64 *base, u64 *size)
{
	u64 start = RANGE_HIGHEST, all = RANGE_SIZE + RANGE_ALIGN, before;
	efi_status status;

	status = efi_boot->allocate_pages(EFI_MAX_ADDRESS, EFI_RESERVED_MEMORY,
					  all / PAGE_SIZE, &start);
	if (status) {
		loader_print("vellum.efi: Not enough memory: Vellum needs %lu "
			     "MiB in one piece below 4 GiB; the largest piece "
			     "that is free has %lu MiB\n",
			     all / MIB, largest_free() / MIB);
		return EFI_OUT_OF_RESOURCES;
	}
	*base = ALIGN_UP(start, RANGE_ALIGN);
	*size = RANGE_SIZE;
	before = *base - start;
	if (before)
		efi_boot->free_pages(start, before / PAGE_SIZE);
	efi_boot->free_pages(*base + *size, (RANGE_ALIGN - before) / PAGE_SIZE);
	return EFI_SUCCESS;
}

void range_free(u64 base, u64 size)
{
	efi_boot->free_pages(base, size / PAGE_SIZE);
}

u64 real_mode_page(void)
{
	u64 address = REAL_MODE_HIGHEST;

	if (efi_boot->allocate_pages(EFI_MAX_ADDRESS, EFI_RESERVED_MEMORY, 1,
				     &address)) {
		loader_print("vellum.efi: no page is free below 640 KiB, where "
			     "Vellum starts CPUs\n");
		return 0;
	}
	return address;
}

void real_mode_page_free(u64 page)
{
	if (page)
		efi_boot->free_pages(page, 1);
}

void *low_allocate(u64 size, enum efi_memory_type type)
{
	u64 address = LOW_HIGHEST,
	    pages = ALIGN_UP(size, PAGE_SIZE) / PAGE_SIZE;

	if (efi_boot->allocate_pages(EFI_MAX_ADDRESS, type, pages, &address))
		return NULL;
	return memset((void *)address, 0, pages * PAGE_SIZE);
}

void low_free(void *block, u64 size)
{
	if (block)
		efi_boot->free_pages((u64)block,
				     ALIGN_UP(size, PAGE_SIZE) / PAGE_SIZE);
}
