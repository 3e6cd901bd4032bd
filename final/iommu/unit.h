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
	 * bits. NULL, or why it can't be used. */
	const char *(*probe)(struct iommu_unit *unit);

	/* Let all devices through @all, and @own, if not NULL, through its own
	 * map; translate from here on. NULL, or why not: then it is as it was,
	 * or lets nothing through. */
	const char *(*start)(struct iommu_unit *unit,
			     const struct dma_map *all,
			     const struct dma_guest *own);

	/* Take one fault from the unit's list. False: there is none. */
	bool (*next_fault)(struct iommu_unit *unit, struct dma_fault *fault);
};

struct iommu_unit {
	const struct iommu_ops *ops;
	const struct dma_format *format;
	u64 base;   /* of its registers, */
	u64 size;   /* so many bytes of them, */
	volatile u8 *regs; /* here */
	uint levels; /* that it walks, 3 or 4 */
	uint max_leaf;
	uint bits; /* of the addresses that it translates */

	/* The rest is its driver's own. */
	u64 cap, ecap;  /* vtd.c */
	u64 *commands, *events; /* amdvi.c: its rings, */
	u32 tail, head;         /* and where we are in them */
	bool was_on; /* the firmware had it on */
};

static inline u32 unit_read32(const struct iommu_unit *unit, uint at)
{
	return *(volatile u32 *)(unit->regs + at);
}

static inline u64 unit_read64(const struct iommu_unit *unit, uint at)
{
	return *(volatile u64 *)(unit->regs + at);
}

static inline void unit_write32(const struct iommu_unit *unit, uint at,
				u32 value)
{
	*(volatile u32 *)(unit->regs + at) = value;
}

static inline void unit_write64(const struct iommu_unit *unit, uint at,
				u64 value)
{
	*(volatile u64 *)(unit->regs + at) = value;
}

extern const struct iommu_ops vtd_ops, amdvi_ops;
extern const struct dma_format vtd_format, amdvi_format;

#endif
