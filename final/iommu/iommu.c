/*
 * The machine's IOMMUs, all of them alike: every device reaches all memory but
 * ours.
 *
 *	[0, top)  but our range, the page below 1 MiB that is ours too,
 *	          the registers of the units themselves, and our card's
 *
 * A function of our own, the network card, reaches its rings and nothing else.
 * The guest is not told of the units: it would drive them. Their tables in
 * ACPI's list get a name that no system looks for, their registers are hidden,
 * and AMD's, which are functions of the PCI bus, are not there either.
 *
 * Interrupts go by as they are. To remap them, as the same units can, we would
 * have to know what each message of each device is meant for, which is the
 * guest's affair. The price: without it no message reaches a CPU whose APIC ID
 * has more than 8 bits, so on a machine with 255 CPUs or more Linux, which
 * looks for remapping in the same tables, does without those CPUs. A unit that
 * remaps interrupts when we come is not taken over: its firmware goes on to use
 * what we would switch off. Book: chapter 15.
 */
#include "iommu/iommu.h"

#include "boot/boot_info.h"
#include "boot/settings.h"
#include "console/panic.h"
#include "console/printf.h"
#include "iommu/faults.h"
#include "iommu/rename.h"
#include "iommu/stray.h"
#include "iommu/unit.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/pagetable.h"
#include "paging/paging.h"
#include "pci/ecam.h"
#include "pci/hide.h"
#include "smp/store.h"
#include "vmm/acpi.h"
#include "vmm/exit.h"
#include "vmm/launch.h"
#include "vmm/mmio.h"
#include "vmm/no_guest.h"
#include "vmm/vcpu.h"

#define AMDVI_SIZE (512 * KIB)
#define RANGES     (IOMMU_UNITS + 96) /* and what others close, and ours */

enum {
	IOMMU_OFF,
	IOMMU_ON,
	IOMMU_REQUIRE
};

static const char *iommu_choice(uint i)
{
	static const char *const names[] = {"off", "on", "require"};

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

SETTING(iommu_setting, .name = "iommu", .type = &choice_type,
	.choice = iommu_choice, .initial = "on", .holds_back = true,
	.help = "devices are kept out of Vellum's memory; require: or no "
		"guest");

static struct iommu_unit units[IOMMU_UNITS];
static uint unit_count;
static bool running;

/* What no device reaches. */
static struct dma_range closed[RANGES];
static struct dma_map all = {.ranges = closed};

/* Our own function, if we have one: then the map has a range. */
static struct dma_range own_range;
static struct dma_map own_map = {.ranges = &own_range};
static struct dma_guest own = {.map = &own_map};

static struct mmio_page hidden[IOMMU_UNITS];

/* What the machine has: one of the two tables, or none. */
static struct tables {
	struct acpi_table table;
	const char *name; /* NULL: none */
	bool intel;
	union {
		struct dmar dmar;
		struct ivrs ivrs;
	};
} tables;

/* NULL, or what is wrong with the table that there is, or with the way to all
 * tables. */
static const char *read_tables(struct tables *t)
{
	struct acpi_root root;
	const char *wrong;

	t->name = NULL;
	if (acpi_machine_root(&root)) {
		t->name = "RSDP";
		return "it is not found, or not sound";
	}
	t->intel = !acpi_find(acpi_map, &root, "DMAR", &t->table);
	if (t->intel) {
		t->name = "DMAR";
		wrong = dmar_read(&t->table, &t->dmar);
		return wrong ? wrong : find_stray_vtd(&t->dmar);
	}
	if (!acpi_find(acpi_map, &root, "IVRS", &t->table)) {
		t->name = "IVRS";
		wrong = ivrs_read(&t->table, &t->ivrs);
		return wrong ? wrong : find_stray_amdvi(&t->ivrs);
	}
	return NULL;
}

/* Why no device is kept out, after "iommu: "; NULL: there are units. */
static const char *find_units(char *text, size_t size)
{
	const char *wrong;

	if (setting_choice(&iommu_setting) == IOMMU_OFF)
		return "off";
	wrong = read_tables(&tables);
	if (!wrong)
		return tables.name ? NULL : "this machine has none";
	snprintf(text, size, "the table %s can't be used: %s", tables.name,
		 wrong);
	return text;
}

bool iommu_expected(void)
{
	char text[96];

	return !find_units(text, sizeof(text));
}

void iommu_need(struct need *need, char *text, size_t size)
{
	const char *why = find_units(text, size);

	*need = (struct need){
		.name = "IOMMUs to try, as iommu=require demands",
		.problem = why ? "iommu=require, and devices can't be kept out"
			       : NULL,
		.moot = setting_choice(&iommu_setting) != IOMMU_REQUIRE,
	};
	if (why && why != text)
		snprintf(text, size, "%s", why);
	else if (!why)
		snprintf(text, size, "%s, units: %u: tried at the start",
			 tables.name,
			 tables.intel ? tables.dmar.units : tables.ivrs.units);
}

void iommu_close(u64 base, u64 size)
{
	const struct dma_range pages = {ALIGN_DOWN(base, PAGE_SIZE),
					ALIGN_UP(base + size, PAGE_SIZE)};

	for (uint i = 0; i < all.count; i++)
		if (closed[i].base <= pages.base && pages.end <= closed[i].end)
			return;
	assert(all.count < RANGES); /* none of them is the guest's doing */
	closed[all.count++] = pages;
}

void iommu_own(const struct pci_function *f, phys_t base, u64 size)
{
	own.bdf = f->bdf;
	own_range = (struct dma_range){base.v, base.v + size};
	own_map.count = 1;
	for (uint i = 0; i < PCI_BARS; i++)
		if (!f->bars[i].io && f->bars[i].base && f->bars[i].size)
			iommu_close(f->bars[i].base, f->bars[i].size);
}

static bool has_ram(u64 base, u64 end)
{
	const struct mem_map *map = &boot_info.map;

	for (uint i = 0; i < map->count; i++)
		if (map->range[i].type == MEM_RAM && map->range[i].base < end &&
		    base < map->range[i].base + map->range[i].size)
			return true;
	return false;
}

/* Is there memory, or a unit before the one @u, in @u's registers? */
static bool is_elsewhere(const struct iommu_unit *u)
{
	u64 end = u->base + u->size;

	if (has_ram(u->base, end))
		return true;
	for (const struct iommu_unit *v = units; v < u; v++)
		if (v->base < end && u->base < v->base + v->size)
			return true;
	return false;
}

/* One unit, with its registers in reach. NULL, or why not. */
static const char *find_unit(struct iommu_unit *u, const struct tables *t,
			     uint i)
{
	const char *why;

	u->ops = t->intel ? &vtd_ops : &amdvi_ops;
	u->format = t->intel ? &vtd_format : &amdvi_format;
	u->base = t->intel ? t->dmar.unit[i] : t->ivrs.unit[i];
	u->size = t->intel ? t->dmar.size[i] : AMDVI_SIZE;
	u->flags = t->intel ? 0 : t->ivrs.flags[i];
	u->segment = t->intel ? t->dmar.segment[i] : t->ivrs.segment[i];
	u->regs = map_phys(PHYS(u->base), u->size, MAP_WRITE | MAP_DEVICE);
	u->seen = new_page(NULL);
	if (!u->seen)
		return "no memory for its tables";
	memset(u->seen, 0, PAGE_SIZE);
	why = u->regs ? u->ops->probe(u) : "has registers where none can be";
	return !why && is_elsewhere(u) ? "has registers where others are" : why;
}

/*
 * How far the map reaches: to the end of the 512 GiB in which the last memory
 * is. So it has what can be plugged in, and where devices of 64 bits are, and
 * still few pages, as one leaf has 1 GiB. Without such leaves, to the last.
 * 0: not all memory is within the @bits bits of an address that a unit knows.
 */
static u64 find_top(uint bits, uint max_leaf, const struct dma_range *reserved,
		    uint count)
{
	const struct mem_map *map = &boot_info.map;
	u64 top = 4 * GIB, grain = max_leaf == LEVEL_1G ? 512 * GIB : GIB;

	for (uint i = 0; i < map->count; i++)
		if (map->range[i].type != MEM_RESERVED)
			top = MAX(top, map->range[i].base + map->range[i].size);
	for (uint i = 0; i < count; i++)
		top = MAX(top, reserved[i].end);
	if (top > 1UL << bits)
		return 0;
	return MIN(ALIGN_UP(top, grain), 1UL << bits);
}

/* Does the firmware's own memory lie in ours? Then one of the two is wrong. */
static bool conflicts(const struct dma_range *r, uint count)
{
	u64 base = boot_info.vmm_base.v, end = base + boot_info.vmm_size;

	for (uint i = 0; i < count; i++)
		if (r[i].base < end && base < r[i].end)
			return true;
	return false;
}

/* The maps, from what all units can and what the table says is in use. */
static const char *build_maps(const struct tables *t)
{
	const struct dma_range *reserved =
		t->intel ? t->dmar.range : t->ivrs.range;
	uint count = t->intel ? t->dmar.reserved : t->ivrs.reserved;
	uint max_leaf = LEVEL_1G, bits = 48;

	if (conflicts(reserved, count))
		return "the firmware's devices use memory in our range";
	for (uint i = 0; i < unit_count; i++) {
		max_leaf = MIN(max_leaf, units[i].max_leaf);
		bits = MIN(bits, units[i].bits);
		iommu_close(units[i].base, units[i].size);
	}
	iommu_close(boot_info.vmm_base.v, boot_info.vmm_size);
	if (boot_info.low.size)
		iommu_close(boot_info.low.base, boot_info.low.size);
	all.format = own_map.format = units[0].format;
	all.max_leaf = own_map.max_leaf = max_leaf;
	all.top = find_top(bits, max_leaf, reserved, count);
	if (boot_info.vmm_base.v >= all.top)
		return "does not reach all memory";
	if (dma_map_build(&all) || (own_map.count && dma_map_build(&own_map)))
		return "no memory for its tables";
	return NULL;
}

bool iommu_is_on(void)
{
	return running;
}

/* A table that names RAM would keep devices from the guest's. */
static void close_window(u64 base, u64 size)
{
	if (has_ram(base, base + size))
		printf("iommu: no ECAM can be at 0x%lx-0x%lx, which has RAM: "
		       "left open to devices\n",
		       base, base + size - 1);
	else
		iommu_close(base, size);
}

/* Where the hidden functions' configuration space is: it is read and written by
 * CPUs alone. */
static void close_ecam(void)
{
	struct ecam_places places;
	struct ecam window;
	bool plain;

	pci_fix_ecam();
	ecam_find(&places);
	if (places.has_pciexbar &&
	    ecam_of_pciexbar(ecam_pciexbar(), &window, &plain))
		close_window(window.base, (window.last + 1UL) * MIB);
	for (uint i = 0; i < places.count; i++)
		close_window(
			places.window[i].base + places.window[i].first * MIB,
			(places.window[i].last - places.window[i].first + 1UL) *
				MIB);
}

static const char *start_units(void)
{
	const char *why = NULL;

	/* Our card's number is one of segment 0. */
	for (uint i = 0; i < unit_count && !why; i++)
		why = units[i].ops->start(
			&units[i], &all,
			own_map.count && !units[i].segment ? &own : NULL);
	return why;
}

static void stop_units(void)
{
	running = false;
	faults_watch(units, 0);
	for (uint i = 0; i < unit_count; i++)
		units[i].ops->stop(&units[i]);
}

/* A write to a unit's registers: nothing comes of it, though it may seem so. */
static void swallow(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct store s;
	u8 bytes[16];
	u32 value;

	if (store_fetch(vcpu, exit, &s) || store_finish(vcpu, &s, 0, bytes) ||
	    s.size < sizeof(value))
		return;
	memcpy(&value, bytes, sizeof(value));
	for (uint i = 0; i < unit_count; i++)
		if (units[i].ops->echo &&
		    exit->gpa.v - units[i].base < units[i].size)
			units[i].ops->echo(&units[i],
					   exit->gpa.v - units[i].base, value);
}

/* The registers of units that were stopped are the guest's. */
static bool is_wanted(void)
{
	return running;
}

/* NULL, or why not. */
static const char *hide_units(void)
{
	struct pci_function f;
	u32 next = 0;

	for (uint i = 0; i < unit_count; i++) {
		hidden[i] = (struct mmio_page){
			.page = GPHYS(units[i].base),
			.size = units[i].size,
			.shown = units[i].seen,
			.wanted = is_wanted,
			.write = swallow,
		};
		mmio_watch(&hidden[i]);
	}
	while (pci_next(&next, &f))
		if (f.class >> 8 == CLASS_IOMMU && !pci_hide(&f, "iommu"))
			return "its PCI function can't be hidden";
	return NULL;
}

static const char *start(const struct tables *t)
{
	uint count = t->intel ? t->dmar.units : t->ivrs.units;
	const char *why = NULL;

	while (unit_count < count && !why) {
		why = find_unit(&units[unit_count], t, unit_count);
		unit_count += !why;
	}
	close_ecam();
	if (!why)
		why = build_maps(t);
	if (why)
		return why;
	why = start_units();
	if (!why)
		why = hide_units();
	if (why)
		stop_units(); /* they are the guest's */
	running = !why;
	faults_watch(units, running ? unit_count : 0);
	return why;
}

static void tell_of_units(uint pages)
{
	printf("iommu: %s, %u unit%s, %u levels, %u pages of tables: devices "
	       "are kept out\n",
	       tables.name, unit_count, unit_count == 1 ? "" : "s",
	       units[0].levels, pages);
	if (own_map.count)
		printf("iommu: " PCI_BDF_FORMAT " is ours, and reaches "
		       "0x%lx-0x%lx alone\n",
		       PCI_BDF_ARGS(own.bdf), own_range.base,
		       own_range.end - 1);
}

/* Say that no device is kept out. NULL, or why no guest may run then. */
static const char *go_without(const char *why)
{
	printf("iommu: %s: a device of the guest's can reach Vellum's memory\n",
	       why);
	return setting_choice(&iommu_setting) == IOMMU_REQUIRE
		       ? "iommu=require, and devices can't be kept out"
		       : NULL;
}

/* The same of units that were tried: they are the guest's, which knows of no
 * card of ours. */
static const char *give_up(const char *why)
{
	char text[128];

	snprintf(text, sizeof(text), "a unit of %s: %s", tables.name, why);
	if (own_map.count)
		printf("iommu: a guest that uses %s cuts " PCI_BDF_FORMAT
		       ", which is ours, off; for Linux: intel_iommu=off, "
		       "amd_iommu=off\n",
		       tables.name, PCI_BDF_ARGS(own.bdf));
	return go_without(text);
}

const char *iommu_init(void)
{
	char text[96];
	const char *why = find_units(text, sizeof(text));
	uint before = num_of_available_pages();

	if (why)
		return go_without(why);
	why = start(&tables);
	if (why)
		return give_up(why);
	vmm_between_exits = iommu_poll;
	tell_of_units(before - num_of_available_pages());
	return NULL;
}

void iommu_hide(void)
{
	const char *why = NULL;

	if (running && !rename_tables(tables.name)) {
		iommu_end();
		why = give_up("its table can't be hidden");
	}
	if (why)
		vmm_no_guest("%s", why);
}

const char *iommu_start_again(void)
{
	return running ? start_units() : NULL;
}

void iommu_end(void)
{
	if (!running)
		return;
	stop_units();
	rename_back(tables.name);
}
