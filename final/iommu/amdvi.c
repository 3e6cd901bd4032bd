/*
 * AMD's IOMMU (specification 3.07).
 *
 *	device table: an entry for each function of each bus --> page tables
 *
 * The table is an array of 65,536 entries of 32 bytes: 2 MiB, if all buses are
 * in it. A function beyond its end may do nothing at all (2.2.2.1), and the
 * table need not be longer than the buses that there are. Commands and events
 * go through two rings in memory. Book: chapter 15.
 */
#include "iommu/unit.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/pagetable.h"

/* Registers (3.4). */
#define DEVICE_TABLE 0x0000
#define COMMANDS     0x0008
#define EVENTS       0x0010
#define CONTROL      0x0018
#define FEATURES     0x0030
#define COMMAND_HEAD 0x2000
#define COMMAND_TAIL 0x2008
#define EVENT_HEAD   0x2010
#define EVENT_TAIL   0x2018
#define STATUS       0x2020

#define CONTROL_ON       BIT(0)
#define CONTROL_EVENTS   BIT(2)
#define CONTROL_COMMANDS BIT(12)

#define STATUS_OVERFLOW BIT(0)

/* Both rings have one page: 256 entries of 16 bytes, the least there is. */
#define RING_256  (8UL << 56)
#define RING_SIZE PAGE_SIZE

#define DEVICES      0x10000
#define DEVICE_WORDS 4 /* of 8 bytes */
#define TABLE_PAGES  512

/* A device's first word (2.2.2.1). */
#define DEV_VALID        BIT(0)
#define DEV_TRANSLATE    BIT(1)
#define DEV_LEVELS(n)    ((u64)(n) << 9)
#define DEV_READ         BIT(61)
#define DEV_WRITE        BIT(62)
#define DOMAIN_ALL       1
#define DOMAIN_OWN       2

#define COMMAND_WAIT       (1UL << 60 | BIT(0)) /* and store */
#define COMMAND_DEVICE     (2UL << 60)
#define COMMAND_PAGES      (3UL << 60)
#define COMMAND_EVERYTHING (8UL << 60)
#define PAGES_ALL          (0x7ffffffffffff000UL | BIT(0) | BIT(1))

#define FEATURE_EVERYTHING BIT(6) /* INVALIDATE_IOMMU_ALL */
#define FEATURE_LEVELS(f)  ((f) >> 10 & 3) /* 0: 4 levels, 1: 5, 2: 6 */

#define EVENT_PAGE_FAULT 2
#define EVENT_WRITE      BIT(53) /* of the first word, */
#define PATIENCE         1000000

const struct dma_format amdvi_format = {
	.table = BIT(0) | DEV_READ | DEV_WRITE,
	.level_shift = 9,
	.leaf = BIT(0) | DEV_READ | DEV_WRITE,
};

static const char *probe(struct iommu_unit *unit)
{
	u64 control = unit_read64(unit, CONTROL);

	if (control == ~0UL)
		return "does not answer";
	unit->levels = 4;
	unit->max_leaf = LEVEL_1G;
	unit->bits = 48;
	unit->was_on = control & CONTROL_ON;
	return NULL;
}

/* One entry of the device table. */
static void set_device(u64 *entry, const struct dma_map *map, uint levels,
		       uint domain)
{
	entry[1] = domain;
	entry[2] = entry[3] = 0; /* interrupts go by as they are */
	entry[0] = dma_map_root(map, levels).v | DEV_LEVELS(levels) |
		   DEV_READ | DEV_WRITE | DEV_TRANSLATE | DEV_VALID;
}

static phys_t build(const struct iommu_unit *unit, const struct dma_map *all,
		    const struct dma_guest *own)
{
	phys_t phys;
	u64 *table = new_pages(&phys, TABLE_PAGES);

	if (!table)
		return PHYS(0);
	for (uint i = 0; i < DEVICES; i++)
		set_device(table + i * DEVICE_WORDS, all, unit->levels,
			   DOMAIN_ALL);
	if (own)
		set_device(table + own->bdf * DEVICE_WORDS, own->map,
			   unit->levels, DOMAIN_OWN);
	return phys;
}

/* Put a command of two words into the ring. */
static void tell(struct iommu_unit *unit, u64 first, u64 second)
{
	u64 *entry = unit->commands + unit->tail / sizeof(u64);

	entry[0] = first;
	entry[1] = second;
	unit->tail = (unit->tail + 16) % RING_SIZE;
	unit_write64(unit, COMMAND_TAIL, unit->tail);
}

/* Wait until all commands have been done: the last one writes a word. */
static bool complete(struct iommu_unit *unit, volatile u64 *word, phys_t phys)
{
	*word = 0;
	tell(unit, COMMAND_WAIT | phys.v, 1);
	for (uint i = 0; i < PATIENCE; i++) {
		if (*word)
			return true;
		unit_read64(unit, STATUS);
	}
	return false;
}

/* Forget all that was read of former tables. */
static bool invalidate(struct iommu_unit *unit, volatile u64 *word,
		       phys_t phys)
{
	if (unit_read64(unit, FEATURES) & FEATURE_EVERYTHING) {
		tell(unit, COMMAND_EVERYTHING, 0);
		return complete(unit, word, phys);
	}
	for (uint i = 0; i < DEVICES; i++) {
		tell(unit, COMMAND_DEVICE | i, 0);
		if (i % 128 == 127 && !complete(unit, word, phys))
			return false;
	}
	for (uint i = DOMAIN_ALL; i <= DOMAIN_OWN; i++)
		tell(unit, COMMAND_PAGES | (u64)i << 32, PAGES_ALL);
	return complete(unit, word, phys);
}

/* Not one moment off, where the firmware had it on: only the table changes. */
static const char *start(struct iommu_unit *unit, const struct dma_map *all,
			 const struct dma_guest *own)
{
	phys_t table = build(unit, all, own), rings;
	u64 *ring = table.v ? new_pages(&rings, 3) : NULL;
	u64 control = unit->was_on ? CONTROL_ON : 0;

	if (!ring)
		return "no memory for its tables";
	memset(ring, 0, 3 * PAGE_SIZE);
	unit->commands = ring;
	unit->events = ring + PAGE_SIZE / sizeof(u64);
	unit->tail = unit->head = 0;
	unit_write64(unit, CONTROL, control); /* the rings stand still */
	unit_write64(unit, DEVICE_TABLE, table.v | (TABLE_PAGES - 1));
	unit_write64(unit, COMMANDS, rings.v | RING_256);
	unit_write64(unit, EVENTS, (rings.v + PAGE_SIZE) | RING_256);
	unit_write64(unit, COMMAND_HEAD, 0);
	unit_write64(unit, COMMAND_TAIL, 0);
	unit_write64(unit, EVENT_HEAD, 0);
	unit_write64(unit, EVENT_TAIL, 0);
	unit_write64(unit, CONTROL,
		     control | CONTROL_EVENTS | CONTROL_COMMANDS | CONTROL_ON);
	if (!invalidate(unit, ring + 2 * PAGE_SIZE / sizeof(u64),
			PHYS(rings.v + 2 * PAGE_SIZE)))
		return "does not forget what it has read";
	return NULL;
}

/*
 * The ring itself says where an event is: its first word is never 0, and we
 * make it 0 once it is read. The tail register may say so earlier than the
 * event is in memory.
 */
static bool next_fault(struct iommu_unit *unit, struct dma_fault *fault)
{
	volatile u64 *event = unit->events + unit->head / sizeof(u64);
	u64 first = event[0];

	if (!first)
		return false;
	fault->address = event[1];
	fault->bdf = first;
	fault->write = first & EVENT_WRITE;
	fault->reason = first >> 60;
	event[0] = 0;
	unit->head = (unit->head + 16) % RING_SIZE;
	unit_write64(unit, EVENT_HEAD, unit->head);
	return true;
}

const struct iommu_ops amdvi_ops = {probe, start, next_fault};
