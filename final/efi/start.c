/*
 * From the loader's words to boot_info: the UEFI counterpart of multiboot.c.
 * The loader is part of Vellum, so its structure is trusted; what it passes on
 * from the firmware, such as the memory map, is not. Book: chapter 7.
 */
#include "boot/settings.h"
#include "boot/layout.h"
#include "efi/efi_map.h"
#include "efi/handoff.h"
#include "lib/string.h"

/* In .data, as boot_info: it is filled before anything else runs. */
struct efi_handoff efi_handoff __attribute__((section(".data")));
phys_t efi_handoff_phys __attribute__((section(".data")));

/* The loader reads it; here it is only known. */
SETTING(next_program_setting, .name = "next", .type = &text_type,
	.only = BIT(BOOT_UEFI),
	.help = "the program that vellum.efi starts next, a path on its "
		"volume");

static int fill_boot_info(struct boot_info *boot, const struct efi_handoff *h)
{
	boot->entry_tsc = entry_tsc;
	boot->firmware = BOOT_UEFI;
	boot->rsdp = PHYS(h->rsdp);
	boot->low.base = h->low_page;
	boot->conf = (struct mem_range){h->conf, h->conf_size, MEM_RAM};
	boot->fb = h->framebuffer;
	boot->vmm_base = PHYS(h->range_base);
	boot->vmm_size = h->range_size;
	boot->range_from_loader = true;
	copy_string(boot->cmdline, h->cmdline, sizeof(boot->cmdline));
	copy_string(boot->loader, h->loader, sizeof(boot->loader));
	return efi_map_parse(&boot->map, phys_to_direct(PHYS(h->map)),
			     h->map_size, h->descriptor_size);
}

int efi_read_handoff(u64 handoff)
{
	efi_handoff_phys = PHYS(handoff);
	efi_handoff = *(struct efi_handoff *)phys_to_direct(PHYS(handoff));
	return fill_boot_info(&boot_info, &efi_handoff);
}
