/*
 * A card behind a bridge is where the bridge says. Its own number is not in the
 * card but in the bridge above it, and what the bridge does not pass on, the
 * card does not get.
 *
 *	CPU -> host bridge -> bridge 00:1c.0, buses 2 to 2 -> card 02:00.0
 *
 * So a guest could move the card to another number, cut it off, or reset it,
 * without a word to the card. Systems do the first two at boot if they do not
 * like what the firmware has done, and the last for a device that hangs.
 * Book: chapter 14.
 */
#include "pci/bridge.h"

#include "lib/string.h"

/* A bridge's registers (PCI-to-PCI Bridge 1.2, 3.2). */
#define BRIDGE_WINDOWS 0x20 /* of memory, to 2Fh */
#define BRIDGE_CONTROL 0x3e
#define BRIDGE_RESET   BIT(6)

/* Bits of capabilities (PCI PM 1.2, 3.2.4; PCI Express 5.0, 7.5.3). */
#define PM_CONTROL         4
#define PM_STATE           3
#define PCIE_LINK          0x10 /* control */
#define PCIE_LINK_DISABLE  BIT(4)
#define PCIE_SLOT          0x19 /* the upper byte of slot control */
#define PCIE_SLOT_POWER    BIT(2)
#define PCIE_CONTROL_2     0x28 /* from version 2 of the capability on */
#define PCIE_ARI           BIT(5)
#define PCIE_VERSION(head) ((head) >> 16 & 15)
#define PCIE_TYPE(head)    ((head) >> 20 & 15)
#define PCIE_ROOT_PORT     4
#define PCIE_DOWNSTREAM    6 /* port of a switch; 5 is its upstream one */
#define PCIE_CAPS          4
#define PCIE_PHANTOM       (BIT(3) | BIT(4))

bool bridge_next(u32 *next, uint bus, u16 *bdf)
{
	struct pci_function f;

	while (pci_next(next, &f)) {
		u32 buses = pci_read(f.bdf, PCI_BUSES);

		*bdf = f.bdf;
		if (f.type == PCI_TYPE_BRIDGE && bus >= (buses >> 8 & 0xff) &&
		    bus <= (buses >> 16 & 0xff))
			return true;
	}
	return false;
}

/*
 * A port of PCI Express passes requests on as they are. Another bridge has
 * conventional PCI behind it, where requests have no number, and gives them its
 * own, or that of device 0 on its other side (PCI Express to PCI/PCI-X Bridge
 * 1.0, 2.3).
 */
static bool passes_numbers(u16 bdf)
{
	uint at = pci_find_capability(bdf, PCI_CAP_PCIE), type;

	if (!at)
		return false;
	type = PCIE_TYPE(pci_read(bdf, at));
	return type >= PCIE_ROOT_PORT && type <= PCIE_DOWNSTREAM;
}

/* May the device of @bdf use numbers of functions that it does not have (PCI
 * Express 5.0, 7.5.3.3)? */
static bool has_phantoms(u16 bdf)
{
	for (uint i = 0; i < 8; i++) {
		u16 other = (bdf & ~7U) | i;
		uint at = 0;

		if (pci_read(other, PCI_ID) != ~0U)
			at = pci_find_capability(other, PCI_CAP_PCIE);
		if (at && pci_read(other, at + PCIE_CAPS) & PCIE_PHANTOM)
			return true;
	}
	return false;
}

const char *bridge_alias(const struct pci_function *f)
{
	u32 next = 0;
	u16 bdf;

	while (PCI_BUS(f->bdf) && bridge_next(&next, PCI_BUS(f->bdf), &bdf))
		if (!passes_numbers(bdf))
			return "a bridge above it speaks for all that is "
			       "behind it";
	return has_phantoms(f->bdf) ? "its device has phantom functions" : NULL;
}

/*
 * The capability that begins with @head at @at. Behind a port of PCI Express
 * there is one device, number 0, and the port answers for all others; but with
 * ARI forwarding they are asked, too, and there are devices that take any
 * number for their own.
 */
static void keep_capability(u16 bdf, u8 kept[PCI_REGS], uint at, u32 head)
{
	u8 id = head;

	if (id == PCI_CAP_PM && at + PM_CONTROL < PCI_REGS)
		kept[at + PM_CONTROL] = PM_STATE;
	if (id == PCI_CAP_PCIE && at + PCIE_SLOT < PCI_REGS) {
		kept[at + PCIE_LINK] = PCIE_LINK_DISABLE;
		kept[at + PCIE_SLOT] = PCIE_SLOT_POWER;
	}
	if (id == PCI_CAP_PCIE && PCIE_VERSION(head) >= 2 &&
	    at + PCIE_CONTROL_2 < PCI_REGS) {
		kept[at + PCIE_CONTROL_2] = PCIE_ARI;
		pci_write(bdf, at + PCIE_CONTROL_2,
			  pci_read(bdf, at + PCIE_CONTROL_2) & ~PCIE_ARI);
	}
}

void bridge_keep(u16 bdf, u8 kept[PCI_REGS], u8 values[PCI_REGS])
{
	u32 command = pci_read(bdf, PCI_COMMAND);
	uint at = 0;

	for (uint n = 0; n < PCI_CAPS_MOST; n++) {
		at = pci_next_capability(bdf, at);
		if (!at)
			break;
		keep_capability(bdf, kept, at, pci_read(bdf, at));
	}
	kept[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	memset(&kept[PCI_BUSES], 0xff, 3);
	memset(&kept[BRIDGE_WINDOWS], 0xff, 16);
	kept[BRIDGE_CONTROL] = BRIDGE_RESET;
	pci_write(bdf, PCI_COMMAND,
		  (u16)command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (uint reg = 0; reg < PCI_REGS; reg += sizeof(u32)) {
		u32 value = pci_read(bdf, reg);

		memcpy(&values[reg], &value, sizeof(value));
	}
}

/* From behind: its windows before it passes anything, its number before what is
 * behind it. */
void bridge_restore(u16 bdf, const u8 kept[PCI_REGS], const u8 values[PCI_REGS])
{
	for (uint reg = PCI_REGS; reg;) {
		u32 mask, value;

		reg -= sizeof(mask);
		memcpy(&mask, &kept[reg], sizeof(mask));
		memcpy(&value, &values[reg], sizeof(value));
		if (!mask)
			continue;
		value = (value & mask) | (pci_read(bdf, reg) & ~mask);
		/* To the status, zeros do nothing. */
		pci_write(bdf, reg, reg == PCI_COMMAND ? (u16)value : value);
	}
}
