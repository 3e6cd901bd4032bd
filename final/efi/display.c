/*
 * The framebuffer's address is the firmware's choice, and a guest may choose
 * another: it writes to a BAR of the display device, or switches the device
 * off, or a bridge on the way. What answers at the old address then is nobody,
 * or another device, which must not be written to, not even in a panic.
 *
 *	CPU --- bridge --- bridge --- display device
 *	        command, bus numbers,  command, the BAR
 *	        memory windows
 *
 * So these registers are noted, and later compared. A guest that puts them back
 * is as good as one that left them alone. Registers: PCI 3.0, 6.1; PCI-to-PCI
 * Bridge 1.2, 3.2. Book: chapter 7.
 */
#include "efi/display.h"

#define PCI_ID      0x00
#define PCI_COMMAND 0x04
#define PCI_CLASS   0x08 /* the highest byte */
#define PCI_HEADER  0x0c /* the third byte: type, and MANY */
#define PCI_BAR     0x10
#define PCI_BUSES   0x18 /* of a bridge: primary, secondary, subordinate */
#define PCI_WINDOWS 0x20 /* of a bridge: memory, and prefetchable memory */

#define COMMAND_MEMORY BIT(1)
#define CLASS_DISPLAY  0x03
#define HEADER_MANY    0x80 /* there is more than one function */
#define BARS           6
#define BAR_PORTS      BIT(0)
#define BAR_64         0x4 /* of the two bits 0x6 */
#define BAR_ADDRESS    0xfffffff0
#define WINDOW_REGS    4

#define BUSES       256
#define BUS_DEVICES 32
#define FUNCTIONS   8

/* A way of eight bridges. */
#define NOTES_MOST (4 + 8 * (2 + WINDOW_REGS))

static struct {
	u16 function; /* bus, device, function: 8, 5 and 3 bits */
	u8 reg;
	u32 mask, value;
} notes[NOTES_MOST];
static uint note_count;

/* False: there is no more room, so nothing can be relied upon. */
static bool note(const struct chipset_bus *bus, uint function, uint reg,
		 u32 mask)
{
	if (note_count == NOTES_MOST)
		return false;
	notes[note_count].function = function;
	notes[note_count].reg = reg;
	notes[note_count].mask = mask;
	notes[note_count++].value = bus->pci(function, reg) & mask;
	return true;
}

/* Call @visit for each function that there is, until it says true. */
static bool each_function(const struct chipset_bus *bus,
			  bool (*visit)(const struct chipset_bus *bus,
					uint function, void *arg),
			  void *arg)
{
	for (uint device = 0; device < BUSES * BUS_DEVICES; device++)
		for (uint i = 0, count = 1; i < count; i++) {
			uint function = device * FUNCTIONS + i;

			if ((u16)bus->pci(function, PCI_ID) == 0xffff)
				continue;
			if (bus->pci(function, PCI_HEADER) >> 16 & HEADER_MANY)
				count = FUNCTIONS;
			if (visit(bus, function, arg))
				return true;
		}
	return false;
}

struct display {
	u64 fb;
	uint function, reg; /* the BAR that has it */
	u64 base;           /* the highest that is not above it; 0: none */
};

static bool look_for_bar(const struct chipset_bus *bus, uint function,
			 void *arg)
{
	struct display *d = arg;

	if (bus->pci(function, PCI_CLASS) >> 24 != CLASS_DISPLAY ||
	    !(bus->pci(function, PCI_COMMAND) & COMMAND_MEMORY))
		return false;
	for (uint i = 0; i < BARS; i++) {
		uint reg = PCI_BAR + 4 * i;
		u32 bar = bus->pci(function, reg);
		u64 base = bar & BAR_ADDRESS;

		if (bar & BAR_PORTS)
			continue;
		if ((bar & 0x6) == BAR_64 && ++i < BARS)
			base |= (u64)bus->pci(function, reg + 4) << 32;
		if (base > d->fb || base <= d->base)
			continue;
		d->base = base;
		d->function = function;
		d->reg = reg;
	}
	return false;
}

/* Does the bridge @function lead to the bus at *@arg? Then that becomes the
 * bridge's own. */
static bool look_for_bridge(const struct chipset_bus *bus, uint function,
			    void *arg)
{
	uint *to = arg;

	if ((bus->pci(function, PCI_HEADER) >> 16 & 0x7f) != 1 ||
	    (bus->pci(function, PCI_BUSES) >> 8 & 0xff) != *to)
		return false;
	*to = function;
	return true;
}

/* The bridges from the display device's bus up to where there is none. */
static bool note_bridges(const struct chipset_bus *bus, uint at)
{
	while (at && each_function(bus, look_for_bridge, &at)) {
		if (!note(bus, at, PCI_COMMAND, COMMAND_MEMORY) ||
		    !note(bus, at, PCI_BUSES, 0xffffff))
			return false;
		for (uint i = 0; i < WINDOW_REGS; i++)
			if (!note(bus, at, PCI_WINDOWS + 4 * i, ~0U))
				return false;
		at >>= 8;
	}
	return true;
}

void display_note(const struct chipset_bus *bus, phys_t fb)
{
	struct display d = {.fb = fb.v};

	note_count = 0;
	each_function(bus, look_for_bar, &d);
	if (!d.base)
		return;
	note(bus, d.function, PCI_ID, ~0U);
	note(bus, d.function, PCI_COMMAND, COMMAND_MEMORY);
	note(bus, d.function, d.reg, ~0U);
	note(bus, d.function, d.reg + 4, d.base >> 32 ? ~0U : 0);
	if (!note_bridges(bus, d.function >> 8))
		note_count = 0;
}

bool display_is_unchanged(const struct chipset_bus *bus)
{
	for (uint i = 0; i < note_count; i++)
		if ((bus->pci(notes[i].function, notes[i].reg) &
		     notes[i].mask) != notes[i].value)
			return false;
	return note_count;
}
