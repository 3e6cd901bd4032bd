/*
 * Reading the guest's memory as the guest would.
 *
 * Needed to look at an instruction that the hardware does not hand us. The
 * walk is the guest's own (SDM 3A 4.3 to 4.5), one level at a time:
 *
 *	CR3 -> [PML5] -> PML4 -> PDPT -> PD -> PT -> page
 *
 * with 512 entries of 8 bytes in each table, or, without PAE, two levels of
 * 1024 entries of 4 bytes. Rights are not checked: the guest was executing
 * what we read.
 */
#include "vmm/guest_memory.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/pte.h"
#include "lib/string.h"
#include "paging/address.h"
#include "paging/guarded.h"
#include "paging/paging.h"
#include "vmm/decode.h"
#include "vmm/vcpu.h"

#define ROM_START 0xc0000 /* option ROMs and BIOS, in our direct map too */
#define ROM_END   0x100000

static bool is_memory(u64 base, u64 size)
{
	const struct mem_map *map = &boot_info.map;

	if (base >= ROM_START && base + size <= ROM_END)
		return true;
	for (uint i = 0; i < map->count; i++) {
		const struct mem_range *r = &map->range[i];

		if (base >= r->base && base + size <= r->base + r->size)
			return r->type == MEM_RAM || r->type == MEM_ACPI ||
			       r->type == MEM_NVS;
	}
	return false;
}

struct copy {
	void *to;
	const void *from;
	size_t size;
};

static void copy_guarded(void *arg)
{
	struct copy *c = arg;

	memcpy(c->to, c->from, c->size);
}

/*
 * Code also runs from memory that the firmware calls reserved, and from its
 * flash at the top of 4 GiB, where a CPU begins after INIT. Pages of these are
 * mapped when they are needed: not those of all the address space, whose page
 * tables could eat up our memory.
 */
static const void *guest_bytes(u64 base, u64 size)
{
	if (base + size < base || overlaps_vmm_range(base, size))
		return NULL;
	if (is_memory(base, size))
		return phys_to_direct(PHYS(base));
	return base + size <= 4 * GIB ? map_phys(PHYS(base), size, MAP_READ)
				      : NULL;
}

/* Guarded, as not all RAM of a strange memory map need be mapped. */
int guest_read_phys(gphys_t gpa, void *buffer, size_t size)
{
	struct copy c = {buffer, guest_bytes(gpa.v, size), size};

	return c.from ? guarded(copy_guarded, &c, NULL) : -EFAULT;
}

int guest_write_phys(gphys_t gpa, const void *buffer, size_t size)
{
	struct copy c = {phys_to_direct(PHYS(gpa.v)), buffer, size};

	if (gpa.v + size < gpa.v || overlaps_vmm_range(gpa.v, size) ||
	    !is_memory(gpa.v, size))
		return -EFAULT;
	return guarded(copy_guarded, &c, NULL);
}

/* How the guest's page tables look in its mode. */
struct walk {
	uint levels;
	uint index_bits;
	uint entry_size;
	u64 large; /* the bit that makes an upper entry a leaf, if any */
	u64 root;
};

static struct walk walk_of(struct vcpu *vcpu)
{
	u64 cr3 = vcpu_ops->get(vcpu, VCPU_CR3);
	u64 cr4 = vcpu_ops->get(vcpu, VCPU_CR4);

	if (vcpu_ops->get(vcpu, VCPU_EFER) & EFER_LMA)
		return (struct walk){cr4 & CR4_LA57 ? 5 : 4, 9, 8, PTE_PS,
				     cr3 & PTE_ADDRESS};
	if (cr4 & CR4_PAE) /* the PDPT has 4 entries and needs no page */
		return (struct walk){3, 9, 8, PTE_PS, cr3 & 0xffffffe0};
	return (struct walk){2, 10, 4, cr4 & CR4_PSE ? PTE_PS : 0,
			     cr3 & 0xfffff000};
}

/* A 4 MiB page keeps bits 39:32 of its address in entry bits 20:13. */
static u64 leaf_base(const struct walk *w, u64 entry, uint shift)
{
	u64 base = entry & PTE_ADDRESS & ~(BIT(shift) - 1);

	if (w->entry_size == 4 && shift == 22)
		base = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
	return base;
}

int guest_virt_to_phys(struct vcpu *vcpu, u64 virt, gphys_t *gpa)
{
	struct walk w;
	u64 table, entry;

	if (!(vcpu_ops->get(vcpu, VCPU_CR0) & CR0_PG)) {
		*gpa = GPHYS((u32)virt);
		return 0;
	}
	w = walk_of(vcpu);
	table = w.root;
	for (uint level = w.levels;; level--) {
		uint shift = PAGE_SHIFT + (level - 1) * w.index_bits;
		u64 index = virt >> shift & (BIT(w.index_bits) - 1);
		bool leaf = level == 1;

		entry = 0;
		if (guest_read_phys(GPHYS(table + index * w.entry_size), &entry,
				    w.entry_size) ||
		    !(entry & PTE_P))
			return -EFAULT;
		if (level == 2 || (level == 3 && w.levels > 3))
			leaf = entry & w.large;
		if (leaf) {
			*gpa = GPHYS(leaf_base(&w, entry, shift) +
				     (virt & (BIT(shift) - 1)));
			return 0;
		}
		table = entry & PTE_ADDRESS;
	}
}

/* Where @virt lies; and cut *@size to what of it lies in the same page. */
static int find_part(struct vcpu *vcpu, u64 virt, size_t *size, gphys_t *gpa)
{
	*size = MIN(*size, PAGE_SIZE - (virt & PAGE_MASK));
	return guest_virt_to_phys(vcpu, virt, gpa);
}

int guest_read_virt(struct vcpu *vcpu, u64 virt, void *buffer, size_t size)
{
	for (size_t part = size; size; part = size) {
		gphys_t gpa;
		int error = find_part(vcpu, virt, &part, &gpa);

		if (!error)
			error = guest_read_phys(gpa, buffer, part);
		if (error)
			return error;
		virt += part;
		buffer = (char *)buffer + part;
		size -= part;
	}
	return 0;
}

int guest_write_virt(struct vcpu *vcpu, u64 virt, const void *buffer,
		     size_t size)
{
	for (size_t part = size; size; part = size) {
		gphys_t gpa;
		int error = find_part(vcpu, virt, &part, &gpa);

		if (!error)
			error = guest_write_phys(gpa, buffer, part);
		if (error)
			return error;
		virt += part;
		buffer = (const char *)buffer + part;
		size -= part;
	}
	return 0;
}

/* Only in 64-bit mode does the code segment have no base. */
uint guest_fetch(struct vcpu *vcpu, u8 *code)
{
	u64 at = vcpu_ops->get(vcpu, VCPU_RIP);
	uint size = INSTRUCTION_MOST;

	if (guest_address_size(vcpu) != 8)
		at = (u32)(at + vcpu_ops->get(vcpu, VCPU_CS_BASE));
	if (!guest_read_virt(vcpu, at, code, size))
		return size;
	size = MIN((u64)size, PAGE_SIZE - (at & PAGE_MASK));
	return guest_read_virt(vcpu, at, code, size) ? 0 : size;
}
