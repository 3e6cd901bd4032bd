/*
 * Hiding functions of the PCI bus: our network card, and AMD's IOMMUs, which
 * are such functions. There are three ways to one, and each is closed:
 *
 *	CF8h, CFCh      every access is done by us, under the lock that we
 *	                ourselves take; those to it read as ones
 *	ECAM            its page there shows a page of ones
 *	its registers   so do theirs; its ports are switched off (pci_take())
 *
 * None of these needs to be told who asks: the first is the chipset's register,
 * one for all CPUs, the others are in the tables that all CPUs share. So a CPU
 * that comes later finds the function as hidden as the first does.
 *
 * Other functions are the guest's, and keep what it writes; but for a few bits
 * of a few of them, on which it depends where the function is found: the
 * bridges on the way, the bus numbers of others, and PCIEXBAR, which says where
 * ECAM is. If it is function 0 of several, something must be there, or nobody
 * looks for the others: a function of no use, with a class that no driver
 * wants. Book: chapter 14.
 */
#include "pci/hide.h"

#include "console/printf.h"
#include "heap/heap.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "pci/bridge.h"
#include "pci/ecam.h"
#include "paging/address.h"
#include "smp/renew.h"
#include "smp/store.h"
#include "vmm/exit.h"
#include "vmm/guest_memory.h"
#include "vmm/io.h"
#include "vmm/mmio.h"
#include "vmm/nested_root.h"
#include "vmm/vcpu.h"
#include "vmm/window.h"

#define PORTS   8   /* CF8h to CFFh */
#define GUARDED 256 /* functions, of which */
#define BRIDGES 200 /* so many are bridges; the rest is for others */

#define MOVES_LOGGED 8

#define REG_BITS(reg) (((reg)&0xf00) << 16 | ((reg)&0xfc)) /* in PCI_ADDRESS */

#define CLASS_OF_NO_USE  0xff000000U /* "fits in no defined class" */
#define DEVICE_OF_NO_USE 0xffff0000U

/* Where a function is in ECAM: by PCIEXBAR, where it will be by that soon, and
 * by whatever else there is. */
enum {
	PLACE_NOW,
	PLACE_NEXT,
	PLACE_FIXED,
	PLACES = PLACE_FIXED + ECAM_MOST + 1,
};

/* A function whose configuration space is not all the guest's. */
static struct guarded {
	u16 bdf;
	bool is_bridge;
	const u8 *shown;   /* what is read in its place, a page; NULL: itself */
	u8 kept[PCI_REGS]; /* bits that the guest's writes leave as they are */
	u8 values[PCI_REGS]; /* and what they are, of a bridge */
	struct mmio_page ecam[PLACES], registers[PCI_BARS];
} * guarded_functions[GUARDED];
static uint guarded_count;

static struct guarded *host;      /* has PCIEXBAR; NULL: there is none */
static struct ecam_places places; /* others that ECAM is in */
static bool is_watching;          /* all that is done once, is */
static bool is_fixed;             /* nor may it move */
static u32 moving;                /* a CPU is at it */
static u32 moves;                 /* tried so far */

static struct io_watch ports[PORTS];

/* Whole pages, for the guest reads in them. */
static u8 ones[PAGE_SIZE] __aligned(PAGE_SIZE);
static u8 of_no_use[PAGE_SIZE] __aligned(PAGE_SIZE);

static struct guarded *find_guarded(u16 bdf)
{
	for (uint i = 0; i < guarded_count; i++)
		if (guarded_functions[i]->bdf == bdf)
			return guarded_functions[i];
	return NULL;
}

/* One access to the register that PCI_ADDRESS names, or a part of it. */
static u32 access_data(uint reg, uint size, bool write, u32 value)
{
	struct vm_exit exit = {
		.port = PCI_DATA + (reg & 3),
		.size = size,
		.write = write,
	};

	return io_access(&exit, value);
}

/* Is @reg the guest's by its lower 8 bits, too? Above 255 it is AMD's, while
 * NB_CFG says so, which the guest may change at any moment. */
static bool is_open(const struct guarded *g, uint reg)
{
	return reg < PCI_REGS || (g != host && (reg & 0xfc) != PCI_BUSES &&
				  !acpi_get32(&g->kept[reg & 0xfc]));
}

/*
 * Would the bridge @g lead to a hidden function's bus? What is behind it would
 * have its number then, and its place in an IOMMU's tables. Bridges on the way
 * keep theirs. With pci_lock until it is written, and @reg in PCI_ADDRESS.
 */
static bool claims_bus(const struct guarded *g, uint reg, uint size, u32 value)
{
	u32 buses;

	if (!g->is_bridge || g->kept[PCI_BUSES] || (reg & ~3U) != PCI_BUSES)
		return false;
	buses = inl(PCI_DATA);
	memcpy((u8 *)&buses + (reg & 3), &value, size);
	for (uint i = 0; i < guarded_count; i++)
		if (guarded_functions[i]->shown &&
		    PCI_BUS(guarded_functions[i]->bdf) >= (buses >> 8 & 0xff) &&
		    PCI_BUS(guarded_functions[i]->bdf) <= (buses >> 16 & 0xff))
			return true;
	return false;
}

static void write_register(const struct guarded *g, uint reg, uint size,
			   u32 value)
{
	u32 before, kept = 0;

	memcpy(&kept, &g->kept[reg % PCI_REGS], size);
	spin_lock(&pci_lock);
	before = inl(PCI_ADDRESS);
	outl(PCI_ADDRESS, PCI_ENABLE | g->bdf << 8 | REG_BITS(reg));
	if (kept)
		value = (value & ~kept) |
			(access_data(reg, size, false, 0) & kept);
	if (!claims_bus(g, reg, size, value))
		access_data(reg, size, true, value);
	outl(PCI_ADDRESS, before);
	spin_unlock(&pci_lock);
}

static const struct ecam no_window = {.first = 1}; /* and the last is 0 */

/* Guard all functions at their places in @window, too. */
static void guard_place(uint place, const struct ecam *window)
{
	for (uint i = 0; i < guarded_count; i++) {
		struct mmio_page *page = &guarded_functions[i]->ecam[place];
		u64 before = page->page.v;
		u64 now = ecam_page(window, guarded_functions[i]->bdf);

		__atomic_store_n(&page->page.v, now, __ATOMIC_SEQ_CST);
		nested_maps_forget(GPHYS(before));
		nested_maps_forget(GPHYS(now));
	}
	smp_renew_maps();
}

/*
 * The guest writes to PCIEXBAR. First the new place is guarded, on each CPU;
 * then ECAM moves; then the old place is the guest's. Between the first and the
 * last both are guarded, so there is no moment at which a CPU finds the card.
 * False: not so, the write must not be done.
 */
static bool follow_ecam(uint reg, uint size, u32 value)
{
	u64 next = ecam_pciexbar();
	struct ecam window;
	bool plain;

	memcpy((u8 *)&next + (reg - PCIEXBAR), &value, size);
	if (is_fixed)
		return false;
	if (!ecam_of_pciexbar(next, &window, &plain))
		window = no_window;
	else if (!plain ||
		 overlaps_vmm_range(window.base, (window.last + 1UL) * MIB))
		return false;
	guard_place(PLACE_NEXT, &window);
	write_register(host, reg, size, value);
	if (!ecam_of_pciexbar(ecam_pciexbar(), &window, &plain))
		window = no_window;
	guard_place(PLACE_NOW, &window);
	guard_place(PLACE_NEXT, &no_window);
	return true;
}

/* Of two CPUs that move it at once, one does. */
static void move_ecam(uint reg, uint size, u32 value)
{
	bool done;

	if (__atomic_exchange_n(&moving, 1, __ATOMIC_SEQ_CST))
		return;
	done = follow_ecam(reg, size, value);
	__atomic_store_n(&moving, 0, __ATOMIC_SEQ_CST);
	if (__atomic_add_fetch(&moves, 1, __ATOMIC_RELAXED) <= MOVES_LOGGED)
		printf("pci: the guest wrote 0x%x to PCIEXBAR: %s\n", value,
		       done ? "what is hidden is so there" : "refused");
}

/* The guest writes @size bytes, all in one register, at @reg. */
static void guest_write(const struct guarded *g, uint reg, uint size, u32 value)
{
	if (g->shown || !is_open(g, reg))
		return;
	if (g == host && (reg & ~7U) == PCIEXBAR)
		move_ecam(reg, size, value);
	else
		write_register(g, reg, size, value);
}

/* What is only in part at PCI_DATA is no access to configuration space that
 * anybody would do. */
static u32 guarded_access(const struct guarded *g, u32 address,
			  const struct vm_exit *exit, u32 value)
{
	uint reg = (address >> 16 & 0xf00) | (address & 0xfc) | exit->port % 4;

	if (exit->port < PCI_DATA || exit->port + exit->size > PCI_DATA + 4)
		return ~0U;
	if (exit->write)
		guest_write(g, reg, exit->size, value);
	else
		memcpy(&value, &g->shown[reg], exit->size);
	return value;
}

/*
 * The guest's access to one of the ports. Whose configuration space it means
 * says the first of them at this moment, so the moment must last until it is
 * done. No function is another one by bits 30:24.
 */
static u32 config_access(const struct vm_exit *exit, u32 value)
{
	struct guarded *g = NULL;
	u32 address;

	spin_lock(&pci_lock);
	address = inl(PCI_ADDRESS);
	if (address & PCI_ENABLE && exit->port + exit->size > PCI_DATA)
		g = find_guarded(address >> 8);
	if (!g || (!exit->write && !g->shown)) {
		value = io_access(exit, value);
		g = NULL;
	}
	spin_unlock(&pci_lock);
	return g ? guarded_access(g, address, exit, value) : value;
}

/* Whose page of ECAM is this? NULL: nobody's, it is what a BAR says. */
static const struct guarded *guarded_at(u64 page)
{
	for (uint i = 0; i < guarded_count; i++)
		for (uint k = 0; k < PLACES; k++)
			if (guarded_functions[i]->ecam[k].page.v == page)
				return guarded_functions[i];
	return NULL;
}

/* In pieces that lie in one register each, as a bus would. */
static void write_pieces(const struct guarded *g, u64 at, uint size,
			 const u8 *bytes)
{
	for (uint done = 0, piece; done < size; done += piece) {
		uint reg = (at + done) & PAGE_MASK;
		u32 value = 0;

		piece = reg % 4 == 0 && size - done >= 4   ? 4
			: reg % 2 == 0 && size - done >= 2 ? 2
							   : 1;
		memcpy(&value, bytes + done, piece);
		if (reg < PCI_REGS)
			guest_write(g, reg, piece, value);
		else if (!g->shown)
			window_write(PHYS(at + done), &value, piece);
	}
}

/* The guest writes to what is guarded in memory. What is not there takes any
 * write, and keeps none. */
static void memory_write(struct vcpu *vcpu, const struct vm_exit *exit)
{
	const struct guarded *g = guarded_at(exit->gpa.v & ~PAGE_MASK);
	struct store s;
	u64 old = 0;
	u8 bytes[16];

	if (store_fetch(vcpu, exit, &s))
		return;
	if (s.op < STORE_MOV)
		guest_read_phys(vcpu, exit->gpa, &old, MIN(s.size, 8U));
	if (!store_finish(vcpu, &s, old, bytes) && g)
		write_pieces(g, exit->gpa.v, s.size, bytes);
}

static bool is_wanted(void)
{
	return true;
}

static void watch_memory(struct mmio_page *page, u64 base, u64 size,
			 const u8 *shown)
{
	*page = (struct mmio_page){
		.page = GPHYS(base),
		.size = size,
		.shown = shown,
		.wanted = is_wanted,
		.write = memory_write,
	};
	mmio_watch(page);
}

/* PCIEXBAR's window can move, and come when there was none. */
static void guard_ecam(struct guarded *g)
{
	struct ecam window;
	bool plain;

	if (host) {
		if (!ecam_of_pciexbar(ecam_pciexbar(), &window, &plain))
			window = no_window;
		watch_memory(&g->ecam[PLACE_NOW], ecam_place(&window, g->bdf),
			     PAGE_SIZE, g->shown);
		watch_memory(&g->ecam[PLACE_NEXT], ECAM_NOWHERE, PAGE_SIZE,
			     g->shown);
	}
	for (uint i = 0; i < places.count; i++) {
		u64 at = ecam_place(&places.window[i], g->bdf);

		if (at != ECAM_NOWHERE && !guarded_at(at))
			watch_memory(&g->ecam[PLACE_FIXED + i], at, PAGE_SIZE,
				     g->shown);
	}
}

/* A function that is not guarded yet. NULL: one too many, or no memory. */
static struct guarded *add_guarded(u16 bdf, const u8 *shown)
{
	struct guarded *g = NULL;

	if (guarded_count < GUARDED)
		g = alloc(sizeof(*g));
	if (!g)
		return NULL;
	*g = (struct guarded){.bdf = bdf, .shown = shown};
	for (uint i = 0; i < PLACES; i++)
		g->ecam[i].page.v = ECAM_NOWHERE;
	guarded_functions[guarded_count++] = g;
	return g;
}

static const u8 *make_shown(const struct pci_function *f)
{
	u32 id = DEVICE_OF_NO_USE | f->vendor, class = CLASS_OF_NO_USE;
	u32 header = PCI_HEADER_MULTI;

	memset(ones, 0xff, sizeof(ones));
	if (!pci_has_siblings(f))
		return ones;
	memcpy(&of_no_use[PCI_ID], &id, sizeof(id));
	memcpy(&of_no_use[PCI_CLASS], &class, sizeof(class));
	memcpy(&of_no_use[PCI_HEADER], &header, sizeof(header));
	return of_no_use;
}

static void guard_bridges(void)
{
	struct pci_function f;
	struct guarded *g;
	u32 next = 0;

	while (pci_next(&next, &f)) {
		if (f.type != PCI_TYPE_BRIDGE || f.bdf == HOST_BRIDGE)
			continue;
		g = guarded_count < BRIDGES ? add_guarded(f.bdf, NULL) : NULL;
		if (!g) {
			printf("pci: the bridge " PCI_BDF_FORMAT
			       " is one too many: not guarded\n",
			       PCI_BDF_ARGS(f.bdf));
			return;
		}
		g->is_bridge = true;
		guard_ecam(g);
	}
}

/* Those above @f, which have its bus behind them. False: one is not guarded. */
static bool keep_bridges(const struct pci_function *f, const char *who)
{
	u32 next = 0;
	u16 bdf;

	while (PCI_BUS(f->bdf) && bridge_next(&next, PCI_BUS(f->bdf), &bdf)) {
		struct guarded *g = find_guarded(bdf);

		printf("%s: the bridge " PCI_BDF_FORMAT " above it %s\n", who,
		       PCI_BDF_ARGS(bdf),
		       g ? "stays as it is" : "is not guarded");
		if (!g)
			return false;
		bridge_keep(bdf, g->kept, g->values);
	}
	return true;
}

/* In the order of their numbers: the nearer to the CPU, the earlier. */
void pci_wake(void)
{
	for (uint i = 0; i < guarded_count; i++)
		if (guarded_functions[i]->is_bridge)
			bridge_restore(guarded_functions[i]->bdf,
				       guarded_functions[i]->kept,
				       guarded_functions[i]->values);
}

/* Before all nested maps, so nothing must be forgotten. */
static void watch(void)
{
	if (is_watching)
		return;
	is_watching = true;
	ecam_find(&places);
	if (places.may_move)
		printf("pci: nobody knows which register says where ECAM is: a "
		       "guest that moves it finds what is hidden\n");
	if (places.doubtful)
		printf("pci: ACPI's table of ECAM (MCFG) is missing or "
		       "doubtful\n");
	if (places.has_pciexbar)
		host = add_guarded(HOST_BRIDGE, NULL);
	if (host)
		guard_ecam(host);
	guard_bridges();
	for (uint i = 0; i < PORTS; i++) {
		ports[i].port = PCI_ADDRESS + i;
		ports[i].access = config_access;
		io_watch(&ports[i]);
	}
}

void pci_fix_ecam(void)
{
	is_fixed = true;
}

/* Its registers show ones. */
static void guard_registers(struct guarded *g, const struct pci_function *f)
{
	uint n = 0;

	for (uint i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &f->bars[i];

		if (bar->io || !bar->base || !bar->size)
			continue;
		watch_memory(&g->registers[n], ALIGN_DOWN(bar->base, PAGE_SIZE),
			     ALIGN_UP(bar->size, PAGE_SIZE), ones);
		printf("%s 0x%lx", n++ ? "" : " registers", bar->base);
	}
	if (n)
		printf(",");
}

bool pci_hide(const struct pci_function *f, const char *who)
{
	const u8 *shown = make_shown(f);
	struct guarded *g;

	watch();
	g = keep_bridges(f, who) ? add_guarded(f->bdf, shown) : NULL;
	if (!g) {
		printf("%s: " PCI_BDF_FORMAT " can't be hidden: there are too "
		       "many bridges, or no memory\n",
		       who, PCI_BDF_ARGS(f->bdf));
		return false;
	}
	guard_ecam(g);
	printf("%s: hidden from the guest: " PCI_BDF_FORMAT "%s,", who,
	       PCI_BDF_ARGS(f->bdf),
	       shown == ones ? "" : " but for a function of no use");
	guard_registers(g, f);
	printf(" configuration space");
	for (uint i = 0; i < PLACES; i++)
		if (g->ecam[i].page.v != ECAM_NOWHERE)
			printf(" 0x%lx and", g->ecam[i].page.v);
	printf(" by ports\n");
	return true;
}
