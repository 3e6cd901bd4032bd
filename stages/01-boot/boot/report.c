/*
 * The first things to know about a machine: its CPU and its memory map.
 */
#include "boot/report.h"

#include "boot/boot_info.h"
#include "boot/memmap.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"

/* CPUID 0 spells the vendor in EBX, EDX, ECX (SDM 2A CPUID). */
static void print_cpu(void)
{
	struct cpuid_regs r = cpuid(0, 0);
	char vendor[13] = "", model[49] = "";

	memcpy(vendor, &r.ebx, 4);
	memcpy(vendor + 4, &r.edx, 4);
	memcpy(vendor + 8, &r.ecx, 4);
	if (cpuid(0x80000000, 0).eax >= 0x80000004)
		for (u32 i = 0; i < 3; i++) {
			r = cpuid(0x80000002 + i, 0);
			memcpy(model + 16 * i, &r, 16);
		}
	r = cpuid(1, 0);
	printf("cpu: %s, %s, signature 0x%x\n", vendor, model, r.eax);
}

static void print_memory(void)
{
	const struct mem_map *map = &boot_info.map;

	printf("memory: %lu MiB of RAM\n", mem_map_ram(map) / MIB);
	for (uint i = 0; i < map->count; i++) {
		const struct mem_range *r = &map->range[i];

		printf("  0x%012lx-0x%012lx %s\n", r->base,
		       r->base + r->size - 1, mem_type_name(r->type));
	}
}

void boot_phase(const char *name)
{
	printf("phase: %s\n", name);
}

void report_machine(int error)
{
	if (error)
		panic("no usable boot information: %s",
		      error == -ENOMEM ? "the machine's RAM is not in it"
				       : "malformed, as said above");
	printf("loader: %s; command line: %s\n", boot_info.loader,
	       boot_info.cmdline);
	print_cpu();
	print_memory();
}

void boot_end(const char *why)
{
	printf("vellum: %s; %s\n", why,
	       boot_info.firmware == BOOT_UEFI ? "back to the firmware"
					       : "halted");
}
