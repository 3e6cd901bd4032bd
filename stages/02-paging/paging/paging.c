/*
 * Our own address space: what is mapped where, and with which rights.
 *
 *	DEVICE_VIRT + p   device registers at p          rw- uncached
 *	DIRECT_VIRT + p   RAM at p, but not our range    rw-
 *			  a framebuffer at p             rw- in bursts
 *	0x40000000 ...    our range: text                r-x
 *			  rodata                         r--
 *			  data, bss, stack               rw-
 *			  pages to allocate              rw-
 *	0 ...             nothing: NULL must fault
 *
 * W^X: what can be written can't be executed, so that a stray or malicious
 * write never becomes code. It holds for memory, not only for addresses: were
 * our range in the direct map as well, text could be written there.
 *
 * A device page at physical p is at DEVICE_VIRT + p, always. So there is no
 * virtual address to choose, none to run out of, and whether a page is mapped
 * already is written in the page tables themselves.
 * Book: chapter 2, "Our own address space".
 */
#include "paging/paging.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "paging/address.h"
#include "paging/direct.h"
#include "paging/early.h"
#include "paging/pagetable.h"

/* What CPUID has to say (SDM 2A CPUID, leaves 80000001H and 80000008H). */
#define CPUID_MCE      BIT(7)  /* leaf 1 EDX: machine-check exceptions */
#define CPUID_EXT_NX   BIT(20) /* EDX: no-execute pages */
#define CPUID_EXT_1GIB BIT(26) /* EDX: pages of 1 GiB */

/* For the printed map only: what was mapped, in the order it was. */
struct part {
	const char *name;
	u64 virt, size;
	enum map_flags flags;
};

static struct part parts[12];
static uint part_count;
static struct pagetable own_space;

/* Protects own_space once more than one CPU runs. The page lock comes after. */
static spinlock_t space_lock;

u64 paging_phys_limit(void)
{
	uint bits = 36; /* of CPUs too old for the leaf */

	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		bits = cpuid(0x80000008, 0).eax & 0xff;
	return MIN(1UL << MIN(bits, 52U), DIRECT_SIZE);
}

static u32 extended_features(void)
{
	return cpuid(0x80000001, 0).edx;
}

void paging_prepare_cpu(void)
{
	if (extended_features() & CPUID_EXT_NX)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	write_cr0(read_cr0() | CR0_WP);
	write_cr4((read_cr4() & ~(CR4_PGE | CR4_PCIDE)) |
		  (cpuid(1, 0).edx & CPUID_MCE ? CR4_MCE : 0));
}

static void note_part(const char *name, u64 virt, u64 size,
		      enum map_flags flags)
{
	assert(part_count < ARRAY_SIZE(parts));
	parts[part_count++] = (struct part){name, virt, size, flags};
}

static int map_pages(u64 virt, u64 phys, u64 size, enum map_flags flags)
{
	assert((flags & (MAP_WRITE | MAP_EXEC)) != (MAP_WRITE | MAP_EXEC));
	return pt_map(&own_space, virt, PHYS(phys), size,
		      pt_bits(&own_space, flags));
}

/* A part of our own range, from @start to @end. */
static void map_own(const char *name, const char *start, const char *end,
		    enum map_flags flags)
{
	u64 phys = boot_info.vmm_base.v + (start - (char *)VMM_VIRT);

	if (map_pages((u64)start, phys, end - start, flags))
		panic("paging: cannot map %s", name);
	note_part(name, (u64)start, end - start, flags);
}

/*
 * The first MiB is what it has always been, whatever the memory map says:
 * BIOS data and RAM, the VGA's memory, and ROMs. The console writes to the
 * screen and to the BIOS's notes about it; ACPI's root pointer is looked for
 * in the ROMs.
 */
static void map_first_mib(void)
{
	static const struct {
		const char *name;
		u64 start, end;
		enum map_flags flags;
	} area[] = {
		{"BIOS data, low RAM", 0, 0xa0000, MAP_WRITE},
		{"VGA memory", 0xa0000, 0xc0000, MAP_WRITE | MAP_DEVICE},
		{"BIOS ROMs", 0xc0000, MIB, MAP_READ},
	};

	for (uint i = 0; i < ARRAY_SIZE(area); i++) {
		u64 virt = DIRECT_VIRT + area[i].start;
		u64 size = area[i].end - area[i].start;

		if (map_pages(virt, area[i].start, size, area[i].flags))
			panic("paging: cannot map %s", area[i].name);
		note_part(area[i].name, virt, size, area[i].flags);
	}
}

/* Map the memory [@start, @end), but not what of it is our own range. */
static int map_run(u64 start, u64 end)
{
	u64 own = boot_info.vmm_base.v, own_end = own + boot_info.vmm_size;
	u64 before = MIN(end, MAX(own, start)), after;
	int error;

	error = map_pages(DIRECT_VIRT + start, start, before - start,
			  MAP_WRITE);
	after = MAX(before, MIN(own_end, end));
	if (error)
		return error;
	return map_pages(DIRECT_VIRT + after, after, end - after, MAP_WRITE);
}

/*
 * RAM, wherever it is. Without pages of 1 GiB a map that claims many TiB would
 * need more tables than we have room for; then the rest stays unmapped.
 */
static void map_ram(void)
{
	u64 start, end, limit = paging_phys_limit(), last = MIB;
	uint i = 0;
	int error = 0;

	while (direct_next_run(&boot_info.map, limit, &i, &start, &end)) {
		error = map_run(start, end);
		if (error)
			break;
		last = end;
	}
	if (error)
		printf("paging: no room for tables: RAM from 0x%lx on is not "
		       "mapped\n",
		       start);
	note_part("RAM, our range left out", DIRECT_VIRT + MIB, last - MIB,
		  MAP_WRITE);
}

/* The console draws there, if firmware has left us a graphics screen. */
static void map_framebuffer(void)
{
	const struct framebuffer *fb = &boot_info.fb;
	u64 size = (u64)fb->pitch * fb->height, limit = paging_phys_limit();
	u64 start = ALIGN_DOWN(fb->base.v, PAGE_SIZE);

	if (!fb->base.v || !size)
		return;
	if (fb->base.v >= limit || size > limit - fb->base.v) {
		printf("paging: no such framebuffer: 0x%lx\n", fb->base.v);
		return;
	}
	size = ALIGN_UP(fb->base.v + size, PAGE_SIZE) - start;
	if (map_pages(DIRECT_VIRT + start, start, size,
		      MAP_WRITE | MAP_WRITE_COMBINING))
		printf("paging: framebuffer 0x%lx is not mapped\n", start);
	else
		note_part("framebuffer", DIRECT_VIRT + start, size,
			  MAP_WRITE | MAP_WRITE_COMBINING);
}

void paging_build(void)
{
	const char *end = (char *)VMM_VIRT + boot_info.vmm_size;
	u32 features = extended_features();

	own_space.levels = read_cr4() & CR4_LA57 ? 5 : 4;
	own_space.max_leaf = features & CPUID_EXT_1GIB ? LEVEL_1G : LEVEL_2M;
	own_space.nx = features & CPUID_EXT_NX ? PTE_NX : 0;
	if (table_alloc(&own_space.root))
		panic("paging: no room for page tables");
	own_space.tables = 1;

	map_own("text", text_start, text_end, MAP_EXEC);
	map_own("rodata", rodata_start, rodata_end, MAP_READ);
	map_own("data, bss, stack", data_start, data_end, MAP_WRITE);
	map_own("pages to allocate", image_end, end, MAP_WRITE);
	map_first_mib();
	map_ram();
	map_framebuffer();
}

static const char *memory_type(enum map_flags flags)
{
	return flags & MAP_DEVICE            ? " uncached"
	       : flags & MAP_WRITE_COMBINING ? " write-combining"
					     : "";
}

void paging_print(void)
{
	const u64 *pages = own_space.leaves;

	printf("paging: virtual map (W^X: nothing is both w and x)\n");
	for (uint i = 0; i < part_count; i++) {
		const struct part *p = &parts[i];

		printf("  0x%016lx-0x%016lx r%c%c%s %s\n", p->virt,
		       p->virt + p->size - 1, p->flags & MAP_WRITE ? 'w' : '-',
		       p->flags & MAP_EXEC ? 'x' : '-', memory_type(p->flags),
		       p->name);
	}
	printf("paging: %lu pages of 4 KiB, %lu of 2 MiB, %lu of 1 GiB in %u "
	       "tables (%lu KiB), root 0x%lx\n",
	       pages[LEVEL_4K], pages[LEVEL_2M], pages[LEVEL_1G],
	       own_space.tables, own_space.tables * PAGE_SIZE / KIB,
	       own_space.root.v);
	if (!own_space.nx)
		printf("paging: this CPU has no NX: data can be executed\n");
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

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	u64 limit = paging_phys_limit(), page = ALIGN_DOWN(phys.v, PAGE_SIZE);
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

u64 *paging_entry(u64 virt)
{
	u64 *entry;

	spin_lock(&space_lock);
	entry = pt_entry(&own_space, virt, LEVEL_4K);
	spin_unlock(&space_lock);
	return entry;
}

int paging_make_guard(void *page)
{
	u64 *entry;

	assert((u64)page % PAGE_SIZE == 0 &&
	       in_vmm_range(virt_to_phys(page), PAGE_SIZE));
	entry = paging_entry((u64)page);
	if (entry)
		*entry = PTE_GUARD;
	asm volatile("invlpg (%0)" : : "r"(page) : "memory");
	return entry ? 0 : -ENOMEM;
}

bool paging_is_guard(u64 virt)
{
	return space_entered && pt_lookup(&own_space, virt, NULL) == PTE_GUARD;
}
