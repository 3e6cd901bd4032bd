/*
 * PCI configuration space, by ports: write where to look, then look.
 *
 *	CF8h	31: enable | 23:16 bus | 15:11 device | 10:8 function |
 *		7:2 register
 *	CFCh	the register
 *
 * The two are one register of the chipset for all CPUs, so two that use them at
 * once read each other's answers. Book: chapter 14.
 */
#include "pci/pci.h"

#include "lib/cpu.h"
#include "smp/delay.h"

#define FUNCTIONS 0x10000U /* 256 buses of 32 devices of 8 functions */

/* Bits of a BAR (PCI 3.0, 6.2.5.1). */
#define BAR_IO          BIT(0)
#define BAR_IO_MASK     0xfffffffcU
#define BAR_MEMORY_MASK 0xfffffff0U

#define CAPS_FIRST 0x40 /* they are behind the header */

#define PM_CONTROL  4
#define PM_STATE    3U    /* the power state: 0 is D0, working */
#define PM_WAKE     10000 /* microseconds from D3 (PCI PM 1.2, 5.6.1) */
#define MSI_ENABLE  BIT(16)
#define MSIX_ENABLE BIT(31)

spinlock_t pci_lock;

u32 pci_read(u16 bdf, uint reg)
{
	u32 value, before;

	spin_lock(&pci_lock);
	before = inl(PCI_ADDRESS);
	outl(PCI_ADDRESS, PCI_ENABLE | bdf << 8 | reg);
	value = inl(PCI_DATA);
	outl(PCI_ADDRESS, before);
	spin_unlock(&pci_lock);
	return value;
}

void pci_write(u16 bdf, uint reg, u32 value)
{
	u32 before;

	spin_lock(&pci_lock);
	before = inl(PCI_ADDRESS);
	outl(PCI_ADDRESS, PCI_ENABLE | bdf << 8 | reg);
	outl(PCI_DATA, value);
	outl(PCI_ADDRESS, before);
	spin_unlock(&pci_lock);
}

/* The number behind @bdf; a device whose function 0 says that it is the only
 * one, or that it isn't there, has no more. */
static u32 after(u16 bdf, u32 id, u32 header)
{
	if (!PCI_FUNC(bdf) && (id == ~0U || !(header & PCI_HEADER_MULTI)))
		return bdf + 8;
	return bdf + 1;
}

bool pci_next(u32 *next, struct pci_function *function)
{
	while (*next < FUNCTIONS) {
		u16 bdf = *next;
		u32 id = pci_read(bdf, PCI_ID);
		u32 header = pci_read(bdf, PCI_HEADER);

		*next = after(bdf, id, header);
		if (id == ~0U || (u16)id == 0xffff)
			continue;
		*function = (struct pci_function){
			.bdf = bdf,
			.vendor = id,
			.device = id >> 16,
			.class = pci_read(bdf, PCI_CLASS) >> 8,
			.type = PCI_HEADER_TYPE(header),
		};
		return true;
	}
	return false;
}

/* What of the BAR @reg, which has @value, can be written. The function must not
 * answer to addresses meanwhile. */
static u32 writable_bits(u16 bdf, uint reg, u32 value)
{
	u32 bits;

	pci_write(bdf, reg, ~0U);
	bits = pci_read(bdf, reg);
	pci_write(bdf, reg, value);
	return bits;
}

/* It is as large as its lowest bit that can be written, the type apart. */
static void read_bars(struct pci_function *f)
{
	for (uint i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &f->bars[i];
		uint reg = PCI_BAR0 + i * 4;
		u64 value = pci_read(f->bdf, reg), upper;
		u64 bits = writable_bits(f->bdf, reg, value);

		bar->io = value & BAR_IO;
		bits &= bar->io ? BAR_IO_MASK : BAR_MEMORY_MASK;
		if (!bar->io && value & PCI_BAR_64 && i + 1 < PCI_BARS) {
			i++;
			upper = pci_read(f->bdf, reg + 4);
			value |= upper << 32;
			bits |= (u64)writable_bits(f->bdf, reg + 4, upper)
				<< 32;
		}
		bar->size = bits & -bits;
		if (bar->size)
			bar->base = ALIGN_DOWN(value, bar->size);
	}
}

uint pci_next_capability(u16 bdf, uint at)
{
	if (!at && !(pci_read(bdf, PCI_COMMAND) & PCI_STATUS_CAPS))
		return 0;
	at = (at ? pci_read(bdf, at) >> 8 : pci_read(bdf, PCI_CAPS)) & 0xfc;
	return at >= CAPS_FIRST ? at : 0;
}

uint pci_find_capability(u16 bdf, u8 id)
{
	uint at = 0;

	for (uint n = 0; n < PCI_CAPS_MOST; n++) {
		at = pci_next_capability(bdf, at);
		if (!at || (u8)pci_read(bdf, at) == id)
			return at;
	}
	return 0;
}

bool pci_has_siblings(const struct pci_function *f)
{
	if (PCI_FUNC(f->bdf) ||
	    !(pci_read(f->bdf, PCI_HEADER) & PCI_HEADER_MULTI))
		return false;
	for (uint i = 1; i < 8; i++)
		if (pci_read(f->bdf + i, PCI_ID) != ~0U)
			return true;
	return false;
}

/* Wake @bdf up, and switch off the interrupts that are messages. */
static void set_capability(u16 bdf, uint at)
{
	u32 head = pci_read(bdf, at), control;

	switch (head & 0xff) {
	case PCI_CAP_PM:
		control = pci_read(bdf, at + PM_CONTROL);
		if (!(control & PM_STATE))
			return;
		pci_write(bdf, at + PM_CONTROL, control & ~PM_STATE);
		delay(PM_WAKE);
		return;
	case PCI_CAP_MSI:
		pci_write(bdf, at, head & ~MSI_ENABLE);
		return;
	case PCI_CAP_MSIX:
		pci_write(bdf, at, head & ~MSIX_ENABLE);
	}
}

void pci_allow_dma(const struct pci_function *f, bool allow)
{
	pci_write(f->bdf, PCI_COMMAND,
		  PCI_COMMAND_NO_INT | PCI_COMMAND_MEMORY |
			  (allow ? PCI_COMMAND_MASTER : 0));
}

void pci_take_again(const struct pci_function *f)
{
	pci_write(f->bdf, PCI_COMMAND, PCI_COMMAND_NO_INT);
	for (uint i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &f->bars[i];
		uint reg = PCI_BAR0 + i * 4;

		if (!bar->base || bar->io)
			continue;
		pci_write(f->bdf, reg, bar->base);
		if (pci_read(f->bdf, reg) & PCI_BAR_64)
			pci_write(f->bdf, reg + 4, bar->base >> 32);
	}
	pci_allow_dma(f, false);
}

void pci_take(struct pci_function *f)
{
	uint at = 0;

	/* To the status, zeros do nothing. */
	pci_write(f->bdf, PCI_COMMAND, PCI_COMMAND_NO_INT);
	pci_write(f->bdf, PCI_ROM, 0);
	for (uint n = 0; n < PCI_CAPS_MOST; n++) {
		at = pci_next_capability(f->bdf, at);
		if (!at)
			break;
		set_capability(f->bdf, at);
	}
	read_bars(f);
	pci_allow_dma(f, false);
}
