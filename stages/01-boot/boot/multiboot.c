/*
 * Reading what a Multiboot loader tells us.
 *
 * The information is a struct of flags and pointers somewhere in memory that
 * is not ours. We copy what we need into boot_info at once and never look at
 * it again: stage 02 replaces the page tables under us, and the guest will
 * use that memory for itself. Book: chapter 1.
 */
#include "boot/multiboot.h"

#include "boot/memmap.h"
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/words.h"

#define MODULES_MAX 8U

#define MMAP_ENTRY_MIN (sizeof(struct multiboot_mmap) - sizeof(u32))

static void parse_mmap(struct mem_map *map, const u8 *p, u32 length)
{
	u32 at = 0;

	while (length - at >= sizeof(struct multiboot_mmap)) {
		struct multiboot_mmap entry;

		memcpy(&entry, p + at, sizeof(entry));
		if (entry.size < MMAP_ENTRY_MIN ||
		    entry.size > length - at - sizeof(u32)) {
			printf("multiboot: memory map entry at offset %u has "
			       "size %u: the rest is ignored\n",
			       at, entry.size);
			return;
		}
		mem_map_add(map, entry.base, entry.length,
			    entry.type ? entry.type : MEM_RESERVED);
		at += sizeof(u32) + entry.size;
	}
	if (at != length)
		printf("multiboot: %u stray bytes after the memory map\n",
		       length - at);
}

/* Only the sizes below 1 MiB and from there on are known. */
static void use_mem_sizes(struct mem_map *map, const struct multiboot_info *mb)
{
	printf("multiboot: no memory map; %u KiB below and %u KiB above "
	       "1 MiB\n",
	       mb->mem_lower, mb->mem_upper);
	mem_map_add(map, 0, MIN(mb->mem_lower, 640U) * KIB, MEM_RAM);
	mem_map_add(map, MIB, mb->mem_upper * KIB, MEM_RAM);
}

static int read_memory(struct boot_info *boot, const struct multiboot_info *mb,
		       const void *(*phys_to_ptr)(phys_t))
{
	struct mem_map *map = &boot->map;

	if (mb->flags & MULTIBOOT_INFO_MEM_MAP) {
		if ((u64)mb->mmap_addr + mb->mmap_length > 4 * GIB)
			printf("multiboot: memory map at 0x%x, length 0x%x "
			       "ends above 4 GiB: ignored\n",
			       mb->mmap_addr, mb->mmap_length);
		else
			parse_mmap(map, phys_to_ptr(PHYS(mb->mmap_addr)),
				   mb->mmap_length);
	}
	mem_map_finish(map);
	if (!mem_map_ram(map) && (mb->flags & MULTIBOOT_INFO_MEMORY)) {
		use_mem_sizes(map, mb);
		mem_map_finish(map);
	}
	if (mem_map_ram(map))
		return 0;
	printf("multiboot: no RAM: the loader gave %s memory map and %s memory "
	       "sizes\n",
	       mb->flags & MULTIBOOT_INFO_MEM_MAP ? "a useless" : "no",
	       mb->flags & MULTIBOOT_INFO_MEMORY ? "useless" : "no");
	return -ENOMEM;
}

/* Why the module can't be what it says; NULL when it can. */
static const char *module_fault(const struct boot_info *boot, u64 start,
				u64 end)
{
	u64 image = boot->vmm_base.v;

	if (start >= end)
		return "is empty";
	if (!mem_map_is_ram(&boot->map, start, end - start))
		return "is not in RAM";
	if (start < image + boot->vmm_size && image < end)
		return "overlaps Vellum";
	return NULL;
}

/* Does a word of @name, path or not, end in the file name of settings? */
static bool is_conf(const char *name)
{
	static const char conf[] = "vellum.conf";
	size_t n = sizeof(conf) - 1, length;
	const char *word = name;

	for (; (word = next_word(word, &length)); word += length)
		if (length >= n && !memcmp(word + length - n, conf, n) &&
		    (length == n || word[length - n - 1] == '/'))
			return true;
	return false;
}

static void read_module(struct boot_info *boot,
			const struct multiboot_module *module,
			const void *(*phys_to_ptr)(phys_t))
{
	char name[256] = "";
	struct mem_range *to;
	const char *fault;

	if (module->string && module->string + sizeof(name) <= 4 * GIB)
		copy_string(name, phys_to_ptr(PHYS(module->string)),
			    sizeof(name));
	to = is_conf(name) ? &boot->conf : &boot->module;
	fault = to->size ? "is one too many"
			 : module_fault(boot, module->start, module->end);
	if (fault)
		printf("multiboot: the module at 0x%x-0x%x %s: ignored\n",
		       module->start, module->end, fault);
	else
		*to = (struct mem_range){module->start,
					 module->end - module->start, MEM_RAM};
}

/* One module has settings, another what the guest boots; the memory map is read
 * already. */
static void read_modules(struct boot_info *boot,
			 const struct multiboot_info *mb,
			 const void *(*phys_to_ptr)(phys_t))
{
	u32 count = mb->flags & MULTIBOOT_INFO_MODS ? mb->mods_count : 0;
	struct multiboot_module module;

	if (count > MODULES_MAX)
		printf("multiboot: %u modules: all but the first %u are "
		       "ignored\n",
		       count, MODULES_MAX);
	count = MIN(count, MODULES_MAX);
	/* The map may have RAM where 32-bit addresses do not reach. */
	if (count && (mb->mods_addr + count * sizeof(module) > 4 * GIB ||
		      !mem_map_is_ram(&boot->map, mb->mods_addr,
				      count * sizeof(module)))) {
		printf("multiboot: the list of modules at 0x%x is not in RAM "
		       "below 4 GiB: ignored\n",
		       mb->mods_addr);
		return;
	}
	for (u32 i = 0; i < count; i++) {
		memcpy(&module,
		       phys_to_ptr(PHYS(mb->mods_addr + i * sizeof(module))),
		       sizeof(module));
		read_module(boot, &module, phys_to_ptr);
	}
}

/* Copy text of the loader's, as far as it fits, and so that it can be printed
 * anywhere. False if it is not whole. */
static bool read_string(char *dst, size_t size, u32 address, const char *what,
			const void *(*phys_to_ptr)(phys_t))
{
	bool whole;

	if (address + size > 4 * GIB) {
		printf("multiboot: %s at 0x%x ends above 4 GiB: ignored\n",
		       what, address);
		return false;
	}
	whole = copy_string(dst, phys_to_ptr(PHYS(address)), size);
	for (; *dst; dst++)
		if (*dst < ' ' || *dst > '~')
			*dst = *dst == '\t' || *dst == '\n' ? ' ' : '?';
	if (!whole)
		printf("multiboot: %s is longer than %lu bytes: cut\n", what,
		       size - 1);
	return whole;
}

/* A loader on a UEFI machine leaves no text screen, but may leave this. */
static void read_framebuffer(struct framebuffer *fb,
			     const struct multiboot_info *mb)
{
	if (!(mb->flags & MULTIBOOT_INFO_FRAMEBUFFER) ||
	    mb->fb_type != MULTIBOOT_FB_RGB || mb->fb_bits_per_pixel != 32)
		return;
	/* The early page tables map nothing above 4 GiB. */
	if (mb->fb_width > mb->fb_pitch / 4 || mb->fb_base > 4 * GIB ||
	    (u64)mb->fb_pitch * mb->fb_height > 4 * GIB - mb->fb_base)
		return;
	*fb = (struct framebuffer){
		.base = PHYS(mb->fb_base),
		.width = mb->fb_width,
		.height = mb->fb_height,
		.pitch = mb->fb_pitch,
		.bits_per_pixel = mb->fb_bits_per_pixel,
	};
}

int multiboot_parse(struct boot_info *boot, u32 magic, u32 info,
		    const void *(*phys_to_ptr)(phys_t))
{
	struct multiboot_info mb;
	int error;

	boot->firmware = BOOT_BIOS;
	if (magic != MULTIBOOT_BOOTLOADER_MAGIC) {
		printf("multiboot: EAX is 0x%x, not 0x%x\n", magic,
		       MULTIBOOT_BOOTLOADER_MAGIC);
		return -EINVAL;
	}
	if (info + sizeof(mb) > 4 * GIB) {
		printf("multiboot: no information at 0x%x\n", info);
		return -EINVAL;
	}
	memcpy(&mb, phys_to_ptr(PHYS(info)), sizeof(mb));
	if (mb.flags & ~MULTIBOOT_INFO_KNOWN)
		printf("multiboot: unknown bits in flags 0x%x: ignored\n",
		       mb.flags);
	if (mb.flags & MULTIBOOT_INFO_CMDLINE)
		boot->cmdline_cut = !read_string(
			boot->cmdline, sizeof(boot->cmdline), mb.cmdline,
			"the command line", phys_to_ptr);
	if (mb.flags & MULTIBOOT_INFO_LOADER_NAME)
		read_string(boot->loader, sizeof(boot->loader),
			    mb.boot_loader_name, "the loader's name",
			    phys_to_ptr);
	read_framebuffer(&boot->fb, &mb);
	boot->boot_drive = 0x80;
	if (mb.flags & MULTIBOOT_INFO_BOOTDEV)
		boot->boot_drive = mb.boot_device >> 24;
	error = read_memory(boot, &mb, phys_to_ptr);
	if (!error)
		read_modules(boot, &mb, phys_to_ptr);
	return error;
}
