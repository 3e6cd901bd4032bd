/*
 * Addresses in and out of our address space, and what is mapped after the
 * start: device registers, and guard pages.
 *
 * A device page at physical p is at DEVICE_VIRT + p, always. So there is no
 * virtual address to choose, none to run out of, and whether a page is mapped
 * already is written in the page tables themselves.
 * Book: chapter 2, "Device pages".
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "paging/space.h"

/* Protects own_space once more than one CPU runs. The page lock comes after. */
static spinlock_t space_lock;

bool in_vmm_range(phys_t phys, u64 size)
{
	u64 offset = phys.v - boot_info.vmm_base.v;

	return phys.v >= boot_info.vmm_base.v && offset < boot_info.vmm_size &&
	       size <= boot_info.vmm_size - offset;
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
	assert(in_vmm_range(phys, 1));
	return (char *)VMM_VIRT + (phys.v - boot_info.vmm_base.v);
}

phys_t paging_root(void)
{
	return own_space.root;
}

/*
 * Does @entry, which maps the page already, allow what @bits asks for? To
 * widen its rights would leave other CPUs with the old ones in their TLBs.
 */
static bool allows(u64 entry, u64 bits)
{
	return (entry & PTE_P) && (!(bits & PTE_W) || (entry & PTE_W)) &&
	       (!(bits & PTE_PCD) || (entry & PTE_PCD));
}

static bool map_device_page(u64 phys, u64 bits)
{
	u64 entry = pt_lookup(&own_space, DEVICE_VIRT + phys, NULL);

	if (entry)
		return allows(entry, bits);
	return !pt_map(&own_space, DEVICE_VIRT + phys, PHYS(phys), PAGE_SIZE,
		       bits);
}

static bool overlaps_vmm_range(u64 start, u64 size)
{
	return start < boot_info.vmm_base.v + boot_info.vmm_size &&
	       start + size > boot_info.vmm_base.v;
}

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	u64 limit = space_phys_limit(), page = ALIGN_DOWN(phys.v, PAGE_SIZE);
	bool ok = true;

	assert(!(flags & MAP_EXEC));
	if (!size || phys.v >= limit || size > limit - phys.v ||
	    overlaps_vmm_range(phys.v, size))
		return NULL;
	spin_lock(&space_lock);
	for (; ok && page < phys.v + size; page += PAGE_SIZE)
		ok = map_device_page(page, pt_bits(&own_space, flags));
	spin_unlock(&space_lock);
	return ok ? (void *)(DEVICE_VIRT + phys.v) : NULL;
}

int paging_make_guard(void *page)
{
	u64 *entry;

	assert((u64)page % PAGE_SIZE == 0 &&
	       in_vmm_range(virt_to_phys(page), PAGE_SIZE));
	spin_lock(&space_lock);
	entry = pt_entry(&own_space, (u64)page, LEVEL_4K);
	if (entry)
		*entry = PTE_GUARD;
	spin_unlock(&space_lock);
	asm volatile("invlpg (%0)" : : "r"(page) : "memory");
	return entry ? 0 : -ENOMEM;
}

bool paging_is_guard(u64 virt)
{
	return space_entered && pt_lookup(&own_space, virt, NULL) == PTE_GUARD;
}
