/*
 * Fuzz target: Multiboot information. The input lies in an otherwise empty
 * memory of 4 GiB with nothing behind it; it begins with the information, whose
 * addresses may lead anywhere.
 */
#include <sys/mman.h>

#include "boot/multiboot.h"
#include "boot/test/sound_map.h"

#define INFO 0x1000

static u8 *memory;

static const void *at(phys_t p)
{
	require(p.v < 4 * GIB);
	return memory + p.v;
}

static void make_memory(void)
{
	memory = mmap(NULL, 4 * GIB + PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	require(memory != MAP_FAILED);
	require(mprotect(memory + 4 * GIB, PAGE_SIZE, PROT_NONE) == 0);
}

static void check_module(const struct boot_info *boot,
			 const struct mem_range *m)
{
	bool in_ram = false;

	for (uint i = 0; i < boot->map.count; i++) {
		const struct mem_range *r = &boot->map.range[i];

		if (r->type == MEM_RAM && m->base >= r->base)
			in_ram |= m->base + m->size <= r->base + r->size;
	}
	require(in_ram);
	require(m->base + m->size <= boot->vmm_base.v ||
		m->base >= boot->vmm_base.v + boot->vmm_size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct boot_info boot;
	int error;

	if (!memory)
		make_memory();
	size = MIN(size, 0x4000UL);
	memcpy(memory + INFO, data, size);
	memset(&boot, 0, sizeof(boot));
	boot.vmm_base = PHYS(MIB);
	boot.vmm_size = MIB / 2;

	error = multiboot_parse(&boot, MULTIBOOT_BOOTLOADER_MAGIC, INFO, at);
	fuzz_operations++;
	require_sound_map(&boot.map);
	require((error == 0) == (mem_map_ram(&boot.map) != 0));
	require(memchr(boot.cmdline, 0, sizeof(boot.cmdline)));
	require(memchr(boot.loader, 0, sizeof(boot.loader)));
	if (boot.module.size)
		check_module(&boot, &boot.module);
	if (boot.conf.size)
		check_module(&boot, &boot.conf);
	memset(memory + INFO, 0, size);
	return 0;
}
