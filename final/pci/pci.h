/*
 * PCI configuration space: who is there, and where its registers are.
 *
 * By the ports CF8h and CFCh (PCI 3.0, 3.2.2.3.2), which every PC has, and
 * which reach the first 256 bytes of each function of segment 0. That is all
 * that a network card is found by and set up with. Book: chapter 14.
 */
#ifndef PCI_PCI_H
#define PCI_PCI_H

#include "lib/spinlock.h"
#include "lib/types.h"

#define PCI_ADDRESS 0xcf8 /* PCI_ENABLE | function << 8 | register */
#define PCI_DATA    0xcfc
#define PCI_ENABLE  BIT(31)

/* A function's number as it stands in PCI_ADDRESS, in ECAM (20 address bits
 * from there on) and in an IOMMU's tables: bus, device, function. */
#define PCI_BDF(bus, device, function) \
	((u16)((bus) << 8 | (device) << 3 | (function)))
#define PCI_BUS(bdf)      ((uint)(bdf) >> 8)
#define PCI_DEV(bdf)      ((uint)(bdf) >> 3 & 31)
#define PCI_FUNC(bdf)     ((uint)(bdf)&7)
#define PCI_BDF_FORMAT    "%02x:%02x.%x"
/* The three arguments of that. */
#define PCI_BDF_ARGS(bdf) PCI_BUS(bdf), PCI_DEV(bdf), PCI_FUNC(bdf)

/* Registers of a function (PCI 3.0, 6.1 and 6.2). */
#define PCI_ID      0x00 /* vendor, device << 16 */
#define PCI_COMMAND 0x04 /* and status << 16 */
#define PCI_CLASS   0x08 /* revision, then class, subclass, interface */
#define PCI_HEADER  0x0c /* its type in bits 22:16 */
#define PCI_BAR0    0x10
#define PCI_BUSES   0x18 /* of a bridge: primary, secondary, subordinate */
#define PCI_ROM     0x30
#define PCI_CAPS    0x34 /* offset of the first capability */

#define PCI_COMMAND_IO     BIT(0)  /* its ports can be reached, */
#define PCI_COMMAND_MEMORY BIT(1)  /* and its memory */
#define PCI_COMMAND_MASTER BIT(2)  /* it may do DMA */
#define PCI_COMMAND_NO_INT BIT(10) /* its INTx line stays still (from 2.3 on) */
#define PCI_STATUS_CAPS    BIT(20) /* it has a list of capabilities */

/* Capabilities (PCI 3.0, appendix H): in their first register an ID, and where
 * the next one is. */
#define PCI_CAP_PM    0x01
#define PCI_CAP_MSI   0x05
#define PCI_CAP_PCIE  0x10
#define PCI_CAP_MSIX  0x11
#define PCI_CAPS_MOST 48 /* of 4 bytes at least: if more, they go in a circle */

#define PCI_HEADER_TYPE(header) ((header) >> 16 & 0x7f)
#define PCI_HEADER_MULTI        BIT(23)
#define PCI_TYPE_DEVICE         0
#define PCI_TYPE_BRIDGE         1

#define PCI_BARS   6
#define PCI_BAR_64 BIT(2) /* in a BAR: the next one is its upper half */

/* Where the function's registers lie, as the firmware has placed them. */
struct pci_bar {
	u64 base; /* 0: there is no such BAR, or it was never placed */
	u64 size; /* a power of two; 0: likewise */
	bool io;  /* ports, not memory */
};

struct pci_function {
	u16 bdf;
	u16 vendor, device;
	u32 class; /* class << 16 | subclass << 8 | interface */
	u8 type;   /* PCI_TYPE_..., of its header */
	/* The rest is there once pci_take() has been called. A BAR of 64 bits
	 * takes up two: the second is empty. */
	struct pci_bar bars[PCI_BARS];
};

/* Protects the two ports, of which the second means what the first says. Nobody
 * prints while he holds it. */
extern spinlock_t pci_lock;

/*
 * Read or write the 32-bit register @reg (a multiple of 4, below 256) of the
 * function @bdf. Where nobody is, all bits read as ones. What PCI_ADDRESS had
 * before it has again afterwards: the guest may be about to use it. Any CPU;
 * takes pci_lock.
 */
u32 pci_read(u16 bdf, uint reg);
void pci_write(u16 bdf, uint reg, u32 value);

/*
 * Fill *@function with the first function at or behind *@next, and let *@next
 * be what follows it; from 0 on, until that returns false. All buses are asked,
 * whatever the bridges say: a PC may have more host bridges than one. What
 * other segments have is not seen. Before the guest runs.
 */
bool pci_next(u32 *next, struct pci_function *function);

/* The next capability of @bdf behind the one at @at, the first behind 0; 0:
 * there are no more. Any CPU. */
uint pci_next_capability(u16 bdf, uint at);

/* Where @bdf's capability @id is. 0: it has none. Any CPU. */
uint pci_find_capability(u16 bdf, u8 id);

/* Is @function number 0 of a device that has others? Any CPU. */
bool pci_has_siblings(const struct pci_function *function);

/*
 * Make @function ours: find out where its registers lie, in @function->bars;
 * let it do no DMA, raise no interrupt of any kind, answer at no port and show
 * no ROM; and wake it up. From here on its memory can be reached; DMA is for
 * the driver to allow, once it has been stopped. Phase device, CPU 0.
 */
void pci_take(struct pci_function *function);

/* @function, which pci_take() has made ours, has lost all since then: put its
 * registers back where they were. CPU 0, no guest runs. */
void pci_take_again(const struct pci_function *function);

/* May @function, which is ours, do DMA? */
void pci_allow_dma(const struct pci_function *function, bool allow);

#endif
