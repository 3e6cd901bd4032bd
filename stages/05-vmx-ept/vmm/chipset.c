/*
 * Where PM1 control is, by the chipset.
 *
 * Firmware chooses the ports and writes them into a register of the chipset;
 * only then does it copy them into ACPI's tables. So the chipset knows, even if
 * a table is missing. These are the chipsets of nearly all PCs up to about
 * 2017; newer ones of Intel's hide the register from the operating system.
 * Book: chapter 5.
 */
#include "vmm/chipset.h"

#include "lib/cpu.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  BIT(31)

#define PCI_ID       0x00 /* vendor, device */
#define PCI_CLASS    0x08 /* upper half: class and subclass */
#define CLASS_ISA    0x0601
#define CLASS_MEMORY 0x0580

#define AMD_PM_INDEX 0xcd6
#define AMD_PM_DATA  0xcd7

/* Intel: a function's register has the address where PM1 begins, with bit 0
 * set for ports. PIIX4 datasheet 7.1.18; ICH9 13.1.14; 100 series 4.1.3. */
#define INTEL          0x8086
#define INTEL_PIIX4_PM 0x7113
#define INTEL_PMC      (31 * 8 + 2)
#define INTEL_PM_BASE  0x40
#define INTEL_PM_MASK  0xff80
#define PIIX4_PM_MASK  0xffc0
#define PM_PORTS       BIT(0)
#define PM1_CONTROL    4 /* from there */

/* AMD: the SMBus function tells that there is an FCH, and one of its own
 * registers has the port (PPR for Family 17h, 9.2.13: AcpiPm1CntBlk). */
#define AMD             0x1022
#define ATI             0x1002
#define AMD_FCH         0x790b
#define AMD_HUDSON      0x780b
#define ATI_SB          0x4385
#define AMD_PM1_CONTROL 0x62

static u32 read_pci(uint function, uint reg)
{
	outl(PCI_ADDRESS, PCI_ENABLE | function << 8 | reg);
	return inl(PCI_DATA);
}

static u8 read_pm(u8 reg)
{
	outb(AMD_PM_INDEX, reg);
	return inb(AMD_PM_DATA);
}

const struct chipset_bus chipset_bus = {read_pci, read_pm};

/* The port of PM1 control's high byte, or 0. */
static u32 intel_port(const struct chipset_bus *bus, uint function, u16 device)
{
	u16 class = bus->pci(function, PCI_CLASS) >> 16;
	u32 base, mask = INTEL_PM_MASK;

	if (device == INTEL_PIIX4_PM)
		mask = PIIX4_PM_MASK;
	else if (class != CLASS_ISA &&
		 (class != CLASS_MEMORY || function != INTEL_PMC))
		return 0;
	base = bus->pci(function, INTEL_PM_BASE);
	if (!(base & PM_PORTS) || !(base & mask))
		return 0;
	return (base & mask) + PM1_CONTROL + 1;
}

static u32 amd_port(const struct chipset_bus *bus)
{
	u32 port = bus->pm(AMD_PM1_CONTROL) | bus->pm(AMD_PM1_CONTROL + 1) << 8;

	return port && port != 0xffff ? port + 1 : 0;
}

static bool is_fch(u32 id)
{
	u16 vendor = id, device = id >> 16;

	return (vendor == AMD && (device == AMD_FCH || device == AMD_HUDSON)) ||
	       (vendor == ATI && device == ATI_SB);
}

bool chipset_has_fch(const struct chipset_bus *bus)
{
	for (uint i = 0; i < CHIPSET_FUNCTIONS; i++)
		if (is_fch(bus->pci(i, PCI_ID)))
			return true;
	return false;
}

u32 chipset_sleep_port(const struct chipset_bus *bus, uint function)
{
	u32 id = bus->pci(function, PCI_ID);

	if ((u16)id == INTEL)
		return intel_port(bus, function, id >> 16);
	return is_fch(id) ? amd_port(bus) : 0;
}
