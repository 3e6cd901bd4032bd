/*
 * The one boot_info, and how a Multiboot loader fills it.
 */
#include "boot/boot_info.h"

#include "boot/layout.h"
#include "boot/multiboot.h"

struct boot_info boot_info;

static const void *early_ptr(phys_t p)
{
	return phys_to_direct(p);
}

int boot_info_read(u32 magic, u32 info)
{
	boot_info.entry_tsc = entry_tsc;
	boot_info.vmm_base = PHYS(VMM_LOAD);
	boot_info.vmm_size = image_end - image_start;
	return multiboot_parse(&boot_info, magic, info, early_ptr);
}
