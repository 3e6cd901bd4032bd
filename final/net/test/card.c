/* See card.h. */
#include "card.h"

#include "lib/errno.h"
#include "net/mmio.h"
#include "page/page.h"
#include "paging/paging.h"
#include "smp/cpus.h"
#include "smp/delay.h"

#define CTRL    0x0000
#define STATUS  0x0008
#define EERD    0x0014
#define RCTL    0x0100
#define TCTL    0x0400
#define EXTCNF  0x0f00
#define RX_RING 0x2800
#define TX_RING 0x3800
#define RAL0    0x5400
#define RAH0    0x5404
#define LENGTH  0x08
#define HEAD    0x10
#define TAIL    0x18

#define EN         BIT(1)
#define NO_MASTER  BIT(2)
#define RST        BIT(26)
#define LU         BIT(1)
#define STATUS_DMA BIT(19)

#define RINGS_PHYS 0x3fe00000UL

struct card card;
u8 *card_memory;
size_t card_memory_size;

static u32 regs[0x6000 / 4];
static u8 window[0x6000]; /* where map_phys() says that they are */
static u32 pci[64];
static u32 pci_address;

void card_reset(void)
{
	memset(&card, 0, sizeof(card));
	memset(regs, 0, sizeof(regs));
	memset(pci, 0, sizeof(pci));
	card.device = 0x10d3;
	card.bar = CARD_BAR;
	card.gone_value = ~0U;
	card.command = PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY | 1;
	pci[0x44 / 4] = 3;   /* D3: asleep */
	regs[RCTL / 4] = EN; /* into firmware's ring */
	regs[RX_RING / 4] = 0x1000;
	regs[(RX_RING + LENGTH) / 4] = 128;
	regs[RAL0 / 4] = 0x12005452;
	regs[RAH0 / 4] = BIT(31) | 0x5634;
	host_printed[0] = '\0';
	pci_lock = SPINLOCK_INIT; /* a test that failed may have it */
	libc_free(card_memory);
	card_memory = NULL;
}

/* Memory for the rings, of which the sanitizer knows where it ends. */
int alloc_pages(void **virt, phys_t *phys, int n)
{
	if (card.no_memory)
		return -ENOMEM;
	card_memory_size = n * PAGE_SIZE;
	card_memory = aligned_alloc(PAGE_SIZE, card_memory_size);
	memset(card_memory, 0x5a, card_memory_size);
	*virt = card_memory;
	*phys = PHYS(RINGS_PHYS);
	return 0;
}

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	assert_true(flags == (MAP_WRITE | MAP_DEVICE));
	assert_true(size <= sizeof(window));
	return phys.v == card.bar ? window : NULL;
}

void delay(uint us)
{
	card.waited += us;
	assert_true(card.waited < 10000000);
}

int smp_find_table(const char *signature, struct acpi_table *table)
{
	return card.iommu && !strcmp(card.iommu, signature) ? 0 : -ENOENT;
}

bool iommu_expected(void)
{
	return card.iommu && card.iommu_is_ours;
}

const char *bridge_alias(const struct pci_function *function)
{
	return card.alias;
}

static u8 *dma(u64 phys, size_t size)
{
	assert_true(card.command & PCI_COMMAND_MASTER);
	assert_true(phys >= RINGS_PHYS &&
		    phys + size <= RINGS_PHYS + card_memory_size);
	return card_memory + (phys - RINGS_PHYS);
}

static u64 ring_base(uint ring)
{
	return (u64)regs[ring / 4 + 1] << 32 | regs[ring / 4];
}

void *card_descriptor(bool tx, uint i)
{
	return dma(ring_base(tx ? TX_RING : RX_RING) + 16 * i, 16);
}

static uint ring_next(uint ring, uint i)
{
	return (i + 1) % (regs[(ring + LENGTH) / 4] / 16);
}

/* Send all that is between head and tail. */
static void send_frames(void)
{
	u32 *head = &regs[(TX_RING + HEAD) / 4];

	while (!card.never_advances && !card.no_link && regs[TCTL / 4] & EN &&
	       *head != regs[(TX_RING + TAIL) / 4]) {
		u8 *desc = card_descriptor(CARD_TX, *head);
		u64 address;
		u16 length;

		memcpy(&address, desc, 8);
		memcpy(&length, desc + 8, 2);
		assert_int_equal(desc[11], 0x0b); /* EOP, IFCS, RS */
		assert_true(length >= FRAME_MIN && length <= FRAME_MAX);
		memcpy(card.frame, dma(address, length), length);
		card.frame_length = length;
		card.frames++;
		desc[12] |= 1;
		*head = ring_next(TX_RING, *head);
	}
}

bool card_receives(const void *bytes, size_t size, u16 length, u8 status,
		   u8 errors)
{
	u32 *head = &regs[(RX_RING + HEAD) / 4];
	u8 *desc;
	u64 address;

	if (!(regs[RCTL / 4] & EN) || *head == regs[(RX_RING + TAIL) / 4])
		return false;
	desc = card_descriptor(CARD_RX, *head);
	memcpy(&address, desc, 8);
	memcpy(dma(address, size), bytes, size);
	memcpy(desc + 8, &length, 2);
	desc[12] = status;
	desc[13] = errors;
	*head = ring_next(RX_RING, *head);
	return true;
}

/* What a reset leaves: not the address, which is read from the EEPROM. */
static void reset_registers(void)
{
	u32 low = regs[RAL0 / 4], high = regs[RAH0 / 4];

	memset(regs, 0, sizeof(regs));
	regs[RAL0 / 4] = card.no_address || card.not_loaded ? 0 : low;
	regs[RAH0 / 4] = card.no_address || card.not_loaded ? 0 : high;
	regs[CTRL / 4] = card.hangs ? RST : 0;
	card.resets++;
}

static u32 read_eeprom(uint word)
{
	static const u16 words[3] = {0x5452, 0x1200, 0x5634};

	assert_true(word < 3);
	return card.no_address ? 0 : words[word] << 16 | BIT(4);
}

static bool access_counted(void)
{
	card.accesses++;
	if (card.accesses == card.goes_at)
		card.is_gone = true;
	if (card.accesses == card.stopped_at)
		longjmp(card.stopped, 1);
	return !card.is_gone && card.command & PCI_COMMAND_MEMORY;
}

u32 mmio_read(const volatile void *base, uint offset)
{
	bool is_pcie = card.device == 0x10d3;

	assert_true(base == window && offset < sizeof(regs));
	if (!access_counted())
		return card.gone_value;
	if (offset != STATUS)
		return regs[offset / 4];
	return (card.no_link || !(regs[CTRL / 4] & BIT(6)) ? 0 : LU) |
	       (is_pcie && !(regs[CTRL / 4] & NO_MASTER) ? STATUS_DMA : 0);
}

void mmio_write(volatile void *base, uint offset, u32 value)
{
	assert_true(base == window && offset < sizeof(regs));
	if (!access_counted())
		return;
	if (offset == CTRL && value & RST) {
		/* On the bus it must be quiet, or it hangs. */
		assert_false(card.command & PCI_COMMAND_MASTER &&
			     card.device == 0x10d3 &&
			     !(regs[CTRL / 4] & NO_MASTER));
		reset_registers();
		return;
	}
	/* Heads are for software only while nothing runs (13.4.39). */
	if (offset == TX_RING + HEAD)
		assert_false(regs[TCTL / 4] & EN);
	if (offset == RX_RING + HEAD)
		assert_false(regs[RCTL / 4] & EN);
	regs[offset / 4] = value;
	if (offset == EERD)
		regs[offset / 4] = read_eeprom(value >> 8);
	if (offset == TX_RING + TAIL)
		send_frames();
}

u32 card_register(uint offset)
{
	return regs[offset / 4];
}

void card_set_register(uint offset, u32 value)
{
	regs[offset / 4] = value;
	send_frames();
}

/* Configuration space: function 0 of its device is another one. */

static u32 config_read(u16 bdf, uint reg)
{
	if (bdf == (CARD_SLOT & ~7))
		return reg == PCI_ID       ? 0x12348086
		       : reg == PCI_CLASS  ? 0x01060100
		       : reg == PCI_HEADER ? PCI_HEADER_MULTI
					   : 0;
	if (bdf != CARD_SLOT)
		return ~0U;
	switch (reg) {
	case PCI_ID:
		return card.device << 16 | 0x8086;
	case PCI_COMMAND:
		return card.command | PCI_STATUS_CAPS;
	case PCI_CLASS:
		return 0x02000000;
	case PCI_BAR0:
		return (pci[reg / 4] == ~0U ? ~0x1ffffU : card.bar) | 4;
	case PCI_BAR0 + 4:
		return pci[reg / 4] == ~0U ? ~0U : card.bar >> 32;
	case PCI_BAR0 + 8:
		return (pci[reg / 4] == ~0U ? 0xffe0 : 0xc000) | 1;
	case PCI_CAPS:
		return 0x40;
	case 0x40: /* power management, in D3; then MSI; then in a circle */
		return 0x5001;
	case 0x44:
		return pci[reg / 4] | 0x8;
	case 0x50:
		return 0x6005 | (pci[reg / 4] & 0xffff0000);
	case 0x60:
		return 0x4011 | (pci[reg / 4] & 0xffff0000);
	default:
		return pci[reg / 4];
	}
}

u32 inl(u16 port)
{
	if (port == PCI_ADDRESS)
		return pci_address;
	assert_int_equal(port, PCI_DATA);
	assert_true(pci_address & PCI_ENABLE);
	return config_read(pci_address >> 8, pci_address & 0xfc);
}

void outl(u16 port, u32 value)
{
	if (port == PCI_ADDRESS) {
		pci_address = value;
		return;
	}
	assert_int_equal(port, PCI_DATA);
	assert_int_equal((u16)(pci_address >> 8), CARD_SLOT);
	/* A BAR that is measured decodes nonsense meanwhile. */
	if ((pci_address & 0xfc) >= PCI_BAR0 && (pci_address & 0xfc) < 0x28)
		assert_false(card.command & 3);
	pci[(pci_address & 0xfc) / 4] = value;
	if ((pci_address & 0xfc) == PCI_BAR0 && value != ~0U)
		card.bar = (card.bar & ~0xffffffffUL) | (value & ~0xfU);
	if ((pci_address & 0xfc) == PCI_BAR0 + 4 && value != ~0U)
		card.bar = (u32)card.bar | (u64)value << 32;
	if ((pci_address & 0xfc) != PCI_COMMAND)
		return;
	/* DMA is allowed to a card that knows our rings only. */
	if (~card.command & value & PCI_COMMAND_MASTER) {
		card.command = value;
		dma(ring_base(RX_RING), regs[(RX_RING + LENGTH) / 4]);
	}
	card.command = value;
}
