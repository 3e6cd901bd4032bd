/*
 * Addresses in and out of our own range: virtual to physical, and back.
 *
 * Our range is one piece, so a constant lies between the two kinds of address.
 * RAM in the direct map has another one; what lies elsewhere has none.
 * Book: chapter 2, "Addresses in and out".
 */
#include "paging/address.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"

bool space_entered;

bool in_vmm_range(phys_t phys, u64 size)
{
	u64 offset = phys.v - boot_info.vmm_base.v;

	return phys.v >= boot_info.vmm_base.v && offset < boot_info.vmm_size &&
	       size <= boot_info.vmm_size - offset;
}

bool overlaps_vmm_range(u64 phys, u64 size)
{
	return phys < boot_info.vmm_base.v + boot_info.vmm_size &&
	       phys + size > boot_info.vmm_base.v;
}

bool overlaps_vmm_low(u64 phys, u64 size)
{
	const struct mem_range *low = &boot_info.low;

	return phys < low->base + low->size && phys + size > low->base &&
	       low->size;
}

phys_t virt_to_phys(const void *virt)
{
	u64 v = (u64)virt;

	if (v >= VMM_VIRT && v - VMM_VIRT < boot_info.vmm_size)
		return PHYS(boot_info.vmm_base.v + (v - VMM_VIRT));
	if (v >= DIRECT_VIRT && v - DIRECT_VIRT < DIRECT_SIZE)
		return PHYS(v - DIRECT_VIRT);
	panic("virt_to_phys: 0x%lx has no fixed physical address", v);
}

void *vmm_phys_to_virt(phys_t phys)
{
	if (!space_entered)
		return phys_to_direct(phys);
	assert(in_vmm_range(phys, 1));
	return (char *)VMM_VIRT + (phys.v - boot_info.vmm_base.v);
}
