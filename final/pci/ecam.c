/*
 * Who says where ECAM is: the table MCFG to the operating system, and to the
 * machine itself a register of the chipset's or the CPU's.
 *
 *	base + bus << 20 | device << 15 | function << 12 | register
 *
 * Book: chapter 14.
 */
#include "pci/ecam.h"

#include "boot/boot_info.h"
#include "boot/memmap.h"
#include "paging/guarded.h"
#include "pci/pci.h"

#define MCFG_ENTRIES 44 /* after the header and 8 bytes of nothing */
#define MCFG_ENTRY   16 /* base, segment, first and last bus */

/* Of PCIEXBAR. Bits 2:1 say how many buses there are: 256, 128 or 64. */
#define PCIEXBAR_ON     BIT(0)
#define PCIEXBAR_LENGTH (3UL << 1)
#define PCIEXBAR_HIGH   (~0UL << 36)

#define Q35               0x29c08086 /* device and vendor */
#define CLASS_HOST_BRIDGE 0x0600

#define MSR_MMIO_CFG_BASE 0xc0010058

/* Of MMIO_CFG_BASE. Bits 5:2: the number of buses as a power of two. */
#define AMD_ON   BIT(0)
#define AMD_BASE 0x000ffffffff00000UL

static u16 segment_of(const u8 *entry)
{
	return entry[8] | entry[9] << 8;
}

static void add_entry(const u8 *entry, struct ecam *list, uint *count,
		      bool *doubtful)
{
	if (segment_of(entry) || entry[10] > entry[11])
		return;
	if (*count == ECAM_MOST) {
		*doubtful = true;
		return;
	}
	list[(*count)++] = (struct ecam){
		.base = ALIGN_DOWN(acpi_get64(entry), PAGE_SIZE),
		.first = entry[10],
		.last = entry[11],
	};
}

uint ecam_read_mcfg(acpi_map_fn *map, const struct acpi_root *root,
		    struct ecam *list, bool *doubtful)
{
	struct acpi_table mcfg;
	uint n = 0, count = 0;

	*doubtful = false;
	for (; !acpi_find_next(map, root, "MCFG", n, &mcfg); n++) {
		*doubtful |= mcfg.doubtful;
		for (u32 at = MCFG_ENTRIES; at + MCFG_ENTRY <= mcfg.size;
		     at += MCFG_ENTRY)
			add_entry(mcfg.data + at, list, &count, doubtful);
	}
	return count;
}

bool ecam_segments_in(acpi_map_fn *map, const struct acpi_root *root,
		      const u16 *list, uint count)
{
	struct acpi_table mcfg;

	for (uint n = 0; !acpi_find_next(map, root, "MCFG", n, &mcfg); n++)
		for (u32 at = MCFG_ENTRIES; at + MCFG_ENTRY <= mcfg.size;
		     at += MCFG_ENTRY) {
			u16 segment = segment_of(mcfg.data + at);
			uint i = 0;

			while (i < count && list[i] != segment)
				i++;
			if (segment && i == count)
				return false;
		}
	return true;
}

bool ecam_of_pciexbar(u64 value, struct ecam *window, bool *plain)
{
	uint length = (value & PCIEXBAR_LENGTH) >> 1;
	u64 size = 256 * MIB >> length;

	*plain = length < 3 && !(value & (PCIEXBAR_HIGH | (size - 1)) &
				 ~(PCIEXBAR_ON | PCIEXBAR_LENGTH));
	if (!(value & PCIEXBAR_ON))
		return false;
	*window = (struct ecam){
		.base = ALIGN_DOWN(value, size),
		.last = size / MIB - 1,
	};
	return true;
}

bool ecam_of_amd(u64 value, struct ecam *window)
{
	uint buses = 1U << MIN(value >> 2 & 15, 8UL);

	*window = (struct ecam){.base = value & AMD_BASE, .last = buses - 1};
	return value & AMD_ON;
}

u64 ecam_page(const struct ecam *window, u16 bdf)
{
	uint bus = bdf >> 8;

	if (bus < window->first || bus > window->last)
		return ECAM_NOWHERE;
	return window->base + ((u64)bdf << PAGE_SHIFT);
}

u64 ecam_place(const struct ecam *window, u16 bdf)
{
	u64 at = ecam_page(window, bdf);

	return at != ECAM_NOWHERE &&
			       mem_map_is_ram(&boot_info.map, at, PAGE_SIZE)
		       ? ECAM_NOWHERE
		       : at;
}

u64 ecam_pciexbar(void)
{
	return pci_read(HOST_BRIDGE, PCIEXBAR) |
	       (u64)pci_read(HOST_BRIDGE, PCIEXBAR + 4) << 32;
}

/* Has the host bridge of an Intel chipset PCIEXBAR there? It must say what one
 * of the @count windows of MCFG does, unless the chipset is known. */
static bool has_pciexbar(const struct ecam *mcfg, uint count)
{
	u32 id = pci_read(HOST_BRIDGE, PCI_ID);
	struct ecam window;
	bool plain;

	if ((u16)id != (u16)Q35 ||
	    pci_read(HOST_BRIDGE, PCI_CLASS) >> 16 != CLASS_HOST_BRIDGE)
		return false;
	if (ecam_of_pciexbar(ecam_pciexbar(), &window, &plain))
		for (uint i = 0; i < count; i++)
			if (mcfg[i].base == window.base)
				return true;
	return id == Q35;
}

void ecam_find(struct ecam_places *p)
{
	struct acpi_root root;
	bool is_amd;
	u64 amd;

	*p = (struct ecam_places){.doubtful = true};
	if (!acpi_machine_root(&root))
		p->count = ecam_read_mcfg(acpi_map, &root, p->window,
					  &p->doubtful);
	p->has_pciexbar = has_pciexbar(p->window, p->count);
	is_amd = !guarded_rdmsr(MSR_MMIO_CFG_BASE, &amd) &&
		 ecam_of_amd(amd, &p->window[p->count]);
	p->may_move = p->count && !p->has_pciexbar && !is_amd;
	p->count += is_amd;
}
