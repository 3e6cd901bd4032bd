/*
 * Device registers that are reached like memory. In host tests there is a model
 * of the device instead (tests/host/fake/net/mmio.h).
 */
#ifndef NET_MMIO_H
#define NET_MMIO_H

#include "lib/types.h"

/* The 32-bit register at @offset behind @base, a multiple of 4. What was stored
 * before it is written can be seen by the device, which may be told to look. */
static inline u32 mmio_read(const volatile void *base, uint offset)
{
	u32 value;

	asm volatile("mov %1, %0"
		     : "=r"(value)
		     : "m"(*(const volatile u32 *)((u64)base + offset))
		     : "memory");
	return value;
}

static inline void mmio_write(volatile void *base, uint offset, u32 value)
{
	asm volatile("mov %1, %0"
		     : "=m"(*(volatile u32 *)((u64)base + offset))
		     : "r"(value)
		     : "memory");
}

#endif
