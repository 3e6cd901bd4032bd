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
 * what we read. Each address that comes out goes through the nested tables, as
 * the guest's own accesses do.
 */
#include "vmm/guest_memory.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/pte.h"
#include "vmm/decode.h"
#include "vmm/vcpu.h"
#include "vmm/window.h"

/*
 * What the nested tables let the guest do may be done for it: with RAM of any
 * kind and age, with ROM, with its part of our range, which is zeros.
 */
int guest_read_phys(struct vcpu *vcpu, gphys_t gpa, void *buffer, size_t size)
{
	phys_t at;
	int error = nested_root_lookup(&vcpu->root, gpa, false, &at);

	if (!error)
		window_read(at, buffer, size);
	return error;
}

int guest_write_phys(struct vcpu *vcpu, gphys_t gpa, const void *buffer,
		     size_t size)
{
	phys_t at;
	int error = nested_root_lookup(&vcpu->root, gpa, true, &at);

	if (!error)
		window_write(at, buffer, size);
	return error;
}

/* How the guest's page tables look in its mode. No levels: it has none. */
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

	if (!(vcpu_ops->get(vcpu, VCPU_CR0) & CR0_PG))
		return (struct walk){0};
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

/* A step of a walk: an entry, and where it is. */
struct step {
	phys_t at;
	u64 entry;
};

#define LEVELS_MOST 5

/* Walk for @virt, and note each step, from the root's down. */
static int walk_tables(struct vcpu *vcpu, const struct walk *w, u64 virt,
		       gphys_t *gpa, struct step *step)
{
	u64 table = w->root;

	*gpa = GPHYS((u32)virt);
	for (uint level = w->levels; level; level--, step++) {
		uint shift = PAGE_SHIFT + (level - 1) * w->index_bits;
		u64 index = virt >> shift & (BIT(w->index_bits) - 1);
		bool leaf = level == 1;

		if (nested_root_lookup(&vcpu->root,
				       GPHYS(table + index * w->entry_size),
				       false, &step->at))
			return -EFAULT;
		step->entry = 0;
		window_read(step->at, &step->entry, w->entry_size);
		if (!(step->entry & PTE_P))
			return -EFAULT;
		if (level == 2 || (level == 3 && w->levels > 3))
			leaf = step->entry & w->large;
		if (leaf) {
			*gpa = GPHYS(leaf_base(w, step->entry, shift) +
				     (virt & (BIT(shift) - 1)));
			return 0;
		}
		table = step->entry & PTE_ADDRESS;
	}
	return 0;
}

int guest_virt_to_phys(struct vcpu *vcpu, u64 virt, gphys_t *gpa)
{
	struct walk w = walk_of(vcpu);
	struct step steps[LEVELS_MOST];

	return walk_tables(vcpu, &w, virt, gpa, steps);
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
			error = guest_read_phys(vcpu, gpa, buffer, part);
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
			error = guest_write_phys(vcpu, gpa, buffer, part);
		if (error)
			return error;
		virt += part;
		buffer = (const char *)buffer + part;
		size -= part;
	}
	return 0;
}

/*
 * The code that was fetched last: exits come from the same few instructions
 * again and again. What never changes under a guest is where host-physical
 * memory is; so a place is still the right one if all entries on the way to it
 * are as they were.
 */
struct place {
	struct walk walk;
	u64 virt;
	phys_t at;
	struct step steps[LEVELS_MOST]; /* the unused ones: entry 0 */
};

static PERCPU(struct place, last_place);

static bool is_place(const struct place *p, const struct walk *w, u64 virt)
{
	if (p->virt != virt || !p->at.v || p->walk.root != w->root ||
	    p->walk.levels != w->levels || p->walk.large != w->large)
		return false;
	for (const struct step *s = p->steps;
	     s < p->steps + LEVELS_MOST && s->entry; s++) {
		u64 entry = 0;

		window_read(s->at, &entry, w->entry_size);
		if (entry != s->entry)
			return false;
	}
	return true;
}

/* Where code at @virt lies, in one page. */
static int find_place(struct vcpu *vcpu, u64 virt, phys_t *at)
{
	struct place *p = this_cpu(last_place);
	struct walk w = walk_of(vcpu);
	gphys_t gpa;

	if (!is_place(p, &w, virt)) {
		*p = (struct place){.walk = w, .virt = virt};
		if (walk_tables(vcpu, &w, virt, &gpa, p->steps) ||
		    nested_root_lookup(&vcpu->root, gpa, false, &p->at)) {
			p->at = PHYS(0);
			return -EFAULT;
		}
	}
	*at = p->at;
	return 0;
}

/* Only in 64-bit mode does the code segment have no base. */
uint guest_fetch(struct vcpu *vcpu, u8 *code)
{
	u64 at = vcpu_ops->get(vcpu, VCPU_RIP);
	uint size = INSTRUCTION_MOST;
	phys_t phys;

	if (guest_address_size(vcpu) != 8)
		at = (u32)(at + vcpu_ops->get(vcpu, VCPU_CS_BASE));
	if ((at & PAGE_MASK) + size <= PAGE_SIZE) {
		if (find_place(vcpu, at, &phys))
			return 0;
		window_read(phys, code, size);
		return size;
	}
	if (!guest_read_virt(vcpu, at, code, size))
		return size;
	size = MIN((u64)size, PAGE_SIZE - (at & PAGE_MASK));
	return guest_read_virt(vcpu, at, code, size) ? 0 : size;
}
