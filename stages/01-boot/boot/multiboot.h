/*
 * The Multiboot information (Multiboot Specification 0.6.96, 3.3), as far as
 * we read it, and the function that turns it into a struct boot_info.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#include "boot/boot_info.h"

#define MULTIBOOT_BOOTLOADER_MAGIC 0x2badb002

/* Bits of multiboot_info.flags: which of the fields below are valid. */
#define MULTIBOOT_INFO_MEMORY      BIT(0)
#define MULTIBOOT_INFO_BOOTDEV     BIT(1)
#define MULTIBOOT_INFO_CMDLINE     BIT(2)
#define MULTIBOOT_INFO_MODS        BIT(3)
#define MULTIBOOT_INFO_MEM_MAP     BIT(6)
#define MULTIBOOT_INFO_LOADER_NAME BIT(9)
#define MULTIBOOT_INFO_FRAMEBUFFER BIT(12)
#define MULTIBOOT_INFO_KNOWN       0x1fff /* bits that the document defines */

struct multiboot_info {
	u32 flags;
	u32 mem_lower, mem_upper; /* KiB from 0, KiB from 1 MiB */
	u32 boot_device;          /* BIOS drive in the top byte */
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
	u32 drives_length, drives_addr;
	u32 config_table;
	u32 boot_loader_name;
	u32 apm_table;
	u32 vbe[4];
	u64 fb_base;
	u32 fb_pitch, fb_width, fb_height;
	u8 fb_bits_per_pixel;
	u8 fb_type; /* MULTIBOOT_FB_RGB: each pixel has a colour */
} __packed;

#define MULTIBOOT_FB_RGB 1

_Static_assert(sizeof(struct multiboot_info) == 110, "Multiboot 3.3");

/* One module: bytes from @start up to, not including, @end. */
struct multiboot_module {
	u32 start, end;
	u32 string;
	u32 reserved;
} __packed;

_Static_assert(sizeof(struct multiboot_module) == 16, "Multiboot 3.3");

/* One entry of the memory map; the next is at its start + 4 + size. */
struct multiboot_mmap {
	u32 size;
	u64 base, length;
	u32 type;
} __packed;

_Static_assert(sizeof(struct multiboot_mmap) == 24, "Multiboot 3.3");

/*
 * Fill @boot from the information at physical @info. Every length is checked;
 * what makes no sense is named in a message and left out. @boot says already
 * where our image is, for no module may lie there. @phys_to_ptr tells
 * where physical memory can be read (host tests bring their own). Returns 0,
 * or -EINVAL when @magic says that no Multiboot loader started us, -ENOMEM
 * when there is no memory information at all.
 */
int multiboot_parse(struct boot_info *boot, u32 magic, u32 info,
		    const void *(*phys_to_ptr)(phys_t));

#endif
