/*
 * Intel's IOMMU: VT-d (revision 3.4).
 *
 *	root table: an entry for each bus --> context table: an entry for each
 *	function of a bus --> page tables
 *
 * All functions of all buses have one map, so all root entries lead to one
 * context table, whose entries are all alike. Two pages, whatever the machine
 * has; and one more if one function has a map of its own.
 *
 * A unit keeps what it has read in caches, and it is told when that is wrong:
 * once, when we start it, because nothing changes after that. Book: chapter 15.
 */
#include "iommu/registers.h"

#include "lib/cpu.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/paging.h"

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
#define IQH    0x80
#define IQT    0x88
#define IQA    0x90

/* Commands, and the same bits of the status. */
#define G_TE    BIT(31) /* translate */
#define G_SRTP  BIT(30) /* take the root table's address */
#define G_EAFL  BIT(28) /* faults go to a log in memory */
#define G_WBF   BIT(27) /* flush the write buffer */
#define G_QIE   BIT(26) /* invalidations come from a queue */
#define G_IRE   BIT(25) /* remap interrupts */
/* Bits that are commands of one moment, and must not be written again; all but
 * the write buffer's are then in the status for good. */
#define G_ONCE  (BIT(24) | BIT(27) | BIT(29) | BIT(30))
#define G_STAYS (G_ONCE & ~G_WBF)

#define VER_MAJOR(ver) ((ver) >> 4 & 15)
#define VER_QUEUE_ONLY 6 /* invalidates by the queue alone (6.5) */

#define RTADDR_MODE (BIT(10) | BIT(11)) /* 0: as we have it */

#define CAP_RWBF      BIT(4)
#define CAP_SAGAW_3   BIT(9)
#define CAP_SAGAW_4   BIT(10)
#define CAP_MGAW(cap) (((cap) >> 16 & 0x3f) + 1)
#define CAP_FRO(cap)  (((cap) >> 24 & 0x3ff) * 16)
#define CAP_2M        BIT(34)
#define CAP_1G        BIT(35)
#define CAP_NFR(cap)  (((cap) >> 40 & 0xff) + 1)
#define CAP_ESRTPS    BIT(63) /* G_SRTP may change the mode, too */

#define ECAP_COHERENT  BIT(0)
#define ECAP_QUEUE     BIT(1)
#define ECAP_IRO(ecap) (((ecap) >> 8 & 0x3ff) * 16)

/* Invalidations by register: what is wanted, and what was done; 0: nothing. */
#define CCMD_ALL  (BIT(63) | BIT(61)) /* all contexts */
#define CCMD_BUSY BIT(63)
#define CCMD_DONE (BIT(60) | BIT(59))

/* Of the two registers at ECAP_IRO, the second. */
#define IOTLB      8
#define IOTLB_ALL  (BIT(63) | BIT(60) | BIT(49) | BIT(48)) /* drained first */
#define IOTLB_BUSY BIT(63)
#define IOTLB_DONE (BIT(58) | BIT(57))

/* The same by the queue: entries of two words (6.5.2). */
#define QUEUE_CONTEXTS (1 | BIT(4))
#define QUEUE_IOTLB    (2 | BIT(4) | BIT(6) | BIT(7)) /* drained first */
#define QUEUE_WAIT     (5 | BIT(5) | 1UL << 32)       /* then store 1 */
#define QUEUE_WORDS    (PAGE_SIZE / sizeof(u64))

#define FSTS_OVERFLOW BIT(0)
#define FSTS_PENDING  BIT(1)
#define FSTS_CLEAR    (BIT(0) | BIT(4) | BIT(5) | BIT(6)) /* and the queue's */
#define FECTL_MASK    BIT(31) /* no interrupt for a fault */
#define FAULT_SIZE    16
#define FAULT_THERE   BIT(63) /* of the upper half */
#define FAULT_READ    BIT(62)

#define PMEN_CLOSED BIT(0)

/* Entries of both tables are two words; this is the first one's. */
#define PRESENT BIT(0)
#define ENTRIES 256

/* Of a context entry's second word: the domain, and levels. */
#define CONTEXT(domain, levels) ((u64)(domain) << 8 | ((levels)-2))
#define DOMAIN_ALL              1
#define DOMAIN_OWN              2

/* A read of a register takes about 1 us. */
#define PATIENCE 1000000

const struct dma_format vtd_format = {
	.table = BIT(0) | BIT(1),
	.leaf = BIT(0) | BIT(1),
	.large = BIT(7),
};

/*
 * What all units share: the tables, with a device of our own and without, as
 * there are units of 3 and of 4 levels; and the queue, as they are started one
 * by one and it is empty in between. Its last word is where a unit says that it
 * is done.
 */
static phys_t roots[2][5];
static volatile u64 queue[QUEUE_WORDS] __aligned(PAGE_SIZE);

/* Newer ones have their last registers beyond the first page. */
static bool map_registers(struct iommu_unit *unit)
{
	u64 end = MAX(CAP_FRO(unit->cap) + CAP_NFR(unit->cap) * FAULT_SIZE,
		      ECAP_IRO(unit->ecap) + IOTLB + sizeof(u64));

	if (end <= unit->size)
		return true;
	unit->size = ALIGN_UP(end, PAGE_SIZE);
	unit->regs =
		map_phys(PHYS(unit->base), unit->size, MAP_WRITE | MAP_DEVICE);
	return unit->regs;
}

/* NULL, or what the firmware has begun that we can't end. */
static const char *look_at_firmware(const struct iommu_unit *unit)
{
	u32 status = unit_read32(unit, GSTS);

	if (status & G_IRE)
		return "remaps interrupts for the firmware, which goes on";
	if (!(unit->cap & CAP_ESRTPS) && status & G_TE &&
	    unit_read64(unit, RTADDR) & RTADDR_MODE)
		return "translates in a way that has to end before ours begins";
	return NULL;
}

static const char *probe(struct iommu_unit *unit)
{
	u32 version = unit_read32(unit, VER);
	const char *why;

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
	if (VER_MAJOR(version) >= VER_QUEUE_ONLY && !(unit->ecap & ECAP_QUEUE))
		return "can't be told to forget";
	why = look_at_firmware(unit);
	if (why)
		return why;
	if (!map_registers(unit))
		return "has registers where none can be";
	unit->max_leaf = unit->cap & CAP_1G   ? LEVEL_1G
			 : unit->cap & CAP_2M ? LEVEL_2M
					      : LEVEL_4K;
	unit->bits = MIN(CAP_MGAW(unit->cap), unit->levels * 9U + 12);
	*(u32 *)(unit->seen + GSTS) = unit_read32(unit, GSTS);
	return NULL;
}

/* Wait until of the register at @at the bits @mask are @want. */
static bool wait_for(const struct iommu_unit *unit, uint at, u32 mask, u32 want)
{
	for (uint i = 0; i < PATIENCE; i++)
		if ((unit_read32(unit, at) & mask) == want)
			return true;
	return false;
}

/* Set or clear one bit of the command register (11.4.4.1). */
static bool command(const struct iommu_unit *unit, u32 bit, bool on)
{
	u32 keep = unit_read32(unit, GSTS) & ~G_ONCE;

	if (!(bit & G_ONCE) && !(keep & bit) == !on)
		return true;
	unit_write32(unit, GCMD, on ? keep | bit : keep & ~bit);
	return wait_for(unit, GSTS, bit, on && bit != G_WBF ? bit : 0);
}

/*
 * What the firmware has begun, but not translation: faults are where we look,
 * and the queue is free. It may be stuck; then it is stopped all the same.
 */
static bool stop_firmware(const struct iommu_unit *unit)
{
	unit_write32(unit, FECTL, FECTL_MASK);
	unit_write32(unit, FSTS, FSTS_CLEAR);
	if (unit_read32(unit, GSTS) & G_QIE)
		wait_for(unit, IQH, ~0U, unit_read32(unit, IQT));
	return command(unit, G_QIE, false) && command(unit, G_EAFL, false);
}

/* Forget all that was read of former tables, by the queue. */
static bool invalidate_queued(const struct iommu_unit *unit)
{
	const u64 phys = virt_to_phys((void *)queue).v;
	volatile u64 *done = &queue[QUEUE_WORDS - 1];

	queue[0] = QUEUE_CONTEXTS;
	queue[2] = QUEUE_IOTLB;
	queue[4] = QUEUE_WAIT;
	queue[5] = phys + PAGE_SIZE - sizeof(u64);
	queue[1] = queue[3] = *done = 0;
	unit_write64(unit, IQT, 0);
	unit_write64(unit, IQA, phys);
	if (!command(unit, G_QIE, true))
		return false;
	unit_write64(unit, IQT, 6 * sizeof(u64));
	for (uint i = 0; i < PATIENCE && !*done; i++)
		unit_read32(unit, FSTS);
	return *done;
}

/* By register: by what it says once it is done, has it done anything? */
static bool invalidate_one(const struct iommu_unit *unit, uint at, u64 what,
			   u64 busy, u64 done)
{
	u64 value = what;

	unit_write64(unit, at, what);
	for (uint i = 0; i < PATIENCE && value & busy; i++)
		value = unit_read64(unit, at);
	return !(value & busy) && value & done;
}

static bool invalidate(const struct iommu_unit *unit)
{
	if (unit->ecap & ECAP_QUEUE)
		return invalidate_queued(unit);
	return invalidate_one(unit, CCMD, CCMD_ALL, CCMD_BUSY, CCMD_DONE) &&
	       invalidate_one(unit, ECAP_IRO(unit->ecap) + IOTLB, IOTLB_ALL,
			      IOTLB_BUSY, IOTLB_DONE);
}

/* An entry of a context table: the way to @map, or, if it is empty, nowhere. */
static void set_context(u64 *entry, const struct dma_map *map, uint levels,
			uint domain)
{
	phys_t root = dma_map_root(map, levels);

	entry[0] = root.v ? root.v | PRESENT : 0;
	entry[1] = CONTEXT(domain, levels);
}

/* A context table whose entries all lead to @map. */
static u64 *new_contexts(const struct dma_map *map, uint levels, phys_t *phys)
{
	u64 *table = new_page(phys);

	for (uint i = 0; table && i < ENTRIES; i++)
		set_context(table + 2 * i, map, levels, DOMAIN_ALL);
	return table;
}

/* The root table for units of @levels: 0 if there is no memory. */
static phys_t build(uint levels, const struct dma_map *all,
		    const struct dma_guest *own)
{
	phys_t root_phys, phys;
	u64 *root = new_page(&root_phys), *table;

	table = root ? new_contexts(all, levels, &phys) : NULL;
	if (!table)
		return PHYS(0);
	for (uint i = 0; i < ENTRIES; i++) {
		root[2 * i] = phys.v | PRESENT;
		root[2 * i + 1] = 0;
	}
	if (!own)
		return root_phys;
	table = new_contexts(all, levels, &phys);
	if (!table)
		return PHYS(0);
	root[2 * (own->bdf >> 8)] = phys.v | PRESENT;
	set_context(table + 2 * (own->bdf & 0xff), own->map, levels,
		    DOMAIN_OWN);
	return root_phys;
}

/* Firmware may close some memory in a simpler way, until we translate. */
static bool open_protected(const struct iommu_unit *unit)
{
	if (!(unit_read32(unit, PMEN) & PMEN_CLOSED))
		return true;
	unit_write32(unit, PMEN, 0);
	return wait_for(unit, PMEN, PMEN_CLOSED, 0);
}

static const char *start(struct iommu_unit *unit, const struct dma_map *all,
			 const struct dma_guest *own)
{
	phys_t *root = &roots[!!own][unit->levels];
	const char *why = look_at_firmware(unit);

	if (why)
		return why;
	if (!root->v)
		*root = build(unit->levels, all, own);
	if (!root->v)
		return "no memory for its tables";
	if (!stop_firmware(unit))
		return "does not stop what the firmware began";
	if (!(unit->ecap & ECAP_COHERENT))
		wbinvd(); /* it reads memory, not our caches */
	if ((unit->cap & CAP_RWBF) && !command(unit, G_WBF, true))
		return "does not write what it has buffered";
	unit_write64(unit, RTADDR, root->v);
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

static void stop(struct iommu_unit *unit)
{
	command(unit, G_TE, false);
	command(unit, G_QIE, false); /* it is in our range */
}

/*
 * A firmware that has driven the unit goes on to, until it gives the machine to
 * an operating system, and waits for each command to be done. So all are done
 * at once, as far as it sees: what says that one is busy reads as 0.
 */
static void echo(struct iommu_unit *unit, uint at, u32 value)
{
	u32 *seen = (u32 *)unit->seen, *status = seen + GSTS / sizeof(u32);

	if (at == GCMD)
		*status = (value | (*status & G_STAYS)) & ~G_WBF;
	else if (at == IQT)
		seen[IQH / sizeof(u32)] = value;
}

/*
 * A fault's record is kept until we have it. While there is the mark of an
 * overflow no more are recorded.
 */
static bool next_fault(struct iommu_unit *unit, struct dma_fault *fault)
{
	u32 status = unit_read32(unit, FSTS);

	if (status == ~0U) /* it is gone */
		return false;
	if (status & FSTS_OVERFLOW)
		unit_write32(unit, FSTS, FSTS_OVERFLOW);
	if (!(status & FSTS_PENDING))
		return false;
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
		return true;
	}
	return false;
}

const struct iommu_ops vtd_ops = {probe, start, stop, echo, next_fault};
