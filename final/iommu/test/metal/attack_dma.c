/*
 * The attack guest's attempts by a device: QEMU's "edu", which copies memory to
 * its buffer and back as it is told. A disk or a network card could do the
 * same; this one needs no driver. `make run` adds it to the machine.
 */
#include "guest/test/metal/attack.h"
#include "lib/cpu.h"
#include "lib/string.h"
#include "net/test/metal/attack_card.h"

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

#define PATIENCE    10000000
#define MARK        0x5ca1ab1e0ddba11UL
#define E1000_ADDR  0x5400 /* its address on the network: never 0, nor ones */
#define FAULT       "iommu: fault "
#define UNIT_REGS   0x60 /* of a unit, those that always say something */
#define UNIT_STATUS 0x1c
#define UNIT_ON     0x18 /* Intel's and AMD's: what switches it on and off */
#define LOOK_TIME   (1UL << 26) /* TSC cycles: Vellum has looked for faults */

static volatile u64 *edu;

/* Copy 8 bytes by the device. */
static void copy(u64 source, u64 target, u64 how)
{
	edu[EDU_SOURCE] = source;
	edu[EDU_TARGET] = target;
	edu[EDU_COUNT] = sizeof(u64);
	edu[EDU_START] = EDU_BUSY | how;
	for (uint i = 0; i < PATIENCE && edu[EDU_START] & EDU_BUSY; i++)
		asm volatile("pause");
}

static void write_by_device(u64 at, u64 value)
{
	volatile u64 word = value;

	copy((u64)&word, EDU_BUFFER, 0);
	copy(EDU_BUFFER, at, EDU_TO_RAM);
}

/* 0, if the device gets nothing from there. */
static u64 read_by_device(u64 at)
{
	volatile u64 word = 0;

	copy((u64)&word, EDU_BUFFER, 0);
	copy(at, EDU_BUFFER, 0);
	copy(EDU_BUFFER, (u64)&word, EDU_TO_RAM);
	return word;
}

/* There is one, and it copies memory that is the guest's. */
static bool find_edu(void)
{
	volatile u64 word = 0;

	for (u32 bdf = 0; bdf < 0x10000 && !edu; bdf += 8) {
		if (read_pci(bdf, 0) != EDU)
			continue;
		write_pci(bdf, PCI_COMMAND, MASTER);
		edu = (u64 *)(u64)(read_pci(bdf, PCI_BAR0) & ~15U);
	}
	if (!edu) {
		note("NOT TRIED: no device that is known here");
		return false;
	}
	write_by_device((u64)&word, MARK);
	if (word == MARK && read_by_device((u64)&word) == MARK)
		return true;
	note("NOT TRIED: the device does not copy at all");
	return false;
}

/* Where there is no IOMMU, or no word of it in this build, Vellum promises
 * nothing. */
static enum verdict reached(u64 at)
{
	if (count_in_log("iommu: this machine has none") ||
	    !count_in_log("iommu: ")) {
		note("0x%lx is reached: no IOMMU is in use", at);
		return AS_ON_HARDWARE;
	}
	note("0x%lx is reached", at);
	return ESCAPED;
}

/* Vellum looks for faults when it is entered, and not each time. */
static int let_vellum_look(void)
{
	for (u64 start = rdtsc(); rdtsc() - start < LOOK_TIME;)
		cpuid(1, 0);
	return count_in_log(FAULT);
}

static enum verdict refused(int faults)
{
	char line[LOG_LINE];
	uint n;

	let_vellum_look();
	if (find_in_log(FAULT, line) <= faults) {
		note("no fault is in the log");
		return REFUSED;
	}
	for (n = strlen(FAULT); line[n] && line[n] != '\n'; n++)
		;
	line[n] = '\0';
	note("fault %s", line + strlen(FAULT));
	return REFUSED;
}

/* Where QEMU has them, as the tables said before Vellum came. What follows
 * shows whether they are off now. */
static enum verdict reach_units(const struct attack *a)
{
	static const u64 units[] = {0xfed90000, 0xfed80000};

	if (!count_in_log("iommu: DMAR, ") && !count_in_log("iommu: IVRS, ")) {
		note("no IOMMU is in use");
		return AS_ON_HARDWARE;
	}
	for (uint i = 0; i < ARRAY_SIZE(units); i++) {
		for (uint reg = 0; reg < UNIT_REGS; reg += sizeof(u32)) {
			u32 value = *(volatile u32 *)(units[i] + reg);

			/* What a firmware gave as commands may be seen. */
			if (!value || value == ~0U || reg == UNIT_STATUS)
				continue;
			note("0x%lx has 0x%x", units[i] + reg, value);
			return ESCAPED;
		}
		*(volatile u32 *)(units[i] + UNIT_ON) = 0;
	}
	note("nothing is there");
	return REFUSED;
}

/* A page in the middle of the range is written to, read, and put back. */
static enum verdict write_to_range(const struct attack *a)
{
	u64 page = hidden_page(0), before;
	enum verdict verdict;
	int faults;

	if (!page || !find_edu())
		return AS_ON_HARDWARE;
	before = read_by_device(page);
	faults = let_vellum_look(); /* some units note one at a time */
	write_by_device(page, MARK);
	verdict = refused(faults);
	if (read_by_device(page) != MARK)
		return verdict;
	write_by_device(page, before);
	return reached(page);
}

/* Its first pages are the image, where not all is 0. */
static enum verdict read_range(const struct attack *a)
{
	int faults = count_in_log(FAULT);
	u64 base, size;

	if (!find_hidden(&base, &size) || !find_edu())
		return AS_ON_HARDWARE;
	for (u64 at = base; at < base + PAGE_SIZE; at += 256)
		if (read_by_device(at))
			return reached(at);
	return refused(faults);
}

/* Past all nested page tables: one device asks the other. */
static enum verdict reach_card(const struct attack *a)
{
	int faults = count_in_log(FAULT);
	struct card card;
	u64 at, value;

	if (!find_card(&card) || !find_edu())
		return AS_ON_HARDWARE;
	at = card.registers + E1000_ADDR;
	value = read_by_device(at);
	return value && value != ~0UL ? reached(at) : refused(faults);
}

/* There, too, the page of ones is for CPUs alone. */
static enum verdict reach_ecam(const struct attack *a)
{
	int faults = count_in_log(FAULT);
	struct card card;
	u64 value;

	if (!find_card(&card) || !find_edu())
		return AS_ON_HARDWARE;
	if (!card.ecam) {
		note("this machine has only ports");
		return AS_ON_HARDWARE;
	}
	value = read_by_device(card.ecam);
	return value && value != ~0UL ? reached(card.ecam) : refused(faults);
}

ATTACKS = {
	{"the IOMMU's registers", reach_units, SHOWN_BY("15-attack-units")},
	{"Vellum's range, written to by a device", write_to_range,
	 SHOWN_BY("15-attack-dma")},
	{"Vellum's range, read by a device", read_range,
	 SHOWN_BY("15-attack-dma")},
	{"the card's registers by a device", reach_card,
	 SHOWN_BY("15-attack-peer")},
	{"its configuration space by a device", reach_ecam,
	 SHOWN_BY("15-attack-ecam")},
};
