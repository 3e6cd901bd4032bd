/*
 * The attack guest's attempts by a device: QEMU's "edu", which copies memory to
 * its buffer and back as it is told. A machine without it has other devices
 * that do the same; this one is the plainest.
 */
#include "guest/test/metal/attack.h"
#include "lib/cpu.h"
#include "lib/string.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  BIT(31)
#define PCI_COMMAND 0x04
#define PCI_BAR0    0x10
#define MASTER      0x06 /* with memory */

#define EDU        0x11e81234
#define EDU_SOURCE (0x80 / 8)
#define EDU_TARGET (0x88 / 8)
#define EDU_COUNT  (0x90 / 8)
#define EDU_START  (0x98 / 8)
#define EDU_BUSY   BIT(0)
#define EDU_TO_RAM BIT(1)
#define EDU_BUFFER 0x40000

#define PATIENCE 10000000

static u32 read_pci(u32 bdf, uint reg)
{
	outl(PCI_ADDRESS, PCI_ENABLE | bdf << 8 | reg);
	return inl(PCI_DATA);
}

/* The registers of edu; NULL: there is none. */
static volatile u64 *find_edu(void)
{
	for (u32 bdf = 0; bdf < 256; bdf++) {
		if (read_pci(bdf, 0) != EDU)
			continue;
		outl(PCI_ADDRESS, PCI_ENABLE | bdf << 8 | PCI_COMMAND);
		outw(PCI_DATA, MASTER);
		return (u64 *)(u64)(read_pci(bdf, PCI_BAR0) & ~15U);
	}
	note("this machine has no device that is known here");
	return NULL;
}

static void copy(volatile u64 *edu, u64 source, u64 target, u64 how)
{
	edu[EDU_SOURCE] = source;
	edu[EDU_TARGET] = target;
	edu[EDU_COUNT] = sizeof(u64);
	edu[EDU_START] = EDU_BUSY | how;
	for (uint i = 0; i < PATIENCE && edu[EDU_START] & EDU_BUSY; i++)
		asm volatile("pause");
}

/* Write to a page of Vellum's and read it back, all by the device. */
static enum verdict reach_by_device(const struct attack *a)
{
	static volatile u64 word, back;
	volatile u64 *edu = find_edu();
	char line[LOG_LINE];
	u64 page = hidden_page(0);

	if (!edu || !page)
		return AS_ON_HARDWARE;
	word = 0x5ca1ab1e0ddba11UL;
	copy(edu, (u64)&word, EDU_BUFFER, 0);
	copy(edu, EDU_BUFFER, (u64)&back, EDU_TO_RAM);
	if (back != word) {
		note("the device does not copy at all");
		return AS_ON_HARDWARE;
	}
	copy(edu, EDU_BUFFER, page, EDU_TO_RAM);
	back = 0;
	copy(edu, (u64)&back, EDU_BUFFER, 0);
	copy(edu, page, EDU_BUFFER, 0);
	copy(edu, EDU_BUFFER, (u64)&back, EDU_TO_RAM);
	cpuid(1, 0); /* Vellum looks when it is entered */
	if (back == word)
		note("0x%lx is 0x%lx for the device", page, back);
	else if (find_in_log("iommu: 0", line) > 0)
		note("%s", line);
	else
		note("not in the log");
	return back == word ? ESCAPED : REFUSED;
}

ATTACKS = {
	{"Vellum's range by a device", reach_by_device,
	 SHOWN_BY("15-attack-dma")},
};
