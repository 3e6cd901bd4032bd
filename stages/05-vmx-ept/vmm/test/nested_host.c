/*
 * Pages, boot information and a page walk for the tests of nested_*.c. A
 * physical address of a table is its address in this process.
 */
#include "vmm/test/nested_host.h"

#include "lib/errno.h"
#include "page/page.h"
#include "paging/address.h"
#include "vmm/nested_tree.h"

#define EPT_R  BIT(0)
#define EPT_W  BIT(1)
#define EPT_X  BIT(2)
#define EPT_AD (BIT(8) | BIT(9))

#define NPT_P  BIT(0)
#define NPT_W  BIT(1)
#define NPT_U  BIT(2)
#define NPT_AD (BIT(5) | BIT(6))
#define NPT_NX BIT(63)

#define LARGE BIT(7)

#define EPT_FORMAT                                                             \
	.table = EPT_R | EPT_W | EPT_X, .leaf = EPT_R | EPT_X, .write = EPT_W, \
	.large = LARGE, .no_exec = EPT_X, .type_shift = 3, .has_type = true
#define NPT_FORMAT                                                             \
	.table = NPT_P | NPT_W | NPT_U, .leaf = NPT_P | NPT_U, .write = NPT_W, \
	.large = LARGE, .no_exec = NPT_NX

const struct nested_format ept_1g = {EPT_FORMAT, .has_1g = true};
const struct nested_format ept_2m = {EPT_FORMAT};
const struct nested_format npt_1g = {NPT_FORMAT, .has_1g = true};
const struct nested_format npt_2m = {NPT_FORMAT};

struct boot_info boot_info;
u32 host_live_pages;
int host_pages_left = -1;

int alloc_page(void **virt, phys_t *phys)
{
	void *page;

	if (host_pages_left == 0)
		return -ENOMEM;
	if (host_pages_left > 0)
		host_pages_left--;
	page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	assert_non_null(page);
	memset(page, 0xa5, PAGE_SIZE);
	if (virt)
		*virt = page;
	if (phys)
		*phys = PHYS(page);
	__atomic_fetch_add(&host_live_pages, 1, __ATOMIC_RELAXED);
	return 0;
}

void free_page_phys(phys_t phys)
{
	libc_free((void *)phys.v);
	__atomic_fetch_sub(&host_live_pages, 1, __ATOMIC_RELAXED);
}

phys_t virt_to_phys(const void *virt)
{
	return PHYS(virt);
}

void *vmm_phys_to_virt(phys_t phys)
{
	return (void *)phys.v;
}

bool overlaps_vmm_range(u64 phys, u64 size)
{
	return phys < boot_info.vmm_base.v + boot_info.vmm_size &&
	       phys + size > boot_info.vmm_base.v;
}

bool overlaps_vmm_low(u64 phys, u64 size)
{
	return phys < boot_info.low.base + boot_info.low.size &&
	       phys + size > boot_info.low.base;
}

static void add_memory(u64 base, u64 end, u32 type)
{
	struct mem_map *map = &boot_info.map;

	map->range[map->count++] = (struct mem_range){base, end - base, type};
}

void host_machine(u64 size, u64 below, u64 vmm_base, u64 vmm_size)
{
	u64 low = MIN(size, below);

	memset(&boot_info, 0, sizeof(boot_info));
	add_memory(0, 0x9fc00, MEM_RAM);
	add_memory(0x9fc00, 0xa0000, MEM_RESERVED);
	add_memory(0xf0000, MIB, MEM_RESERVED);
	add_memory(MIB, low - 128 * KIB, MEM_RAM);
	add_memory(low - 128 * KIB, low, MEM_ACPI);
	add_memory(4 * GIB - 256 * KIB, 4 * GIB, MEM_RESERVED);
	if (size > low)
		add_memory(4 * GIB, 4 * GIB + size - low, MEM_RAM);
	boot_info.vmm_base = PHYS(vmm_base);
	boot_info.vmm_size = vmm_size;
}

bool host_touch(struct nested_map *map, u64 gpa, bool write)
{
	const struct nested_format *format = map->format;
	u64 accessed = format->has_type ? BIT(8) : BIT(5);
	u64 *table = (u64 *)map->root.v;

	for (uint shift = 39;; shift -= 9) {
		u64 *entry = &table[gpa >> shift & 511];
		bool leaf = shift == 12 || (*entry & LARGE);

		if (!(*entry & 1) || (write && !(*entry & format->write)))
			return false;
		*entry |= accessed | (leaf && write ? accessed << 1 : 0);
		if (leaf)
			return true;
		table = (u64 *)(*entry & 0x000ffffffffff000UL);
	}
}

int host_lookup(const struct nested_map *map, gphys_t gpa, phys_t *hpa,
		u64 *entry, u64 *leaf_size)
{
	u64 value, size;
	uint level;

	if (gpa.v >= map->limit)
		return -ENOENT;
	value = *nested_find(map, gpa.v, LEVEL_4K, &level);
	if (!value)
		return -ENOENT;
	size = nested_level_size(level);
	if (hpa)
		*hpa = PHYS((value & NESTED_ADDRESS & ~(size - 1)) |
			    (gpa.v & (size - 1)));
	if (entry)
		*entry = value;
	if (leaf_size)
		*leaf_size = size;
	return 0;
}

u64 host_fixed_bits(const struct nested_map *map, u64 entry)
{
	return entry & ~(map->format->has_type ? EPT_AD : NPT_AD);
}
