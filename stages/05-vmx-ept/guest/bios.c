/*
 * Preparing the guest of a BIOS machine: it finds the PC as the BIOS left it,
 * with a little less memory, and starts in real mode with its boot disk.
 *
 *	0                     BDA 0413h: new end       old end  640 KiB
 *	| IVT, BDA |   free  [boot code]|   stub, table   | BIOS's own |
 *
 * To shorten conventional memory from its top is how resident code has always
 * hidden from what boots after it: every boot loader asks INT 12h, which
 * returns that word, and the E820 map says the same. Book: chapter 5.
 */
#include "guest/bios.h"

#include "boot/cmdline.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "guest/bios_map.h"
#include "lib/string.h"
#include "vmm/launch.h"

#define IVT_INT15 PHYS(4 * 0x15) /* in the real-mode vector table */

/* The BIOS data area's word for the size of conventional memory, in KiB. */
#define BDA_MEMORY_KIB PHYS(0x413)

/* Where a BIOS puts a boot sector, and jumps to. */
#define BOOT_SECTOR 0x7c00

/* Real machines have 600 KiB and more; less than this is no answer. */
#define CONVENTIONAL_LEAST 128
#define CONVENTIONAL_MOST  640

/* Too large for the stack. */
static struct guest_map guest_map;

WORD(boot_word, .name = "boot", .takes = WORD_NUMBER, .max = 0xff,
     .only = BIT(BOOT_BIOS),
     .help = "the BIOS drive to boot: 0x80 is the first disk, 0xe0 a CD");

/* Which drive does the guest boot? From boot= or, without it, boot_info. */
static u8 boot_drive(void)
{
	return cmdline_number(&boot_word, boot_info.boot_drive);
}

static u16 conventional_kib(void)
{
	return *(volatile u16 *)phys_to_direct(BDA_MEMORY_KIB);
}

/*
 * UEFI, too, has loaders that understand Multiboot, and they start us in the
 * same way. But then nobody has filled the BIOS's tables in low memory.
 */
const char *guest_bios_problem(void)
{
	const volatile u32 *vectors = phys_to_direct(PHYS(0));

	if (conventional_kib() && vectors[0x13] && vectors[0x15])
		return NULL;
	return "this machine was started by UEFI, and has no BIOS: start "
	       "vellum.efi instead of vellum.elf (GRUB: chainloader, not "
	       "multiboot)";
}

/*
 * Bochs' BIOS says 639 KiB there and 636 KiB in its memory map. The smaller
 * number is right for both who ask for the one and who ask for the other.
 */
static uint usable_kib(void)
{
	uint kib = conventional_kib();
	const struct mem_range *low = &boot_info.map.range[0];

	if (boot_info.map.count && !low->base && low->type == MEM_RAM)
		kib = MIN(kib, low->size / KIB);
	if (kib < CONVENTIONAL_LEAST || kib > CONVENTIONAL_MOST)
		panic("the BIOS claims %u KiB of conventional memory", kib);
	return kib;
}

/* Copy @size bytes to the start of a segment; which one. */
static u16 place(phys_t at, const char *code, size_t size)
{
	memcpy(phys_to_direct(at), code, size);
	return at.v >> 4;
}

/*
 * The loader may have brought along what the guest boots: code that a BIOS
 * could have read from a disk, a CD (El Torito without emulation) or a network,
 * and that is whole already. Then nobody need find it on a medium which has
 * just been booted for us, and has nothing else to offer.
 */
static void place_module(phys_t limit)
{
	const struct mem_range *m = &boot_info.module;

	if (m->base < MIB)
		panic("the loader put the module below 1 MiB: 0x%lx", m->base);
	if (m->size > limit.v - BOOT_SECTOR)
		panic("the module, boot code of %lu KiB, does not fit below "
		      "0x%lx",
		      m->size / KIB, limit.v);
	memcpy(phys_to_direct(PHYS(BOOT_SECTOR)), phys_to_direct(PHYS(m->base)),
	       m->size);
	printf("guest: boots the loader's module, %lu KiB\n",
	       ALIGN_UP(m->size, KIB) / KIB);
}

/*
 * Copy the code that boots @drive to the end of the first @top_kib KiB of
 * memory; and the loader's module, if there is one, to where boot sectors go:
 * that is then booted in the drive's place. Returns where, and with which
 * registers, the guest begins.
 */
static struct real_mode_entry place_boot_code(uint top_kib, u8 drive)
{
	size_t size = bios_boot_end - bios_boot_start;
	phys_t at = PHYS(top_kib * KIB - ALIGN_UP(size, KIB));
	u16 segment;
	u16 ip = 0;

	if (boot_info.module.size) {
		place_module(at);
		ip = bios_boot_loaded - bios_boot_start;
	} else {
		printf("guest: boots BIOS drive 0x%02x\n", drive);
	}
	segment = place(at, bios_boot_start, size);
	return (struct real_mode_entry){
		.cs = segment,
		.ip = ip,
		.sp = BOOT_SECTOR,
		.ds = segment,
		.dl = drive,
	};
}

/* KiB for the stub and its table, at most: taken ranges only add entries. */
static uint stub_kib(void)
{
	size_t entries = boot_info.map.count + 2 * GUEST_MAP_TAKEN;
	size_t size = bios_stub_end - bios_stub_start +
		      entries * sizeof(struct e820_entry);

	return ALIGN_UP(size, KIB) / KIB;
}

/* Have the stub at @at answer for memory, in place of the BIOS. */
static void hook_int15(phys_t at)
{
	volatile u16 *vector = phys_to_direct(IVT_INT15);
	struct bios_stub *stub = phys_to_direct(at);
	u16 segment =
		place(at, bios_stub_start, bios_stub_end - bios_stub_start);

	memcpy((char *)stub + stub->e820_table, guest_map.entry,
	       guest_map.count * sizeof(guest_map.entry[0]));
	stub->e820_count = guest_map.count;
	stub->e801_low = guest_map_e801_low(&guest_map);
	stub->e801_high = guest_map_e801_high(&guest_map);
	stub->ah88 = guest_map_ah88(&guest_map);
	stub->old_int15_ip = vector[0];
	stub->old_int15_cs = vector[1];
	vector[0] = stub->int15;
	vector[1] = segment;
}

/* Hide what is ours; returns what is left of conventional memory, in KiB. */
static uint hide(void)
{
	uint kib = stub_kib(), top = usable_kib() - kib;
	struct mem_range taken[GUEST_MAP_TAKEN] = {
		{top * KIB, kib * KIB, MEM_RESERVED},
		{boot_info.vmm_base.v, boot_info.vmm_size, MEM_RESERVED},
	};

	guest_map_build(&guest_map, &boot_info.map, taken, GUEST_MAP_TAKEN);
	hook_int15(PHYS(top * KIB));
	*(volatile u16 *)phys_to_direct(BDA_MEMORY_KIB) = top;
	for (uint i = 0; i < GUEST_MAP_TAKEN; i++)
		printf("guest: reserved in its memory map: 0x%lx-0x%lx\n",
		       taken[i].base, taken[i].base + taken[i].size - 1);
	return top;
}

void guest_boot_bios(void)
{
	struct real_mode_entry entry;
	char where[16];
	u8 drive;

	if (guest_bios_problem())
		panic("%s", guest_bios_problem());
	drive = boot_drive();
	entry = place_boot_code(hide(), drive);
	vcpu_ops->reset(vcpu_current(), &entry);
	snprintf(where, sizeof(where), " at %04x:%04x", entry.cs, entry.ip);
	vmm_launch(where);
}
