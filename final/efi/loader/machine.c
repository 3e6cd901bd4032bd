/*
 * What the firmware knows about the machine: memory, ACPI, the screen.
 */
#include "console/printf.h"
#include "efi/loader/loader.h"
#include "lib/string.h"

static const struct efi_guid acpi_20 = EFI_ACPI_20_GUID;
static const struct efi_guid acpi_10 = EFI_ACPI_10_GUID;
static const struct efi_guid graphics_output = EFI_GRAPHICS_OUTPUT_GUID;

static u64 find_table(const struct efi_guid *guid)
{
	for (u64 i = 0; i < efi_system->table_count; i++)
		if (!memcmp(&efi_system->table[i].guid, guid, sizeof(*guid)))
			return (u64)efi_system->table[i].table;
	return 0;
}

static void find_screen(struct framebuffer *fb)
{
	struct efi_graphics_output *gop;
	const struct efi_graphics_info *info;

	if (efi_boot->locate_protocol(&graphics_output, NULL, &gop) ||
	    !gop->mode || !gop->mode->info)
		return;
	info = gop->mode->info;
	if (info->format >= EFI_PIXEL_BLT_ONLY ||
	    (u64)info->pixels_per_line * 4 * info->height >
		    gop->mode->framebuffer_size)
		return;
	*fb = (struct framebuffer){
		.base = PHYS(gop->mode->framebuffer),
		.width = info->width,
		.height = info->height,
		.pitch = info->pixels_per_line * 4,
		.bits_per_pixel = 32,
	};
}

/* "vellum.efi, from EDK II": how the guest's log will call the firmware. */
static void name_loader(char *name, size_t size)
{
	const u16 *vendor = efi_system->firmware_vendor;
	size_t n;

	snprintf(name, size, "vellum.efi, from ");
	n = strlen(name);
	for (; vendor && *vendor && n + 1 < size; vendor++)
		name[n++] = *vendor >= ' ' && *vendor <= '~' ? *vendor : '?';
	name[n] = '\0';
}

u64 machine_map_size(void)
{
	u64 size = 0, key, step = 48;
	u32 version;

	efi_boot->get_memory_map(&size, NULL, &key, &step, &version);
	return size + 16 * step; /* allocating for it makes it longer */
}

efi_status machine_describe(struct efi_handoff *handoff, void *map,
			    u64 map_size)
{
	u64 key;
	u32 version;

	handoff->map = (u64)map;
	handoff->map_size = map_size;
	handoff->rsdp = find_table(&acpi_20);
	if (!handoff->rsdp)
		handoff->rsdp = find_table(&acpi_10);
	find_screen(&handoff->framebuffer);
	name_loader(handoff->loader, sizeof(handoff->loader));
	return efi_boot->get_memory_map(&handoff->map_size, map, &key,
					&handoff->descriptor_size, &version);
}
