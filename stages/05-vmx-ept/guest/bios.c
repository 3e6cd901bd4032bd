/*
 * Preparing the guest of a BIOS machine: it finds the PC as the BIOS left it,
 * with a little less memory, and starts in real mode with its boot disk.
 *
 *	0                     BDA 0413h: new end       old end  640 KiB
 *	| IVT, BDA |   free  [boot code]|   stub, table   | BIOS's own |
 *
 * Both go where the memory map has RAM, wherever that is: firmware may have
 * kept pages there that its other words do not mention.
 *
 * To shorten conventional memory from its top is how resident code has always
 * hidden from what boots after it: every boot loader asks INT 12h, which
 * returns that word, and the E820 map says the same. Book: chapter 5.
 */
#include "guest/bios.h"

#include "boot/settings.h"
#include "boot/layout.h"
#include "boot/memmap.h"
#include "console/printf.h"
#include "guest/bios_map.h"
#include "lib/string.h"
#include "paging/paging.h"
#include "vmm/hypercall.h"
#include "vmm/launch.h"
#include "vmm/no_guest.h"

#define IVT_INT15 PHYS(4 * 0x15) /* in the real-mode vector table */

/* The BIOS data area's word for the size of conventional memory, in KiB. */
#define BDA_MEMORY_KIB PHYS(0x413)

/* Where a BIOS puts a boot sector, and jumps to. */
#define BOOT_SECTOR 0x7c00

#define CONVENTIONAL_MOST 640

/* What the stub and the longest map take. */
#define STUB_TABLE (bios_stub_end - bios_stub_start)
#define STUB_SIZE  ALIGN_UP(STUB_TABLE + E820_MOST * E820_ENTRY_SIZE, KIB)

_Static_assert(GUEST_MAP_MAX <= E820_MOST, "the table has room for it");

/* Too large for the stack. */
static struct guest_map guest_map;

static struct mem_range taken[GUEST_MAP_TAKEN];
static uint taken_count;

SETTING(boot_setting, .name = "boot", .type = &number_type, .max = 0xff,
	.only = BIT(BOOT_BIOS),
	.help = "the BIOS drive to boot: 0x80 is the first disk, 0xe0 a CD");

/* Which drive does the guest boot? From boot= or, without it, boot_info. */
static u8 boot_drive(void)
{
	return setting_number(&boot_setting, boot_info.boot_drive);
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
 * Where may @size bytes lie, below @end, that are RAM? Bochs' BIOS says 639 KiB
 * in one place and 636 KiB in its memory map: the map decides.
 */
static phys_t find_room(u64 end, u64 size, const char *what)
{
	u64 at = guest_room(&boot_info.map, end, size);

	if (!at)
		vmm_no_guest(
			"no room for %s: the memory map has no %lu KiB of RAM "
			"in one piece between 128 KiB and %lu KiB",
			what, size / KIB, end / KIB);
	return PHYS(at);
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
	const void *code;

	if (m->base < MIB)
		vmm_no_guest("the loader put the module below 1 MiB: 0x%lx",
			     m->base);
	if (m->size > limit.v - BOOT_SECTOR)
		vmm_no_guest(
			"the module, boot code of %lu KiB, does not fit below "
			"0x%lx",
			m->size / KIB, limit.v);
	if (!mem_map_is_ram(&boot_info.map, BOOT_SECTOR, m->size))
		vmm_no_guest(
			"the module does not fit: not all of 0x%x-0x%lx is RAM",
			BOOT_SECTOR, BOOT_SECTOR + m->size - 1);
	code = map_phys(PHYS(m->base), m->size, MAP_READ);
	if (!code)
		vmm_no_guest("the module at 0x%lx can't be mapped", m->base);
	memcpy(phys_to_direct(PHYS(BOOT_SECTOR)), code, m->size);
	printf("guest: boots the loader's module, %lu KiB\n",
	       ALIGN_UP(m->size, KIB) / KIB);
}

/* The instruction by which the boot code calls us, of the CPU's vendor. */
static void set_call(phys_t code)
{
	bool svm = CONFIG_SVM && vcpu_ops == &svm_ops;
	const char *call = svm ? "\x0f\x01\xd9"  /* VMMCALL */
			       : "\x0f\x01\xc1"; /* VMCALL */

	memcpy((char *)phys_to_direct(code) +
		       (bios_boot_call - bios_boot_start),
	       call, 3);
}

/*
 * Copy the code that boots @drive to the highest RAM below @end; and the
 * loader's module, if there is one, to where boot sectors go: that is then
 * booted in the drive's place. Returns where, and with which registers, the
 * guest begins.
 */
static struct real_mode_entry place_boot_code(u64 end, u8 drive)
{
	size_t size = bios_boot_end - bios_boot_start;
	phys_t at = find_room(end, ALIGN_UP(size, KIB), "the boot code");
	u16 segment;
	u16 ip = 0;

	if (boot_info.module.size) {
		place_module(at);
		ip = bios_boot_loaded - bios_boot_start;
	} else {
		printf("guest: boots BIOS drive 0x%02x\n", drive);
	}
	segment = place(at, bios_boot_start, size);
	set_call(at);
	return (struct real_mode_entry){
		.cs = segment,
		.ip = ip,
		.sp = BOOT_SECTOR,
		.ds = segment,
		.dl = drive,
	};
}

static void fill_stub(struct bios_stub *stub)
{
	memcpy((char *)stub + STUB_TABLE, guest_map.entry,
	       guest_map.count * sizeof(guest_map.entry[0]));
	stub->e820_count = guest_map.count;
	stub->e801_low = guest_map_e801_low(&guest_map);
	stub->e801_high = guest_map_e801_high(&guest_map);
	stub->ah88 = guest_map_ah88(&guest_map);
}

/* Have the stub at @at answer for memory, in place of the BIOS. */
static void hook_int15(phys_t at)
{
	volatile u16 *vector = phys_to_direct(IVT_INT15);
	struct bios_stub *stub = phys_to_direct(at);
	u16 segment = place(at, bios_stub_start, STUB_TABLE);

	fill_stub(stub);
	stub->old_int15_ip = vector[0];
	stub->old_int15_cs = vector[1];
	vector[0] = stub->int15;
	vector[1] = segment;
}

/*
 * The boot code calls: it has put what the BIOS says of memory, RCX entries,
 * into the table of the stub. All of it is the guest's memory, so it is read
 * like a map from any firmware.
 */
static void take_bios_map(struct vcpu *vcpu)
{
	static struct mem_map bios_map;
	struct bios_stub *stub = phys_to_direct(PHYS(taken[0].base));
	const struct e820_entry *list = (void *)((char *)stub + STUB_TABLE);
	uint count = MIN(vcpu->regs.rcx & 0xffff, (u64)E820_MOST);
	bool good;

	for (uint i = 0; i < count; i++)
		mem_map_add(&bios_map, list[i].base, list[i].size,
			    list[i].type ? list[i].type : MEM_RESERVED);
	mem_map_finish(&bios_map);
	good = mem_map_ram(&bios_map);
	guest_map_build(&guest_map, good ? &bios_map : &boot_info.map, taken,
			taken_count);
	printf("guest: gets the %s's memory map, less what is hidden\n",
	       good ? "BIOS" : "loader");
	fill_stub(stub);
}

/* Hide what is ours; returns the new end of conventional memory. */
static u64 hide(void)
{
	u64 end = MIN(conventional_kib(), CONVENTIONAL_MOST) * KIB;
	phys_t stub;

	if (boot_info.low.size)
		end = MIN(end, boot_info.low.base);
	stub = find_room(end, STUB_SIZE, "what stays of Vellum");
	taken[0] = (struct mem_range){stub.v, STUB_SIZE, MEM_RESERVED};
	taken[1] = (struct mem_range){boot_info.vmm_base.v, boot_info.vmm_size,
				      MEM_RESERVED};
	taken[2] = boot_info.low;
	taken_count = boot_info.low.size ? 3 : 2;
	guest_map_build(&guest_map, &boot_info.map, taken, taken_count);
	hook_int15(stub);
	hypercall_expect(take_bios_map);
	*(volatile u16 *)phys_to_direct(BDA_MEMORY_KIB) = stub.v / KIB;
	for (uint i = 0; i < taken_count; i++)
		printf("guest: reserved in its memory map: 0x%lx-0x%lx\n",
		       taken[i].base, taken[i].base + taken[i].size - 1);
	return stub.v;
}

void guest_boot_bios(void)
{
	struct real_mode_entry entry;
	char where[16];
	u8 drive;

	if (guest_bios_problem())
		vmm_no_guest("%s", guest_bios_problem());
	drive = boot_drive();
	entry = place_boot_code(hide(), drive);
	vcpu_ops->reset(vcpu_current(), &entry);
	snprintf(where, sizeof(where), " at %04x:%04x", entry.cs, entry.ip);
	vmm_launch(where);
}
