/* net/mmio.h for host tests: the device is a model, which the test is. */
#ifndef HOST_NET_MMIO_H
#define HOST_NET_MMIO_H

#include "lib/types.h"

u32 mmio_read(const volatile void *base, uint offset);
void mmio_write(volatile void *base, uint offset, u32 value);

#endif
