/*
 * The attack guest's attempts on a network card that is Vellum's: to find it,
 * to reach its registers, and to move what leads to it to where nobody guards
 * it. Where the card was, Vellum's log says; an attacker may have seen it in an
 * earlier life.
 */
#include "guest/test/metal/attack.h"
#include "lib/string.h"
#include "net/test/metal/attack_card.h"

#define PCI_ADDRESS      0xcf8
#define PCI_DATA         0xcfc
#define PCI_ENABLE       BIT(31)
#define PCI_CLASS        0x08
#define PCI_BUSES        0x18
#define PCI_BRIDGE       0x3c /* control is its upper half */
#define PCI_BRIDGE_RESET BIT(22)
#define PCIEXBAR         0x60
#define Q35              0x29c08086
#define BRIDGE           0x0604
#define HIDDEN           "net: hidden from the guest: "
#define E1000_CTRL       (0x0000 / 4)
#define E1000_RESET      BIT(26)
#define OTHER_BUS        0x42
#define OTHER_ECAM       0xd0000000UL

static u64 read_hex(const char *p)
{
	u64 value = 0;

	for (;; p++)
		if (*p >= '0' && *p <= '9')
			value = value * 16 + *p - '0';
		else if (*p >= 'a' && *p <= 'f')
			value = value * 16 + *p - 'a' + 10;
		else
			return value;
}

/* The number behind @word in @line, or 0. */
static u64 number_behind(const char *line, const char *word)
{
	for (; strlen(line) >= strlen(word); line++)
		if (!memcmp(line, word, strlen(word)))
			return read_hex(line + strlen(word));
	return 0;
}

bool find_card(struct card *card)
{
	char line[LOG_LINE] = "";
	const char *bdf = line + strlen(HIDDEN);
	bool hidden;

	hidden = find_in_log(HIDDEN, line) > 0;
	*card = (struct card){
		.bdf = read_hex(bdf) << 8 | read_hex(bdf + 3) << 3 |
		       read_hex(bdf + 6),
		.registers = number_behind(line, "registers 0x"),
		.ecam = number_behind(line, "configuration space 0x"),
	};
	if (!hidden)
		note("no card is hidden");
	return hidden;
}

static void set_address(u32 bdf, uint reg)
{
	outl(PCI_ADDRESS, PCI_ENABLE | bdf << 8 | (reg & 0xfc));
}

u32 read_pci(u32 bdf, uint reg)
{
	set_address(bdf, reg);
	return inl(PCI_DATA);
}

void write_pci(u32 bdf, uint reg, u32 value)
{
	set_address(bdf, reg);
	outl(PCI_DATA, value);
}

/* Every width at every place, and with bits of the address that say nothing. */
static enum verdict find_by_ports(const struct attack *a)
{
	struct card card;

	if (!find_card(&card))
		return AS_ON_HARDWARE;
	for (uint reg = 0; reg < 256; reg += 4) {
		set_address(card.bdf, reg);
		for (u16 port = PCI_DATA; port < PCI_DATA + 4; port++)
			if (inb(port) != 0xff)
				return ESCAPED;
		for (u16 port = PCI_DATA; port < PCI_DATA + 3; port++)
			if (inw(port) != 0xffff)
				return ESCAPED;
		if (inl(PCI_DATA) != ~0U)
			return ESCAPED;
		outl(PCI_ADDRESS,
		     PCI_ENABLE | 0x0f000003 | card.bdf << 8 | reg);
		if (inl(PCI_DATA) != ~0U)
			return ESCAPED;
	}
	write_pci(card.bdf, 4, 7);
	note("nothing is at %02x:%02x.%x", card.bdf >> 8, card.bdf >> 3 & 31,
	     card.bdf & 7);
	return read_pci(card.bdf, 4) == ~0U ? REFUSED : ESCAPED;
}

/* Are there only ones in @size bytes at @at, whatever is written? */
static bool is_gone(u64 at, uint size, uint written, u32 value)
{
	volatile u32 *reg = (u32 *)at;

	for (uint i = 0; i < size / 4; i++)
		if (reg[i] != ~0U)
			return false;
	reg[written] = value;
	return reg[written] == ~0U;
}

static enum verdict find_in_memory(const struct attack *a)
{
	struct card card;

	if (!find_card(&card))
		return AS_ON_HARDWARE;
	if (!card.ecam) {
		note("this machine has only ports");
		return AS_ON_HARDWARE;
	}
	note("ones at 0x%lx", card.ecam);
	return is_gone(card.ecam, PAGE_SIZE, 1, 7) ? REFUSED : ESCAPED;
}

static enum verdict reach_registers(const struct attack *a)
{
	struct card card;

	if (!find_card(&card))
		return AS_ON_HARDWARE;
	note("ones at 0x%lx", card.registers);
	return is_gone(card.registers, 0x8000, E1000_CTRL, E1000_RESET)
		       ? REFUSED
		       : ESCAPED;
}

/* By the ports to another place; from there, in memory, back. */
static enum verdict move_ecam(const struct attack *a)
{
	struct card card;
	u32 before = read_pci(0, PCIEXBAR), id;
	volatile u32 *there = (u32 *)(OTHER_ECAM + PCIEXBAR);
	bool gone;

	if (!find_card(&card))
		return AS_ON_HARDWARE;
	if (read_pci(0, 0) != Q35 || !card.ecam) {
		note("the chipset is another one");
		return AS_ON_HARDWARE;
	}
	write_pci(0, PCIEXBAR, OTHER_ECAM | 1);
	id = *(volatile u32 *)OTHER_ECAM;
	gone = id != Q35 ||
	       is_gone(OTHER_ECAM + ((u64)card.bdf << 12), PAGE_SIZE, 1, 7);
	if (id == Q35)
		*there = before;
	else
		write_pci(0, PCIEXBAR, before);
	note(id == Q35 ? "it moved, there and %s" : "it did not move",
	     read_pci(0, PCIEXBAR) == before ? "back" : "not back");
	return gone && is_gone(card.ecam, PAGE_SIZE, 1, 7) ? REFUSED : ESCAPED;
}

/* The bridge whose other side the card is on; 0: none. */
static u32 find_bridge(uint bus)
{
	for (u32 bdf = 0; bdf < 256; bdf++)
		if (read_pci(bdf, PCI_CLASS) >> 16 == BRIDGE &&
		    (read_pci(bdf, PCI_BUSES) >> 8 & 0xff) == bus)
			return bdf;
	return 0;
}

static bool find_way(struct card *card, u32 *bridge)
{
	if (!find_card(card))
		return false;
	*bridge = card->bdf >> 8 ? find_bridge(card->bdf >> 8) : 0;
	if (!*bridge)
		note("no bridge is above it");
	return *bridge;
}

static enum verdict number_bus_anew(const struct attack *a)
{
	struct card card;
	u32 bridge, before, id;

	if (!find_way(&card, &bridge))
		return AS_ON_HARDWARE;
	before = read_pci(bridge, PCI_BUSES);
	write_pci(bridge, PCI_BUSES, OTHER_BUS << 16 | OTHER_BUS << 8);
	id = read_pci(OTHER_BUS << 8 | (card.bdf & 0xff), 0);
	write_pci(bridge, PCI_BUSES, before);
	note("the bridge keeps its numbers");
	return id == ~0U ? REFUSED : ESCAPED;
}

/* A device behind it would have the card's number. */
static enum verdict share_bus(const struct attack *a)
{
	u32 bridge = 0, before, buses = 0;
	struct card card;

	if (!find_card(&card))
		return AS_ON_HARDWARE;
	for (u32 bdf = 0; bdf < 256 && !bridge; bdf++)
		if (read_pci(bdf, PCI_CLASS) >> 16 == BRIDGE &&
		    bdf != find_bridge(card.bdf >> 8))
			bridge = bdf;
	if (!bridge) {
		note("there is no other bridge");
		return AS_ON_HARDWARE;
	}
	before = read_pci(bridge, PCI_BUSES);
	write_pci(bridge, PCI_BUSES, card.bdf >> 8 << 16 | card.bdf >> 8 << 8);
	buses = read_pci(bridge, PCI_BUSES);
	write_pci(bridge, PCI_BUSES, before);
	note("%02x:%02x.%x leads to bus %u", bridge >> 8, bridge >> 3 & 31,
	     bridge & 7, buses >> 8 & 0xff);
	return (buses >> 8 & 0xff) == card.bdf >> 8 ? ESCAPED : REFUSED;
}

static enum verdict reset_bus(const struct attack *a)
{
	struct card card;
	u32 bridge, before, after;

	if (!find_way(&card, &bridge))
		return AS_ON_HARDWARE;
	before = read_pci(bridge, PCI_BRIDGE);
	write_pci(bridge, PCI_BRIDGE, before | PCI_BRIDGE_RESET);
	after = read_pci(bridge, PCI_BRIDGE);
	write_pci(bridge, PCI_BRIDGE, before);
	return after & PCI_BRIDGE_RESET ? ESCAPED : REFUSED;
}

ATTACKS = {
	{"the card by ports", find_by_ports, SHOWN_BY("14-attack-ports")},
	{"the card in ECAM", find_in_memory, SHOWN_BY("14-attack-ecam")},
	{"the card's registers", reach_registers,
	 SHOWN_BY("14-attack-registers")},
	{"ECAM moved", move_ecam, SHOWN_BY("14-attack-pciexbar")},
	{"a reset of its bus", reset_bus, SHOWN_BY("14-attack-bridge")},
	{"the card under another number", number_bus_anew,
	 SHOWN_BY("14-attack-bridge")},
	{"another bridge to its bus", share_bus, SHOWN_BY("14-attack-bus")},
};
