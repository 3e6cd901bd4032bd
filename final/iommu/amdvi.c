/*
 * AMD's IOMMU (specification 3.07).
 *
 *	device table: an entry for each function of each bus --> page tables
 *
 * The table is an array of 65,536 entries of 32 bytes: 2 MiB, with all buses in
 * it, and one for all units. Commands and events go through two rings in
 * memory. Book: chapter 15.
 */
#include "iommu/registers.h"

#include "boot/boot_info.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/pagetable.h"

/* Registers (3.4). */
#define DEVICE_TABLE 0x0000
#define COMMANDS     0x0008
#define EVENTS       0x0010
#define CONTROL      0x0018
#define EXCLUSION    0x0020 /* from here */
#define EXCLUSION_TO 0x0028
#define FEATURES     0x0030
#define COMMAND_HEAD 0x2000
#define COMMAND_TAIL 0x2008
#define EVENT_HEAD   0x2010
#define EVENT_TAIL   0x2018
#define STATUS       0x2020

#define CONTROL_ON       BIT(0)
#define CONTROL_EVENTS   BIT(2)
#define CONTROL_COHERENT BIT(10) /* read the device table through caches */
#define CONTROL_COMMANDS BIT(12)
#define CONTROL_X2APIC   BIT(50) /* remap interrupts for x2APIC mode */

#define STATUS_OVERFLOW BIT(0) /* of the events; written, it is cleared */
#define STATUS_EVENTS   BIT(3) /* the ring's owner is the unit */
#define STATUS_COMMANDS BIT(4)

/* Of a block in the IVRS table; Control has the same in other places. */
#define FLAG_TUNNEL    BIT(0)
#define FLAG_PASS      (BIT(1) | BIT(2))
#define FLAG_ISOC      BIT(3)
#define CONTROL_TUNNEL 1 /* its bit is so much higher */
#define CONTROL_PASS   7
#define CONTROL_ISOC   8

/* Both rings have one page: 256 entries of 16 bytes, the least there is. */
#define RING_256  (8UL << 56)
#define RING_SIZE PAGE_SIZE

#define DEVICES      0x10000
#define DEVICE_WORDS 4 /* of 8 bytes */
#define TABLE_PAGES  512

/* A device's first word (2.2.2.1). */
#define DEV_VALID     BIT(0)
#define DEV_TRANSLATE BIT(1)
#define DEV_LEVELS(n) ((u64)(n) << 9)
#define DEV_READ      BIT(61)
#define DEV_WRITE     BIT(62)
/* And in its second: messages for the system, which are no memory, go by. */
#define DEV_MESSAGES  BIT(40)
#define DOMAIN_ALL    1
#define DOMAIN_OWN    2

#define COMMAND_WAIT       (1UL << 60 | BIT(0)) /* and store */
#define COMMAND_DEVICE     (2UL << 60)
#define COMMAND_PAGES      (3UL << 60)
#define COMMAND_EVERYTHING (8UL << 60)
#define PAGES_ALL          (0x7ffffffffffff000UL | BIT(0) | BIT(1))

#define FEATURE_EVERYTHING BIT(6) /* there is that command */
#define FEATURE_COUNTERS   BIT(9) /* and the registers have 512 KiB */
#define FEATURE_LEVELS(f)  ((f) >> 10 & 3)
#define NO_LEVELS          3

/* An event's first word (2.5). Up to PAGE_TABLE they are about an access; three
 * of the others are about commands and counters. */
#define EVENT_KIND(first) ((first) >> 60)
#define EVENT_PAGE_TABLE  4
#define EVENT_COMMAND     5
#define EVENT_COMMAND_BUS 6
#define EVENT_COUNTER     10
#define EVENT_WRITE       BIT(53)

/* A read of a register takes about 1 us. */
#define PATIENCE 1000000

const struct dma_format amdvi_format = {
	.table = BIT(0) | DEV_READ | DEV_WRITE,
	.level_shift = 9,
	.leaf = BIT(0) | DEV_READ | DEV_WRITE,
};

/*
 * What all units share: the table of devices, with one of our own and without;
 * the ring of commands and the word that one of them writes, as they are
 * started one by one, and no commands are given after that.
 */
static u64 *device_tables[2];
static u64 commands[RING_SIZE / sizeof(u64)] __aligned(RING_SIZE);
static u32 tail;
static volatile u64 done;

static const char *probe(struct iommu_unit *unit)
{
	u64 features = unit_read64(unit, FEATURES);
	u64 before = unit_read64(unit, CONTROL);

	if (before == ~0UL)
		return "does not answer";
	/* It would wait for what the unit stores once commands are done. */
	if (before & CONTROL_ON && boot_info.firmware == BOOT_UEFI)
		return "translates for the firmware, which goes on";
	if (before & CONTROL_ON && before & CONTROL_X2APIC)
		return "remaps interrupts for the firmware, which goes on";
	if (FEATURE_LEVELS(features) == NO_LEVELS)
		return "walks no tables of ours";
	unit->size = features & FEATURE_COUNTERS ? 512 * KIB : 16 * KIB;
	unit->levels = 4;
	unit->max_leaf = LEVEL_1G;
	unit->bits = 48;
	return NULL;
}

/* One entry of the device table. Interrupts go by as they are. */
static void set_device(u64 *entry, const struct dma_map *map, uint levels,
		       uint domain)
{
	entry[0] = dma_map_root(map, levels).v | DEV_LEVELS(levels) | DEV_READ |
		   DEV_WRITE | DEV_TRANSLATE | DEV_VALID;
	entry[1] = domain | DEV_MESSAGES;
	entry[2] = entry[3] = 0;
}

static u64 *build_device_table(const struct iommu_unit *unit,
			       const struct dma_map *all,
			       const struct dma_guest *own)
{
	u64 *table = new_pages(NULL, TABLE_PAGES);

	for (uint i = 0; table && i < DEVICES; i++)
		set_device(table + i * DEVICE_WORDS, all, unit->levels,
			   DOMAIN_ALL);
	if (table && own)
		set_device(table + own->bdf * DEVICE_WORDS, own->map,
			   unit->levels, DOMAIN_OWN);
	return table;
}

/* Put a command of two words into the ring. */
static void give(const struct iommu_unit *unit, u64 first, u64 second)
{
	u64 *entry = commands + tail / sizeof(u64);

	entry[0] = first;
	entry[1] = second;
	tail = (tail + 16) % RING_SIZE;
	unit_write64(unit, COMMAND_TAIL, tail);
}

/* Wait until all commands have been done: the last one writes a word. */
static bool complete(const struct iommu_unit *unit)
{
	done = 0;
	give(unit, COMMAND_WAIT | virt_to_phys((void *)&done).v, 1);
	for (uint i = 0; i < PATIENCE && !done; i++)
		unit_read64(unit, STATUS);
	return done;
}

/* Forget all that was read of former tables. */
static bool invalidate(const struct iommu_unit *unit)
{
	if (unit_read64(unit, FEATURES) & FEATURE_EVERYTHING) {
		give(unit, COMMAND_EVERYTHING, 0);
		return complete(unit);
	}
	for (uint i = 0; i < DEVICES; i++) {
		give(unit, COMMAND_DEVICE | i, 0);
		if (i % 128 == 127 && !complete(unit))
			return false;
	}
	for (u64 i = DOMAIN_ALL; i <= DOMAIN_OWN; i++)
		give(unit, COMMAND_PAGES | i << 32, PAGES_ALL);
	return complete(unit);
}

/* Wait until of the status the bits @mask are 0. */
static bool wait_for_end(const struct iommu_unit *unit, u64 mask)
{
	for (uint i = 0; i < PATIENCE; i++)
		if (!(unit_read64(unit, STATUS) & mask))
			return true;
	return false;
}

/* Control with all that we want, but for the rings: what is in the firmware's
 * table, and that it translates. */
static u64 control(const struct iommu_unit *unit)
{
	return CONTROL_ON | CONTROL_COHERENT |
	       (unit->flags & FLAG_TUNNEL) << CONTROL_TUNNEL |
	       (unit->flags & FLAG_PASS) << CONTROL_PASS |
	       (unit->flags & FLAG_ISOC) << CONTROL_ISOC;
}

/* Where the unit finds everything. The rings are not in use. */
static void set_addresses(struct iommu_unit *unit, u64 *table)
{
	memset(commands, 0, RING_SIZE);
	memset(unit->events, 0, RING_SIZE);
	tail = unit->head = 0;
	unit_write64(unit, DEVICE_TABLE,
		     virt_to_phys(table).v | (TABLE_PAGES - 1));
	unit_write64(unit, COMMANDS, virt_to_phys(commands).v | RING_256);
	unit_write64(unit, EVENTS, virt_to_phys(unit->events).v | RING_256);
	unit_write64(unit, EXCLUSION, 0);
	unit_write64(unit, EXCLUSION_TO, 0);
	unit_write64(unit, COMMAND_HEAD, 0);
	unit_write64(unit, COMMAND_TAIL, 0);
	unit_write64(unit, EVENT_HEAD, 0);
	unit_write64(unit, EVENT_TAIL, 0);
	unit_write64(unit, STATUS, STATUS_OVERFLOW);
}

/* Not one moment off, where the firmware had it on: only the table changes. */
static const char *start(struct iommu_unit *unit, const struct dma_map *all,
			 const struct dma_guest *own)
{
	u64 **table = &device_tables[!!own];
	u64 on = control(unit), is_on = unit_read64(unit, CONTROL) & CONTROL_ON;

	if (!*table)
		*table = build_device_table(unit, all, own);
	if (!unit->events)
		unit->events = new_page(NULL);
	if (!*table || !unit->events)
		return "no memory for its tables";
	unit_write64(unit, CONTROL, is_on ? on : on & ~CONTROL_ON);
	if (!wait_for_end(unit, STATUS_EVENTS | STATUS_COMMANDS))
		return "does not stop what the firmware began";
	set_addresses(unit, *table);
	unit_write64(unit, CONTROL, on | CONTROL_EVENTS | CONTROL_COMMANDS);
	if (!invalidate(unit))
		return "does not forget what it has read";
	return NULL;
}

static void stop(struct iommu_unit *unit)
{
	unit_write64(unit, CONTROL, 0);
}

/* After an overflow the unit notes nothing until it is told to. */
static void restart_events(const struct iommu_unit *unit)
{
	u64 status = unit_read64(unit, STATUS);
	u64 on = control(unit) | CONTROL_COMMANDS;

	if (status == ~0UL || !(status & STATUS_OVERFLOW))
		return;
	unit_write64(unit, CONTROL, on);
	unit_write64(unit, STATUS, STATUS_OVERFLOW);
	unit_write64(unit, CONTROL, on | CONTROL_EVENTS);
}

/*
 * The ring itself says where an event is: its first word is never 0, and we
 * make it 0 once it is read. The tail register may say so earlier than the
 * event is in memory. 0: there is none.
 */
static u64 take_event(struct iommu_unit *unit, u64 *address)
{
	volatile u64 *event = unit->events + unit->head / sizeof(u64);
	u64 first = event[0];

	if (!first)
		return 0;
	*address = event[1];
	event[0] = 0;
	unit->head = (unit->head + 16) % RING_SIZE;
	unit_write64(unit, EVENT_HEAD, unit->head);
	return first;
}

static bool next_fault(struct iommu_unit *unit, struct dma_fault *fault)
{
	u64 first, kind;

	do { /* no device has done those, nor have we */
		first = take_event(unit, &fault->address);
		kind = EVENT_KIND(first);
	} while (kind == EVENT_COMMAND || kind == EVENT_COMMAND_BUS ||
		 kind == EVENT_COUNTER);
	if (!first) {
		restart_events(unit);
		return false;
	}
	fault->bdf = first;
	fault->write = kind <= EVENT_PAGE_TABLE && first & EVENT_WRITE;
	fault->reason = kind;
	return true;
}

const struct iommu_ops amdvi_ops = {probe, start, stop, NULL, next_fault};
