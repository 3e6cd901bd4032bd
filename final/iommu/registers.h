/*
 * An IOMMU's registers. In host tests there is a model of the unit instead
 * (tests/host/fake/iommu/registers.h).
 */
#ifndef IOMMU_REGISTERS_H
#define IOMMU_REGISTERS_H

#include "iommu/unit.h"

/* The register at @at of @unit, in one access of its own width. What was stored
 * before one is written can be seen by the unit, which may be told to look. */
static inline u32 unit_read32(const struct iommu_unit *unit, uint at)
{
	u32 value;

	asm volatile("mov %1, %0"
		     : "=r"(value)
		     : "m"(*(const volatile u32 *)(unit->regs + at))
		     : "memory");
	return value;
}

static inline u64 unit_read64(const struct iommu_unit *unit, uint at)
{
	u64 value;

	asm volatile("mov %1, %0"
		     : "=r"(value)
		     : "m"(*(const volatile u64 *)(unit->regs + at))
		     : "memory");
	return value;
}

static inline void unit_write32(const struct iommu_unit *unit, uint at,
				u32 value)
{
	asm volatile("mov %1, %0"
		     : "=m"(*(volatile u32 *)(unit->regs + at))
		     : "r"(value)
		     : "memory");
}

static inline void unit_write64(const struct iommu_unit *unit, uint at,
				u64 value)
{
	asm volatile("mov %1, %0"
		     : "=m"(*(volatile u64 *)(unit->regs + at))
		     : "r"(value)
		     : "memory");
}

#endif
