/*
 * What the boot loader or the firmware told us, in one form for both. It is
 * filled before C code runs far, lies in our own image, and so moves with it;
 * nothing later looks at the loader's memory again.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include "lib/types.h"

/* Memory types, numbered as in E820 (ACPI 6.5, 15.1). */
enum mem_type {
	MEM_RAM = 1,
	MEM_RESERVED = 2,
	MEM_ACPI = 3, /* ACPI tables, which may be reclaimed */
	MEM_NVS = 4,  /* ACPI non-volatile storage */
	MEM_BAD = 5,
};

/* Physical memory from @base, @size bytes, in no particular alignment. */
struct mem_range {
	u64 base;
	u64 size;
	u32 type; /* an enum mem_type, or any other that the firmware uses */
};

#define BOOT_MEM_RANGES 128

/* Sorted by base, not overlapping, none of size 0, none past 2^64. */
struct mem_map {
	uint count;
	struct mem_range range[BOOT_MEM_RANGES];
};

enum boot_firmware {
	BOOT_BIOS,
	BOOT_UEFI,
};

struct framebuffer {
	phys_t base; /* 0: there is none */
	u32 width, height;
	u32 pitch; /* bytes from one line to the next */
	u32 bits_per_pixel;
};

struct boot_info {
	enum boot_firmware firmware;
	struct mem_map map; /* the machine's memory as firmware gave it */
	char cmdline[512];  /* see cmdline.h */
	bool cmdline_cut;   /* there was more of it than fits */
	char loader[64];    /* the boot loader's name for itself */
	u8 boot_drive;      /* BIOS number of the drive we came from */
	/* Boot code for the guest, which the loader brought (BIOS); wholly in
	 * RAM. Size 0: there is none, and a drive is booted. */
	struct mem_range module;
	struct mem_range conf; /* vellum.conf, from the loader. Size 0: none */
	phys_t rsdp;           /* ACPI's root pointer; 0: look for it */
	struct framebuffer fb;
	phys_t vmm_base; /* our range; in stage 01, where we were loaded */
	u64 vmm_size;
	bool range_from_loader; /* the range is already ours (UEFI) */
	/* A page below 1 MiB that is ours, too, from stage 06 on. Size 0: not
	 * chosen yet; on UEFI the loader has its address in base. */
	struct mem_range low;
	u64 entry_tsc; /* TSC at our first instruction */
};

extern struct boot_info boot_info;

/* TSC at our first instruction (boot/entry.S). */
extern u64 entry_tsc;

/*
 * Fill boot_info with what a Multiboot loader left us: @magic and @info are
 * from EAX and EBX. Before anything else runs, as it may overwrite the loader's
 * memory. 0, or what multiboot_parse() returns.
 */
int boot_info_read(u32 magic, u32 info);

#endif
