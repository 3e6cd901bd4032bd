/*
 * The machine's IOMMUs, all of them alike: every device reaches all memory but
 * ours.
 *
 *	[0, top)  but our range, the page below 1 MiB that is ours too,
 *	          the registers of the units themselves
 *
 * A function of our own, the network card, reaches its rings and nothing else.
 * The guest is not told of the units: it would drive them. Their tables in
 * ACPI's list get a name that no system looks for, and their registers are
 * hidden. Book: chapter 15.
 */
#include "iommu/iommu.h"

#include "boot/boot_info.h"
#include "boot/settings.h"
#include "console/printf.h"
#include "iommu/ivrs.h"
#include "iommu/unit.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "paging/pagetable.h"
#include "paging/paging.h"
#include "smp/store.h"
#include "vmm/acpi.h"
#include "vmm/exit.h"
#include "vmm/launch.h"
#include "vmm/mmio.h"
#include "vmm/window.h"

#define AMDVI_SIZE (512 * KIB)
#define RANGES     (IOMMU_UNITS + 2)
/* In a table's header, besides its name, which comes first. */
#define SUM         9
#define HIDDEN_NAME 'X'

#define LOGGED     16 /* faults that are told one by one */

enum { IOMMU_OFF, IOMMU_ON, IOMMU_REQUIRE };

static const char *iommu_choice(uint i)
{
	static const char *const names[] = {"off", "on", "require"};

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

SETTING(iommu_setting, .name = "iommu", .type = &choice_type,
	.choice = iommu_choice, .initial = "on",
	.help = "devices are kept out of Vellum's memory; require: or no guest");

static struct iommu_unit units[IOMMU_UNITS];
static uint unit_count;
static bool running;

/* What no device reaches. */
static struct dma_range closed[RANGES];
static struct dma_map all;

/* Our own function, if we have one. */
static struct dma_range own_range;
static struct dma_map own_map;
static struct dma_guest own = {.map = &own_map};

static struct mmio_page hidden[IOMMU_UNITS];
static const u8 ones[PAGE_SIZE] __aligned(PAGE_SIZE) = {
	[0 ... PAGE_SIZE - 1] = 0xff};

/* Protects the units' lists of faults, and the counts. */
static spinlock_t fault_lock;
static u64 faults;

void iommu_own(u16 bdf, phys_t base, u64 size)
{
	own.bdf = bdf;
	own_range = (struct dma_range){base.v, base.v + size};
}

/* Both tables, of which a machine has one. */
static struct tables {
	struct acpi_table table;
	const char *name; /* NULL: there is none */
	union {
		struct dmar dmar;
		struct ivrs ivrs;
	};
} tables;

/* NULL, or what is wrong with the one that there is. */
static const char *read_tables(struct tables *t)
{
	struct acpi_root root;

	t->name = NULL;
	if (acpi_machine_root(&root))
		return NULL;
	if (!acpi_find(acpi_map, &root, "DMAR", &t->table)) {
		t->name = "DMAR";
		return dmar_read(&t->table, &t->dmar);
	}
	if (!acpi_find(acpi_map, &root, "IVRS", &t->table)) {
		t->name = "IVRS";
		return ivrs_read(&t->table, &t->ivrs);
	}
	return NULL;
}

/* The units of @t, with their registers in reach. NULL, or why not. */
static const char *map_units(const struct tables *t)
{
	bool intel = t->table.data[0] == 'D';
	uint count = intel ? t->dmar.units : t->ivrs.units;

	for (uint i = 0; i < count; i++) {
		struct iommu_unit *u = &units[i];

		u->ops = intel ? &vtd_ops : &amdvi_ops;
		u->format = intel ? &vtd_format : &amdvi_format;
		u->base = intel ? t->dmar.unit[i] : t->ivrs.unit[i];
		u->size = intel ? t->dmar.size[i] : AMDVI_SIZE;
		u->flags = intel ? 0 : t->ivrs.flags[i];
		u->regs = map_phys(PHYS(u->base), u->size,
				   MAP_WRITE | MAP_DEVICE);
		if (!u->regs)
			return "has registers where none can be";
	}
	unit_count = count;
	return NULL;
}

static bool overlaps(const struct dma_range *r, u64 base, u64 size)
{
	return r->base < base + size && base < r->end;
}

/* Does the firmware's own memory lie in ours? Then one of the two is wrong. */
static bool conflicts(const struct dma_range *r, uint count)
{
	for (uint i = 0; i < count; i++)
		if (overlaps(&r[i], boot_info.vmm_base.v, boot_info.vmm_size))
			return true;
	return false;
}

static void close(u64 base, u64 size)
{
	closed[all.count++] = (struct dma_range){
		ALIGN_DOWN(base, PAGE_SIZE), ALIGN_UP(base + size, PAGE_SIZE)};
}

/*
 * How far the map reaches: to the end of the 512 GiB in which the last memory
 * is. So it has what can be plugged in, and where devices of 64 bits are, and
 * still few pages, as one leaf has 1 GiB. Without such leaves, to the last.
 */
static u64 find_top(uint bits, uint max_leaf)
{
	const struct mem_map *map = &boot_info.map;
	u64 top = 4 * GIB, grain = max_leaf == LEVEL_1G ? 512 * GIB : GIB;

	for (uint i = 0; i < map->count; i++)
		if (map->range[i].type != MEM_RESERVED)
			top = MAX(top, map->range[i].base + map->range[i].size);
	return MIN(ALIGN_UP(top, grain), 1UL << bits);
}

static const char *build_maps(void)
{
	uint max_leaf = LEVEL_1G, bits = 48;

	for (uint i = 0; i < unit_count; i++) {
		const char *why = units[i].ops->probe(&units[i]);

		if (why)
			return why;
		max_leaf = MIN(max_leaf, units[i].max_leaf);
		bits = MIN(bits, units[i].bits);
		close(units[i].base, units[i].size);
	}
	close(boot_info.vmm_base.v, boot_info.vmm_size);
	if (boot_info.low.size)
		close(boot_info.low.base, boot_info.low.size);
	all.ranges = closed;
	all.format = own_map.format = units[0].format;
	all.max_leaf = own_map.max_leaf = max_leaf;
	all.top = find_top(bits, max_leaf);
	own_map.ranges = &own_range;
	own_map.count = own_range.end ? 1 : 0;
	if (boot_info.vmm_base.v >= all.top ||
	    dma_map_build(&all) || (own_map.count && dma_map_build(&own_map)))
		return "no memory for its tables";
	return NULL;
}

static const char *start_units(void)
{
	for (uint i = 0; i < unit_count; i++) {
		const char *why = units[i].ops->start(
			&units[i], &all, own_map.count ? &own : NULL);

		if (why)
			return why;
	}
	return NULL;
}

/* A write to a unit's registers: it is as if there was nothing. */
static void swallow(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct store s;
	u8 bytes[16];

	if (!store_fetch(vcpu, exit, &s))
		store_finish(vcpu, &s, 0, bytes);
}

static bool is_wanted(void)
{
	return true;
}

static void hide_registers(void)
{
	for (uint i = 0; i < unit_count; i++) {
		hidden[i] = (struct mmio_page){
			.page = GPHYS(units[i].base),
			.size = units[i].size,
			.shown = ones,
			.wanted = is_wanted,
			.write = swallow,
		};
		mmio_watch(&hidden[i]);
	}
}

/* The table gets a name that no system looks for, and keeps its sum. */
void iommu_hide(void)
{
	u8 name, sum;

	if (!running)
		return;
	window_read(PHYS(tables.table.phys), &name, 1);
	window_read(PHYS(tables.table.phys + SUM), &sum, 1);
	sum += name - HIDDEN_NAME;
	name = HIDDEN_NAME;
	window_write(PHYS(tables.table.phys), &name, 1);
	window_write(PHYS(tables.table.phys + SUM), &sum, 1);
}

static const char *start(struct tables *t)
{
	const char *why = read_tables(t);
	const struct dma_range *reserved;
	uint count;

	if (why || !t->name)
		return why ? why : "this machine has none";
	reserved = t->table.data[0] == 'D' ? t->dmar.range : t->ivrs.range;
	count = t->table.data[0] == 'D' ? t->dmar.reserved : t->ivrs.reserved;
	if (conflicts(reserved, count))
		return "the firmware's devices use memory in our range";
	why = map_units(t);
	if (!why)
		why = build_maps();
	return why ? why : start_units();
}

const char *iommu_init(void)
{
	int choice = setting_choice(&iommu_setting);
	const char *why;

	if (choice == IOMMU_OFF) {
		printf("iommu: off: a device of the guest's can reach Vellum's "
		       "memory\n");
		return NULL;
	}
	why = start(&tables);
	if (why) {
		printf("iommu: %s%s%s: a device of the guest's can reach "
		       "Vellum's memory\n",
		       tables.name ? tables.name : "", tables.name ? ": " : "",
		       why);
		return choice == IOMMU_REQUIRE
			       ? "iommu=require, and devices can't be kept out"
			       : NULL;
	}
	hide_registers();
	running = true;
	vmm_between_exits = iommu_poll;
	printf("iommu: %s, %u unit%s, %u levels, %u pages of tables: devices "
	       "are kept out\n",
	       tables.name, unit_count, unit_count == 1 ? "" : "s",
	       units[0].levels, all.pages + own_map.pages);
	return NULL;
}

static void tell(const struct dma_fault *f)
{
	if (++faults <= LOGGED)
		printf("iommu: %02x:%02x.%x may not %s 0x%lx (reason %u)\n",
		       f->bdf >> 8, f->bdf >> 3 & 31, f->bdf & 7,
		       f->write ? "write to" : "read", f->address, f->reason);
	if (faults == LOGGED)
		printf("iommu: more of these are counted, but not told\n");
}

/* Between two looks, so that a guest with many exits does not pay for it: some
 * milliseconds. */
#define LOOK_AGAIN (1UL << 24)

void iommu_poll(void)
{
	static u64 last;
	struct dma_fault fault;
	u64 now = rdtsc();

	if (now - __atomic_load_n(&last, __ATOMIC_RELAXED) < LOOK_AGAIN)
		return;
	__atomic_store_n(&last, now, __ATOMIC_RELAXED);
	spin_lock(&fault_lock);
	for (uint i = 0; i < unit_count; i++)
		while (units[i].ops->next_fault(&units[i], &fault))
			tell(&fault);
	spin_unlock(&fault_lock);
}
