/*
 * An IOMMU, whoever made it: what iommu.c asks of Intel's and AMD's.
 */
#ifndef IOMMU_UNIT_H
#define IOMMU_UNIT_H

#include "iommu/dma_map.h"

/* The function @bdf reaches only what @map lets through. */
struct dma_guest {
	u16 bdf;
	const struct dma_map *map;
};

/* A device tried to reach what is not for it. */
struct dma_fault {
	u16 bdf;
	u64 address;
	bool write;
	u8 reason; /* the unit's own number for it */
};

struct iommu_unit;

struct iommu_ops {
	/* Find out what the unit at unit->regs can: unit->levels, max_leaf and
	 * bits, and how many registers it has: unit->size may change. NULL, or
	 * why it can't be used. */
	const char *(*probe)(struct iommu_unit *unit);

	/* Let all devices through @all, and @own, if not NULL, through its own
	 * map; translate from here on. Both are the same for all units that
	 * have the same devices; the units are started one after another, on
	 * one CPU. Where the unit translates already it does so all the time.
	 * May be called again after a sleep, which made the unit forget: then
	 * no memory is allocated. NULL, or why not: then it is as it was, or
	 * lets through no more than was asked. */
	const char *(*start)(struct iommu_unit *unit, const struct dma_map *all,
			     const struct dma_guest *own);

	/* Translate no more: every device reaches all memory. */
	void (*stop)(struct iommu_unit *unit);

	/* The guest has written @value to the register at @at, and nothing came
	 * of it: let unit->seen say what it waits for. NULL: nobody waits. */
	void (*echo)(struct iommu_unit *unit, uint at, u32 value);

	/* Take one fault from the unit's list. False: there is none. */
	bool (*next_fault)(struct iommu_unit *unit, struct dma_fault *fault);
};

struct iommu_unit {
	const struct iommu_ops *ops;
	const struct dma_format *format;
	u64 base;          /* of its registers, */
	u64 size;          /* so many bytes of them, whole pages, */
	volatile u8 *regs; /* here */
	u8 *seen;          /* what the guest reads there, a page */
	u16 segment;       /* of PCI functions, which its devices are in */
	u8 flags;          /* AMD: of its block in the IVRS table */
	uint levels;       /* that it walks, 3 or 4 */
	uint max_leaf;
	uint bits; /* of the addresses that it translates */

	/* The rest is its driver's own. */
	u64 cap, ecap; /* vtd.c */
	u64 *events;   /* amdvi.c: a ring, */
	u32 head;      /* and where we are in it */
};

extern const struct iommu_ops vtd_ops, amdvi_ops;
extern const struct dma_format vtd_format, amdvi_format;

#endif
