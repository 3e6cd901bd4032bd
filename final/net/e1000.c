/*
 * Intel's e1000 family, as little of it as will do: one ring of descriptors to
 * send, one to receive, both in memory that the card reads and writes.
 *
 *	         TDH: the card's next     TDT: ours
 *	          |                        |
 *	 done ... v being sent ........... v gap, done ...
 *	+---+---+---+---+---+---+---+---+---+---+---+---+
 *	|DD |DD |   |   |   |   |   |   |   |DD |DD |DD |
 *	+---+---+---+---+---+---+---+---+---+---+---+---+
 *
 * The card works on what is between head and tail; equal, they mean an empty
 * ring, so that one slot is always a gap. It sets DD in each descriptor that it
 * has done with. To receive, it is the same ring with roles exchanged: between
 * RDH and RDT are empty buffers.
 *
 * The memory is the card's as much as ours, and what stands there is believed
 * only as far as it can do no harm. Where we are in the rings we know
 * ourselves; the address of a buffer is never read back; a length is checked.
 * Each wait counts its reads of a register, of which one takes about a
 * microsecond: it ends, even if the card is gone and all of them are ones.
 *
 * A CPU may be stopped by a panic anywhere in here. So a slot is filled first,
 * then counted by us, then told to the card: whoever goes on, on another CPU,
 * fills it once more, or tells the card of two.
 *
 * Sections are those of Intel's 317453 (8254x); the 82574 has its own datasheet
 * and its differences are told. Book: chapter 14.
 */
#include "net/e1000.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "net/mmio.h"
#include "page/page.h"
#include "paging/paging.h"
#include "smp/delay.h"

/* Registers (13.4), and the end of those that we use. */
#define CTRL        0x0000
#define STATUS      0x0008
#define CTRL_EXT    0x0018
#define EERD        0x0014
#define ICR         0x00c0
#define IMC         0x00d8
#define RCTL        0x0100
#define TCTL        0x0400
#define TIPG        0x0410
#define EXTCNF_CTRL 0x0f00 /* 82574 */
#define RX_RING     0x2800
#define TDFH        0x3410
#define TDFT        0x3418
#define TX_RING     0x3800
#define TXDCTL      0x3828
#define MTA         0x5200 /* 128 words */
#define RAL0        0x5400
#define RAH0        0x5404
#define REGS_SIZE   0x6000

/* From RX_RING or TX_RING on (13.4.25 to 29, 36 to 40). */
#define RING_BASE   0x00
#define RING_BASE_H 0x04
#define RING_LENGTH 0x08
#define RING_HEAD   0x10
#define RING_TAIL   0x18

#define CTRL_NO_MASTER BIT(2) /* 82574: begin no more DMA */
#define CTRL_SLU       BIT(6) /* let the PHY's link come through (8.6.2.1) */
#define CTRL_FORCE     (BIT(11) | BIT(12)) /* speed and duplex by software */
#define CTRL_RST       BIT(26)

#define STATUS_LU     BIT(1)
#define STATUS_MASTER BIT(19) /* 82574: DMA is allowed, or still going on */

#define CTRL_EXT_DRV_LOAD BIT(28) /* 82574: says so to its firmware */
#define EXTCNF_SW_OWNS    BIT(5)  /* 82574: its firmware leaves the PHY alone */
#define TXDCTL_COUNT_DESC BIT(22) /* 82574: to be set, always */

#define RCTL_EN     BIT(1)
#define RCTL_BAM    BIT(15) /* broadcasts, too; buffers of 2048 by bits 17:16 */
#define RCTL_SECRC  BIT(26) /* without the checksum */
#define TCTL_EN     BIT(1)
#define TCTL_PSP    BIT(3)                       /* pad short frames */
#define TCTL_RETRY  (0x0fUL << 4 | 0x40UL << 12) /* as 13.4.33 recommends */
#define TIPG_COPPER 0x00602008                   /* as IEEE 802.3 wants it */
#define RAH_AV      BIT(31)
#define MULTICAST   BIT(0) /* of an address: no card's */

#define EERD_START BIT(0)
#define EERD_DONE  BIT(4)

/* Legacy descriptors (3.2.3, 3.3.3). */
struct rx_desc {
	u64 address;
	u16 length, checksum;
	u8 status, errors;
	u16 special;
};

struct tx_desc {
	u64 address;
	u16 length;
	u8 checksum_offset, command, status, checksum_start;
	u16 special;
};

_Static_assert(sizeof(struct rx_desc) == 16 && sizeof(struct tx_desc) == 16,
	       "the size that the card has");

#define DESC_DD  0x01 /* status: done */
#define RX_EOP   0x02 /* status: the frame ends here */
#define TX_EOP   0x01 /* command: the frame ends here; */
#define TX_IFCS  0x02 /* add the checksum; */
#define TX_RS    0x08 /* report by DD */
#define TX_FRAME (TX_EOP | TX_IFCS | TX_RS)

#define SLOTS       32 /* of each ring */
#define RING_BYTES  (SLOTS * sizeof(struct tx_desc))
#define BUFFER_SIZE 2048

/* The memory that we share with the card, and with nobody else: whole pages. */
struct rings {
	struct tx_desc tx[SLOTS];
	struct rx_desc rx[SLOTS];
	u8 tx_buffer[SLOTS][BUFFER_SIZE] __aligned(PAGE_SIZE);
	u8 rx_buffer[SLOTS][BUFFER_SIZE];
};

_Static_assert(RING_BYTES % 128 == 0 && sizeof(struct rings) % PAGE_SIZE == 0,
	       "rings of the allowed length, pages that are nobody else's");

/* Turns of waiting, each of a read or two of a register. */
#define SEND_READS   500
#define DRAIN_READS  1000
#define EEPROM_READS 10000
#define STOP_READS   100000 /* a PCIe request may be open for 50 ms */

#define RESET_TIME  20000 /* microseconds; the EEPROM is read anew (14.7) */
#define RESET_TRIES 5

static struct e1000 {
	volatile void *regs;
	volatile struct rings *rings;
	phys_t rings_phys;
	u64 address;      /* on the network, as RAL0 and RAH0 have it */
	uint tx, rx;      /* the gap; what is received next */
	bool stalled;     /* waited in vain for it to send */
	bool in_fragment; /* a frame has begun that is too long for us */
} e1000;

static u32 get(uint reg)
{
	return mmio_read(e1000.regs, reg);
}

static void set(uint reg, u32 value)
{
	mmio_write(e1000.regs, reg, value);
}

static uint after(uint slot)
{
	return (slot + 1) % SLOTS;
}

static u64 phys_of(const volatile void *part)
{
	return e1000.rings_phys.v + ((u64)part - (u64)e1000.rings);
}

/* Where no card is, all registers read as ones, or in some machines as zeros;
 * and one that was reset behind our back has no ring. */
static bool is_gone(void)
{
	return get(TX_RING + RING_LENGTH) != RING_BYTES;
}

/*
 * No DMA and no interrupts; whatever ran on it is over. Firmware may have left
 * a card that receives: its driver for network boot, into memory that is the
 * guest's by now. On the bus it can do nothing since pci_take(), but a reset
 * while it waits for an answer hangs it (82574 datasheet, "Master Disable").
 */
static int reset(void)
{
	bool is_82574 = get(STATUS) & STATUS_MASTER;

	set(IMC, ~0U);
	set(RCTL, 0);
	set(TCTL, TCTL_PSP);
	if (is_82574) {
		set(CTRL, get(CTRL) | CTRL_NO_MASTER);
		for (uint i = 0; i < STOP_READS; i++)
			if (!(get(STATUS) & STATUS_MASTER))
				break;
		for (uint i = 0; i < SEND_READS; i++) {
			set(EXTCNF_CTRL, get(EXTCNF_CTRL) | EXTCNF_SW_OWNS);
			if (get(EXTCNF_CTRL) & EXTCNF_SW_OWNS)
				break;
		}
	}
	set(CTRL, get(CTRL) | CTRL_RST);
	for (uint i = 0; i < RESET_TRIES; i++) {
		delay(RESET_TIME);
		if (!(get(CTRL) & CTRL_RST))
			break;
	}
	if (get(CTRL) & CTRL_RST)
		return -ENODEV; /* among others, as it is gone */
	set(IMC, ~0U);
	get(ICR);
	if (is_82574) {
		set(EXTCNF_CTRL, get(EXTCNF_CTRL) & ~EXTCNF_SW_OWNS);
		set(CTRL_EXT, get(CTRL_EXT) | CTRL_EXT_DRV_LOAD);
		set(TXDCTL, get(TXDCTL) | TXDCTL_COUNT_DESC);
	}
	return 0;
}

/* The descriptor is the card's to fill. */
static void give_buffer(uint slot)
{
	e1000.rings->rx[slot] = (struct rx_desc){
		.address = phys_of(e1000.rings->rx_buffer[slot]),
	};
}

static void set_ring(uint ring, const volatile void *first, uint tail)
{
	u64 phys = phys_of(first);

	set(ring + RING_BASE, phys);
	set(ring + RING_BASE_H, phys >> 32);
	set(ring + RING_LENGTH, RING_BYTES);
	set(ring + RING_HEAD, 0);
	set(ring + RING_TAIL, tail);
}

static void empty_rings(void)
{
	for (uint i = 0; i < SLOTS; i++) {
		give_buffer(i);
		e1000.rings->tx[i] = (struct tx_desc){
			.address = phys_of(e1000.rings->tx_buffer[i]),
			.status = DESC_DD,
		};
	}
	e1000.tx = e1000.rx = 0;
	e1000.stalled = e1000.in_fragment = false;
}

/* After a reset, all that makes it run (14.3 to 5). The PHY sets itself up, and
 * then the MAC (8.6.2.2.3). */
static void run(void)
{
	empty_rings();
	set(CTRL, (get(CTRL) & ~(CTRL_FORCE | CTRL_NO_MASTER)) | CTRL_SLU);
	for (uint i = 0; i < 128; i++)
		set(MTA + i * 4, 0);
	set(RAL0, e1000.address);
	set(RAH0, e1000.address >> 32 | RAH_AV);
	set_ring(TX_RING, e1000.rings->tx, 0);
	set(TIPG, TIPG_COPPER);
	set(TCTL, TCTL_EN | TCTL_PSP | TCTL_RETRY);
	set_ring(RX_RING, e1000.rings->rx, 0);
	set(RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC);
	set(RX_RING + RING_TAIL, SLOTS - 1);
}

static int e1000_link(struct nic *nic)
{
	return is_gone() ? -ENODEV : !!(get(STATUS) & STATUS_LU);
}

/*
 * The slot after the gap becomes the gap, so it must be done with. What DD
 * says can't harm us: if it lies, a frame is garbled.
 */
static int wait_for_room(struct nic *nic)
{
	volatile struct tx_desc *next = &e1000.rings->tx[after(e1000.tx)];
	uint reads = e1000.stalled ? 0 : SEND_READS;

	while (!(next->status & DESC_DD) && reads-- && e1000_link(nic) > 0)
		;
	e1000.stalled = !(next->status & DESC_DD);
	if (is_gone())
		return -ENODEV;
	return e1000.stalled ? -EAGAIN : 0;
}

static int e1000_send(struct nic *nic, const void *frame, size_t length)
{
	volatile struct rings *rings = e1000.rings;
	int error = wait_for_room(nic);

	if (error)
		return error;
	memcpy((void *)rings->tx_buffer[e1000.tx], frame, length);
	rings->tx[e1000.tx] = (struct tx_desc){
		.address = phys_of(rings->tx_buffer[e1000.tx]),
		.length = length,
		.command = TX_FRAME,
	};
	e1000.tx = after(e1000.tx);
	set(TX_RING + RING_TAIL, e1000.tx);
	return 0;
}

/* DD says that a frame is in the card; it is out when its FIFO is empty too. */
static int e1000_drain(struct nic *nic)
{
	uint last = (e1000.tx + SLOTS - 1) % SLOTS;

	for (uint i = 0; i < DRAIN_READS && e1000_link(nic) > 0; i++)
		if (e1000.rings->tx[last].status & DESC_DD &&
		    get(TDFH) == get(TDFT))
			return 0;
	return is_gone() ? -ENODEV : -EAGAIN;
}

/* Copy the frame of @slot, if it makes sense: all of it in one buffer, without
 * an error, and of a length that an Ethernet frame has. */
static int copy_frame(uint slot, u8 status, void *frame, size_t room)
{
	volatile struct rx_desc *desc = &e1000.rings->rx[slot];
	size_t length = desc->length; /* read once */
	bool is_whole = status & RX_EOP && !e1000.in_fragment;

	e1000.in_fragment = !(status & RX_EOP);
	if (!is_whole || desc->errors || length < FRAME_MIN ||
	    length > MIN(room, (size_t)FRAME_MAX))
		return -EINVAL;
	memcpy(frame, (void *)e1000.rings->rx_buffer[slot], length);
	return length;
}

/* The slot before @e1000.rx is the gap. It is made ready and given to the card,
 * and this one becomes the gap. */
static int e1000_receive(struct nic *nic, void *frame, size_t room)
{
	uint slot = e1000.rx;
	u8 status = e1000.rings->rx[slot].status;
	int n;

	if (!(status & DESC_DD))
		return 0;
	n = copy_frame(slot, status, frame, room);
	give_buffer((slot + SLOTS - 1) % SLOTS);
	e1000.rx = after(slot);
	set(RX_RING + RING_TAIL, slot);
	return n;
}

static bool ring_is_ours(uint ring, const volatile void *first)
{
	u64 phys = phys_of(first);

	return get(ring + RING_BASE) == (u32)phys &&
	       get(ring + RING_BASE_H) == phys >> 32 &&
	       get(ring + RING_LENGTH) == RING_BYTES &&
	       get(ring + RING_HEAD) < SLOTS && get(ring + RING_TAIL) < SLOTS;
}

/* Is all as run() has left it, in the card and in memory? */
static bool is_in_order(void)
{
	volatile struct rings *rings = e1000.rings;

	if (e1000.tx >= SLOTS || e1000.rx >= SLOTS)
		return false;
	for (uint i = 0; i < SLOTS; i++)
		if (rings->tx[i].address != phys_of(rings->tx_buffer[i]) ||
		    rings->rx[i].address != phys_of(rings->rx_buffer[i]))
			return false;
	return get(TCTL) & TCTL_EN && get(RCTL) & RCTL_EN &&
	       ring_is_ours(TX_RING, rings->tx) &&
	       ring_is_ours(RX_RING, rings->rx);
}

static int e1000_restore(struct nic *nic)
{
	e1000.stalled = false;
	if (is_in_order())
		return 0;
	if (reset())
		return -ENODEV;
	run();
	return is_in_order() ? 0 : -ENODEV;
}

static void e1000_stop(struct nic *nic)
{
	reset();
}

static const struct nic_driver driver = {
	.send = e1000_send,
	.drain = e1000_drain,
	.receive = e1000_receive,
	.link = e1000_link,
	.restore = e1000_restore,
	.stop = e1000_stop,
};

static bool read_eeprom(volatile void *regs, uint word, u64 *value)
{
	u32 answer;

	mmio_write(regs, EERD, word << 8 | EERD_START);
	for (uint i = 0; i < EEPROM_READS; i++) {
		answer = mmio_read(regs, EERD);
		if (answer & EERD_DONE) {
			*value = answer >> 16;
			return true;
		}
	}
	return false;
}

/*
 * Its address: what it has loaded from its EEPROM at reset, or, where a board
 * does without that, the first three words there (5.6.1), as the 8254x reads
 * them. 0: it has none that a card could have.
 */
static u64 read_address(volatile void *regs)
{
	u64 address = mmio_read(regs, RAL0), w[3];
	u32 high = mmio_read(regs, RAH0);

	address |= (u64)(u16)high << 32;
	if (!(high & RAH_AV)) {
		for (uint i = 0; i < 3; i++)
			if (!read_eeprom(regs, i, &w[i]))
				return 0;
		address = w[0] | w[1] << 16 | w[2] << 32;
	}
	return address & MULTICAST ? 0 : address;
}

static volatile void *map_registers(u64 base)
{
	return base ? map_phys(PHYS(base), REGS_SIZE, MAP_WRITE | MAP_DEVICE)
		    : NULL;
}

int e1000_read_mac(const struct pci_function *function, u8 *mac)
{
	u16 bdf = function->bdf, command = pci_read(bdf, PCI_COMMAND);
	u64 base = pci_read(bdf, PCI_BAR0), address;
	volatile void *regs;

	if (base & PCI_BAR_64)
		base |= (u64)pci_read(bdf, PCI_BAR0 + 4) << 32;
	regs = map_registers(ALIGN_DOWN(base, 16));
	if (!regs)
		return -ENODEV;
	pci_write(bdf, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	address = read_address(regs);
	memcpy(mac, &address, MAC_SIZE);
	pci_write(bdf, PCI_COMMAND, command);
	return address ? 0 : -ENODEV;
}

const char *e1000_start(struct nic *nic)
{
	const struct pci_bar *bar = &nic->pci.bars[0];
	void *rings;

	e1000.regs = NULL;
	if (!bar->io && bar->size >= REGS_SIZE)
		e1000.regs = map_registers(bar->base);
	if (!e1000.regs)
		return "the firmware has given it no addresses";
	if (reset())
		return "it does not answer";
	e1000.address = read_address(e1000.regs);
	if (!e1000.address)
		return "it has no address of its own";
	if (alloc_pages(&rings, &e1000.rings_phys,
			sizeof(struct rings) / PAGE_SIZE))
		return "no memory for it";
	e1000.rings = rings;
	run();
	if (!is_in_order())
		return "it does not keep what it is told";
	memcpy(nic->mac, &e1000.address, MAC_SIZE);
	pci_allow_dma(&nic->pci, true);
	nic->driver = &driver;
	nic->memory = e1000.rings_phys;
	nic->size = sizeof(struct rings);
	return NULL;
}
