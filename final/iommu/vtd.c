/*
 * Intel's IOMMU: VT-d (revision 3.4).
 *
 *	root table: an entry for each bus --> context table: an entry for each
 *	function of a bus --> page tables
 *
 * All functions of all buses have one map, so all root entries lead to one
 * context table, whose entries are all alike. Two pages, whatever the machine
 * has; and two more if one function has a map of its own.
 *
 * A unit keeps what it has read in caches, and it is told when that is wrong:
 * once, when we start it, because nothing changes after that. Book: chapter 15.
 */
#include "iommu/unit.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/pagetable.h"

/* Registers (11.4). */
#define VER    0x00
#define CAP    0x08
#define ECAP   0x10
#define GCMD   0x18
#define GSTS   0x1c
#define RTADDR 0x20
#define CCMD   0x28
#define FSTS   0x34
#define FECTL  0x38
#define PMEN   0x64

/* Commands, and the same bits of the status. */
#define G_TE   BIT(31) /* translate */
#define G_SRTP BIT(30) /* take the root table's address */
#define G_WBF  BIT(27) /* flush the write buffer */
#define G_QIE  BIT(26) /* commands come from a queue */
#define G_IRE  BIT(25) /* remap interrupts */
/* Bits that are commands of one moment, and must not be written again. */
#define G_ONCE (BIT(24) | BIT(27) | BIT(29) | BIT(30))

#define CAP_RWBF       BIT(4)
#define CAP_SAGAW_3    BIT(9)
#define CAP_SAGAW_4    BIT(10)
#define CAP_MGAW(cap)  (((cap) >> 16 & 0x3f) + 1)
#define CAP_FRO(cap)   (((cap) >> 24 & 0x3ff) * 16)
#define CAP_2M         BIT(34)
#define CAP_1G         BIT(35)
#define CAP_NFR(cap)   (((cap) >> 40 & 0xff) + 1)

#define ECAP_COHERENT  BIT(0)
#define ECAP_IRO(ecap) (((ecap) >> 8 & 0x3ff) * 16)

#define CCMD_ALL  (BIT(63) | BIT(61)) /* invalidate; all contexts */
#define CCMD_BUSY BIT(63)

/* Of the two registers at ECAP_IRO, the second. */
#define IOTLB      8
#define IOTLB_ALL  (BIT(63) | BIT(60) | BIT(49) | BIT(48)) /* drained first */
#define IOTLB_BUSY BIT(63)

#define FSTS_OVERFLOW BIT(0)
#define FECTL_MASK    BIT(31) /* no interrupt for a fault */
#define FAULT_SIZE    16
#define FAULT_THERE   BIT(63) /* of the upper half */
#define FAULT_READ    BIT(62)

#define PMEN_ENABLE BIT(31)
#define PMEN_BUSY   BIT(0)

/* Entries of both tables are two words; this is the first one's. */
#define PRESENT BIT(0)
#define ENTRIES 256

/* Of a context entry's second word: the domain, and levels. */
#define CONTEXT(domain, levels) ((u64)(domain) << 8 | ((levels) - 2))
#define DOMAIN_ALL 1
#define DOMAIN_OWN 2

/* A read of a register takes about 1 us. */
#define PATIENCE 1000000

const struct dma_format vtd_format = {
	.table = BIT(0) | BIT(1),
	.leaf = BIT(0) | BIT(1),
	.large = BIT(7),
};

static const char *probe(struct iommu_unit *unit)
{
	u32 version = unit_read32(unit, VER);

	if (!version || version == ~0U)
		return "does not answer";
	unit->cap = unit_read64(unit, CAP);
	unit->ecap = unit_read64(unit, ECAP);
	if (unit->cap & CAP_SAGAW_4)
		unit->levels = 4;
	else if (unit->cap & CAP_SAGAW_3)
		unit->levels = 3;
	else
		return "walks no tables of ours";
	unit->max_leaf = unit->cap & CAP_1G   ? LEVEL_1G
			 : unit->cap & CAP_2M ? LEVEL_2M
					      : LEVEL_4K;
	unit->bits = MIN(CAP_MGAW(unit->cap), unit->levels * 9U + 12);
	unit->was_on = unit_read32(unit, GSTS) & G_TE;
	return NULL;
}

/* Wait until the bits @mask of the status are @want. */
static bool wait_for(const struct iommu_unit *unit, uint at, u32 mask, u32 want)
{
	for (uint i = 0; i < PATIENCE; i++)
		if ((unit_read32(unit, at) & mask) == want)
			return true;
	return false;
}

static bool wait_for64(const struct iommu_unit *unit, uint at, u64 busy)
{
	for (uint i = 0; i < PATIENCE; i++)
		if (!(unit_read64(unit, at) & busy))
			return true;
	return false;
}

/* Set or clear one bit of the command register (11.4.4.1). */
static bool command(const struct iommu_unit *unit, u32 bit, bool on)
{
	u32 keep = unit_read32(unit, GSTS) & ~G_ONCE;

	unit_write32(unit, GCMD, on ? keep | bit : keep & ~bit);
	return bit == G_WBF ? wait_for(unit, GSTS, bit, 0)
			    : wait_for(unit, GSTS, bit, on ? bit : 0);
}

/* Forget all that was read of former tables. */
static bool invalidate(const struct iommu_unit *unit)
{
	uint iotlb = ECAP_IRO(unit->ecap) + IOTLB;

	if ((unit->cap & CAP_RWBF) && !command(unit, G_WBF, true))
		return false;
	unit_write64(unit, CCMD, CCMD_ALL);
	if (!wait_for64(unit, CCMD, CCMD_BUSY))
		return false;
	unit_write64(unit, iotlb, IOTLB_ALL);
	return wait_for64(unit, iotlb, IOTLB_BUSY);
}

/* A context table whose entries all lead to @map. */
static u64 *new_contexts(const struct iommu_unit *unit,
			 const struct dma_map *map, phys_t *phys)
{
	u64 *table = new_page(phys);

	for (uint i = 0; table && i < ENTRIES; i++) {
		table[2 * i] = dma_map_root(map, unit->levels).v | PRESENT;
		table[2 * i + 1] = CONTEXT(DOMAIN_ALL, unit->levels);
	}
	return table;
}

/* The root table: 0 if there is no memory. */
static phys_t build(const struct iommu_unit *unit, const struct dma_map *all,
		    const struct dma_guest *own)
{
	phys_t root_phys, phys;
	u64 *root = new_page(&root_phys), *table;

	table = root ? new_contexts(unit, all, &phys) : NULL;
	if (!table)
		return PHYS(0);
	for (uint i = 0; i < ENTRIES; i++) {
		root[2 * i] = phys.v | PRESENT;
		root[2 * i + 1] = 0;
	}
	if (!own)
		return root_phys;
	table = new_contexts(unit, all, &phys);
	if (!table)
		return PHYS(0);
	root[2 * (own->bdf >> 8)] = phys.v | PRESENT;
	table += 2 * (own->bdf & 0xff);
	table[0] = dma_map_root(own->map, unit->levels).v | PRESENT;
	table[1] = CONTEXT(DOMAIN_OWN, unit->levels);
	return root_phys;
}

/* Firmware may protect some memory in a simpler way, until we translate. */
static bool open_protected(const struct iommu_unit *unit)
{
	if (!(unit_read32(unit, PMEN) & PMEN_BUSY))
		return true;
	unit_write32(unit, PMEN, 0);
	return wait_for(unit, PMEN, PMEN_BUSY, 0);
}

static const char *start(struct iommu_unit *unit, const struct dma_map *all,
			 const struct dma_guest *own)
{
	phys_t root = build(unit, all, own);

	if (!root.v)
		return "no memory for its tables";
	if (!(unit->ecap & ECAP_COHERENT))
		wbinvd(); /* it reads memory, not our caches */
	if (!command(unit, G_QIE, false) || !command(unit, G_IRE, false))
		return "does not stop what the firmware began";
	unit_write32(unit, FECTL, FECTL_MASK);
	unit_write64(unit, RTADDR, root.v);
	if (!command(unit, G_SRTP, true))
		return "does not take its tables";
	if (!invalidate(unit))
		return "does not forget what it has read";
	if (!command(unit, G_TE, true))
		return "does not begin";
	if (!open_protected(unit))
		return "keeps memory of the firmware's closed";
	return NULL;
}

static bool next_fault(struct iommu_unit *unit, struct dma_fault *fault)
{
	for (uint i = 0; i < CAP_NFR(unit->cap); i++) {
		uint at = CAP_FRO(unit->cap) + i * FAULT_SIZE;
		u64 high = unit_read64(unit, at + 8);

		if (!(high & FAULT_THERE))
			continue;
		fault->address = ALIGN_DOWN(unit_read64(unit, at), PAGE_SIZE);
		fault->bdf = high;
		fault->write = !(high & FAULT_READ);
		fault->reason = high >> 32;
		unit_write32(unit, at + 12, FAULT_THERE >> 32); /* taken */
		unit_write32(unit, FSTS, FSTS_OVERFLOW);
		return true;
	}
	return false;
}

const struct iommu_ops vtd_ops = {probe, start, next_fault};
