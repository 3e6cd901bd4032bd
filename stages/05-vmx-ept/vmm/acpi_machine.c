/*
 * Where this machine keeps ACPI's root pointer, and how to read its tables.
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "lib/errno.h"
#include "paging/space.h"
#include "vmm/acpi.h"

/* Where a BIOS keeps the root pointer (ACPI 6.5, 5.2.5.1). */
#define BDA_EBDA_SEGMENT PHYS(0x40e)
#define EBDA_SIZE        KIB
#define ROM_START        0xe0000
#define ROM_SIZE         0x20000

const void *acpi_map(u64 phys, u64 size)
{
	if (phys + size < phys)
		return NULL;
	if (phys + size <= MIB || (!space_entered && phys + size <= 4 * GIB))
		return phys_to_direct(PHYS(phys));
	if (!space_entered)
		return NULL;
	return map_phys(PHYS(phys), size, MAP_READ);
}

static u64 scan(u64 area, u32 size)
{
	int offset = acpi_scan(phys_to_direct(PHYS(area)), size);

	return offset < 0 ? 0 : area + offset;
}

/* The ROM first: the EBDA is RAM, where the guest of an earlier life may have
 * left a pointer to tables of its own, if the BIOS does not clear it. */
static u64 find_root_pointer(void)
{
	u64 ebda = *(volatile u16 *)phys_to_direct(BDA_EBDA_SEGMENT) << 4;
	u64 found;

	if (boot_info.rsdp.v || boot_info.firmware == BOOT_UEFI)
		return boot_info.rsdp.v;
	found = scan(ROM_START, ROM_SIZE);
	if (!found && ebda >= 0x400 && ebda < 0xa0000)
		found = scan(ebda, EBDA_SIZE);
	return found;
}

int acpi_machine_root(struct acpi_root *root)
{
	u64 phys = find_root_pointer();

	return phys && !acpi_read_root(acpi_map, phys, root) ? 0 : -ENOENT;
}
