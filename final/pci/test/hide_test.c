/*
 * A hidden card, on a machine whose PCI bus is played here: whatever the guest
 * does with ports and with memory, it finds no trace of the card and does
 * nothing to it; and all other functions are as they would be.
 */
#include "pci/hide.c" /* to start over */

#include "host.h"

#define CARD      PCI_BDF(2, 3, 1)
#define OTHER     PCI_BDF(0, 5, 0)
#define BRIDGE    PCI_BDF(0, 28, 0)
#define SIBLING   PCI_BDF(2, 3, 0)
#define Q35       0x29c08086
#define NEIGHBOUR PCI_BDF(0, 29, 0)
#define BAR       0xfebc0000UL
#define ECAM      0xb0000000UL
#define MOVED     0xe0000000UL
#define VMM       0x1c0000000UL

#define PM_CAP   0x40
#define PCIE_CAP 0x60

struct boot_info boot_info;
const struct vcpu_ops *vcpu_ops;

/* The bus. */
static struct function {
	u16 bdf;
	u8 reg[PCI_REGS], writable[PCI_REGS];
} functions[8];
static uint function_count;
static u32 address;
static bool has_more; /* registers, by bits 27:24 of that */
static u8 more[PAGE_SIZE];
static void (*after_write)(void);

static struct function *find(u16 bdf)
{
	for (uint i = 0; i < function_count; i++)
		if (functions[i].bdf == bdf)
			return &functions[i];
	return NULL;
}

static u8 *at_data(u16 port)
{
	struct function *f = find(address >> 8);

	if (!(address & PCI_ENABLE) || port < PCI_DATA || port > PCI_DATA + 3)
		return NULL;
	assert_true(pci_lock.next != pci_lock.owner);
	if (has_more && address & 0x0f000000)
		return &more[(address >> 16 & 0xf00) + (address & 0xfc) + port -
			     PCI_DATA];
	return f ? &f->reg[(address & 0xfc) + port - PCI_DATA] : NULL;
}

u8 inb(u16 port)
{
	u8 *reg = at_data(port);

	return reg ? *reg : 0xff;
}

u16 inw(u16 port)
{
	return inb(port) | inb(port + 1) << 8;
}

u32 inl(u16 port)
{
	return port == PCI_ADDRESS ? address
				   : inw(port) | (u32)inw(port + 2) << 16;
}

static void write_byte(u16 port, u8 value)
{
	u8 *reg = at_data(port), writable;

	if (!reg)
		return;
	writable = reg >= more && reg < more + PAGE_SIZE ? 0xff : reg[PCI_REGS];
	*reg = (*reg & ~writable) | (value & writable);
}

void outb(u16 port, u8 value)
{
	write_byte(port, value);
	if (after_write)
		after_write();
}

void outw(u16 port, u16 value)
{
	write_byte(port, value);
	write_byte(port + 1, value >> 8);
	if (after_write)
		after_write();
}

void outl(u16 port, u32 value)
{
	if (port == PCI_ADDRESS)
		address = value;
	else
		for (uint i = 0; i < 4; i++)
			write_byte(port + i, value >> i * 8);
	if (after_write)
		after_write();
}

u32 io_access(const struct vm_exit *exit, u32 value)
{
	if (exit->write)
		exit->size == 1   ? outb(exit->port, value)
		: exit->size == 2 ? outw(exit->port, value)
				  : outl(exit->port, value);
	else
		value = exit->size == 1   ? inb(exit->port)
			: exit->size == 2 ? inw(exit->port)
					  : inl(exit->port);
	return value;
}

static struct guarded pool[GUARDED];
static uint allocated;
static bool no_memory;

void *alloc(uint n)
{
	assert_int_equal(n, sizeof(pool[0]));
	return no_memory ? NULL : &pool[allocated++];
}

void delay(u64 microseconds)
{
}

/* The layers around it. */
static struct io_watch *watched[16];
static uint watched_count;
static struct mmio_page *pages;

void io_watch(struct io_watch *watch)
{
	watched[watched_count++] = watch;
}

void mmio_watch(struct mmio_page *page)
{
	page->next = pages;
	pages = page;
}

static const struct mmio_page *page_at(u64 at)
{
	for (const struct mmio_page *p = pages; p; p = p->next)
		if (at >= p->page.v && at < p->page.v + p->size)
			return p;
	return NULL;
}

static u8 mcfg[ACPI_HEADER_SIZE + 8 + 16 * 3];
static uint mcfg_size;
static u64 ram_at;

const void *acpi_map(u64 phys, u64 size)
{
	return NULL;
}

int acpi_machine_root(struct acpi_root *root)
{
	return mcfg_size ? 0 : -ENOENT;
}

int acpi_find_next(acpi_map_fn *map, const struct acpi_root *root,
		   const char *signature, uint n, struct acpi_table *table)
{
	*table = (struct acpi_table){.data = mcfg, .size = mcfg_size};
	return n ? -ENOENT : 0;
}

bool mem_map_is_ram(const struct mem_map *map, u64 base, u64 size)
{
	return ram_at && base >= ram_at && base < ram_at + MIB;
}

bool overlaps_vmm_range(u64 phys, u64 size)
{
	return phys < VMM + 128 * MIB && phys + size > VMM;
}

static uint renewed;
static void (*while_renewed)(void);
static u64 forgotten[64];
static uint forgotten_count;

void nested_maps_forget(gphys_t gpa)
{
	if (forgotten_count < ARRAY_SIZE(forgotten))
		forgotten[forgotten_count++] = gpa.v;
}

void smp_renew_maps(void)
{
	assert_true(pci_lock.next == pci_lock.owner);
	renewed++;
	if (while_renewed)
		while_renewed();
}

int guest_read_phys(struct vcpu *vcpu, gphys_t gpa, void *buffer, size_t size)
{
	memset(buffer, 0xff, size);
	return 0;
}

static u64 window_at, window_value;

void window_write(phys_t at, const void *buffer, size_t size)
{
	window_at = at.v;
	window_value = 0;
	memcpy(&window_value, buffer, size);
}

static const void *stored;
static uint stored_size;

int store_fetch(struct vcpu *vcpu, const struct vm_exit *exit,
		struct store *store)
{
	*store = (struct store){.size = stored_size, .op = STORE_MOV};
	return 0;
}

int store_finish(struct vcpu *vcpu, const struct store *store, u64 old,
		 u8 bytes[16])
{
	memcpy(bytes, stored, stored_size);
	return 0;
}

/* The guest. */
static u32 guest_io(u16 port, uint size, bool write, u32 value)
{
	struct vm_exit exit = {.port = port, .size = size, .write = write};

	return config_access(&exit, value);
}

static u32 guest_read(u16 bdf, uint reg, uint size)
{
	guest_io(PCI_ADDRESS, 4, true, PCI_ENABLE | bdf << 8 | (reg & 0xfc));
	return guest_io(PCI_DATA + (reg & 3), size, false, 0);
}

static void guest_write_port(u16 bdf, uint reg, uint size, u32 value)
{
	guest_io(PCI_ADDRESS, 4, true,
		 PCI_ENABLE | (reg & 0xf00) << 16 | bdf << 8 | (reg & 0xfc));
	guest_io(PCI_DATA + (reg & 3), size, true, value);
}

static void guest_write_memory(u64 at, const void *bytes, uint size)
{
	const struct mmio_page *page = page_at(at);
	struct vm_exit exit = {.gpa = GPHYS(at), .write = true};

	assert_non_null(page);
	stored = bytes;
	stored_size = size;
	page->write(NULL, &exit);
}

static u32 ones_of(uint size)
{
	return ~0U >> (32 - 8 * size);
}

static struct function *add(u16 bdf, u32 id, u32 class, u8 type)
{
	struct function *f = &functions[function_count++];

	memset(f, 0, sizeof(*f));
	f->bdf = bdf;
	memset(f->writable, 0xff, sizeof(f->writable));
	memset(f->writable, 0, 4);
	f->writable[PCI_HEADER + 2] = 0;
	memcpy(f->reg, &id, 4);
	class <<= 8;
	memcpy(&f->reg[PCI_CLASS], &class, 4);
	f->reg[PCI_HEADER + 2] = type;
	return f;
}

/* The host bridge @id, a bridge to buses 2 to 4, a card behind it. */
static void make_machine(u32 id)
{
	struct function *f;

	add(HOST_BRIDGE, id, 0x060000, 0);
	add(OTHER, 0x29228086, 0x010601, 0);
	f = add(BRIDGE, 0x34208086, 0x060400, 1);
	memcpy(&f->reg[PCI_BUSES], "\0\2\4", 3);
	memcpy(&f->reg[0x20], "\xb0\xfe\xb0\xfe", 4);
	f->reg[PCI_COMMAND + 2] = 0x10;
	f->reg[PCI_CAPS] = PM_CAP;
	f->reg[PM_CAP] = 1;
	f->reg[PM_CAP + 1] = PCIE_CAP;
	f->reg[PCIE_CAP] = 0x10;
	f->reg[PCIE_CAP + 2] = 0x42; /* a port, version 2 */
	f->reg[PCIE_CAP + 0x28] = 0x2f;
	f = add(NEIGHBOUR, 0x34208086, 0x060400, 1);
	memcpy(&f->reg[PCI_BUSES], "\0\5\5", 3);
	add(SIBLING, 0x10d38086, 0x020000, 0x80);
	add(CARD, 0x10d38086, 0x020000, 0);
}

static int start(void **state)
{
	host_cpu_reset();
	memset(guarded_functions, 0, sizeof(guarded_functions));
	memset(ports, 0, sizeof(ports));
	memset(of_no_use, 0, sizeof(of_no_use));
	guarded_count = watched_count = function_count = moving = moves = 0;
	places = (struct ecam_places){0};
	allocated = 0;
	is_fixed = false;
	no_memory = false;
	is_watching = false;
	host = NULL;
	pages = NULL;
	after_write = while_renewed = NULL;
	mcfg_size = forgotten_count = renewed = 0;
	ram_at = address = 0;
	has_more = false;
	pci_lock = SPINLOCK_INIT;
	host_printed[0] = '\0';
	return 0;
}

static void add_mcfg(u64 base, u16 segment, u8 first, u8 last)
{
	u8 *entry;

	if (!mcfg_size)
		mcfg_size = ACPI_HEADER_SIZE + 8;
	entry = mcfg + mcfg_size;
	memcpy(entry, &base, 8);
	memcpy(entry + 8, &segment, 2);
	entry[10] = first;
	entry[11] = last;
	mcfg_size += 16;
}

static void set_pciexbar(u64 value)
{
	memcpy(&find(HOST_BRIDGE)->reg[PCIEXBAR], &value, 8);
}

static void hide(u16 bdf)
{
	struct pci_function f = {
		.bdf = bdf,
		.vendor = 0x8086,
		.device = 0x10d3,
		.bars = {{BAR, 128 * KIB, false},
			 {0xfeb80000, 16 * KIB, false},
			 {0xc000, 32, true},
			 {0, 0, false}},
	};

	assert_int_equal(pci_hide(&f, "net"), !no_memory);
}

static int start_q35(void **state)
{
	start(state);
	make_machine(Q35);
	set_pciexbar(ECAM | 1);
	add_mcfg(ECAM, 0, 0, 255);
	hide(CARD);
	return 0;
}

static void all_ports_of_the_pair_exit(void **state)
{
	bool seen[PORTS] = {false};

	assert_int_equal(watched_count, PORTS);
	for (uint i = 0; i < PORTS; i++) {
		assert_in_range(watched[i]->port, 0xcf8, 0xcff);
		assert_non_null(watched[i]->access);
		seen[watched[i]->port - 0xcf8] = true;
	}
	for (uint i = 0; i < PORTS; i++)
		assert_true(seen[i]);
}

static void at_no_width_and_no_place_is_the_card_found(void **state)
{
	static const uint sizes[] = {1, 2, 4};
	static const u32 bits[] = {0, 1, 3, BIT(24), 0x7f000000};
	struct function before = *find(CARD);

	for (uint k = 0; k < ARRAY_SIZE(bits); k++)
		for (uint reg = 0; reg < PCI_REGS; reg += 4)
			for (uint s = 0; s < 3; s++)
				for (u16 port = 0xcfc - sizes[s] + 1;
				     port <= 0xcff; port++) {
					address = PCI_ENABLE | bits[k] |
						  CARD << 8 | reg;
					assert_int_equal(
						guest_io(port, sizes[s], false,
							 0) &
							ones_of(sizes[s]),
						ones_of(sizes[s]));
					guest_io(port, sizes[s], true,
						 0x12345678);
				}
	assert_memory_equal(find(CARD), &before, sizeof(before));
}

static void other_functions_are_the_guests(void **state)
{
	static const uint sizes[] = {1, 2, 4};
	struct function *f = find(OTHER);

	for (uint s = 0; s < 3; s++)
		for (uint reg = 4; reg + sizes[s] <= PCI_REGS; reg++) {
			u32 value = 0x9a7c35e1 + reg, now = 0;

			if (reg % 4 + sizes[s] > 4 || reg / 4 == 3)
				continue;
			guest_write_port(OTHER, reg, sizes[s], value);
			memcpy(&now, &f->reg[reg], sizes[s]);
			assert_int_equal(now, value & ones_of(sizes[s]));
			assert_int_equal(guest_read(OTHER, reg, sizes[s]), now);
		}
	assert_int_equal(guest_read(SIBLING, 0, 4), 0x10d38086);
	assert_int_equal(guest_read(PCI_BDF(7, 0, 0), 0, 4), ~0U);
}

/* Its value is what it wrote, whatever we did in between. */
static void the_address_is_the_guests(void **state)
{
	u32 value = PCI_ENABLE | OTHER << 8 | 0x10;

	guest_io(PCI_ADDRESS, 4, true, value);
	assert_int_equal(pci_read(CARD, 0), 0x10d38086);
	pci_write(CARD, 0x40, 1);
	assert_int_equal(guest_io(PCI_ADDRESS, 4, false, 0), value);
	guest_write_port(BRIDGE, 4, 4, 7);
	assert_int_equal(guest_io(PCI_ADDRESS, 4, false, 0),
			 PCI_ENABLE | BRIDGE << 8 | 4);
	guest_io(PCI_ADDRESS, 4, true, CARD << 8); /* and it's off */
	assert_int_equal(guest_io(PCI_ADDRESS, 4, false, 0), CARD << 8);
}

static void in_memory_it_is_ones_as_well(void **state)
{
	static const u64 taken[] = {
		ECAM + ((u64)CARD << 12),
		BAR,
		BAR + 128 * KIB - PAGE_SIZE,
		0xfeb80000,
		0xfeb83000,
	};
	static const u64 others[] = {
		ECAM + ((u64)OTHER << 12),
		ECAM + ((u64)SIBLING << 12),
		BAR - PAGE_SIZE,
		BAR + 128 * KIB,
		0xfeb84000,
		0xc000,
	};
	struct function before = *find(CARD);

	for (uint i = 0; i < ARRAY_SIZE(taken); i++) {
		assert_ptr_equal(page_at(taken[i])->shown, ones);
		for (uint size = 1; size <= 16; size *= 2)
			guest_write_memory(taken[i] + 4, &before, size);
		guest_write_memory(taken[i] + 0xff0, &before, 16);
	}
	for (uint i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(ones[i], 0xff);
	for (uint i = 0; i < ARRAY_SIZE(others); i++)
		assert_null(page_at(others[i]));
	assert_memory_equal(find(CARD), &before, sizeof(before));
	assert_int_equal(window_at, 0);
}

/* Nobody looks for functions of a device that has no function 0. */
static void function_0_of_several_leaves_one_of_no_use(void **state)
{
	const u8 *page;

	start(state);
	make_machine(Q35);
	set_pciexbar(ECAM | 1);
	hide(SIBLING);
	page = page_at(ECAM + ((u64)SIBLING << 12))->shown;
	for (uint reg = 0; reg < PCI_REGS; reg += 4) {
		u32 want = reg == 0    ? 0xffff8086
			   : reg == 8  ? 0xff000000
			   : reg == 12 ? 0x800000
				       : 0;

		guest_write_port(SIBLING, reg, 4, ~0U);
		assert_int_equal(guest_read(SIBLING, reg, 4), want);
		assert_memory_equal(page + reg, &want, 4);
	}
	assert_int_equal(guest_read(SIBLING, 0, 2), 0x8086);
	assert_int_equal(guest_read(SIBLING, 14, 1), 0x80);
	assert_int_equal(guest_read(CARD, 0, 4), 0x10d38086);
	assert_ptr_equal(page_at(BAR)->shown, ones);
}

static void function_0_that_is_alone_leaves_nothing(void **state)
{
	start(state);
	make_machine(Q35);
	function_count--; /* the other one */
	hide(SIBLING);
	assert_int_equal(guest_read(SIBLING, 0, 4), ~0U);
	assert_int_equal(guest_read(SIBLING, 12, 4), ~0U);
}

/* Write ones, then zeros to @reg by either door: the bits that changed. */
static u8 changed(uint reg, bool memory)
{
	static const u8 values[] = {0xff, 0x00};
	struct function *f = find(BRIDGE);
	u8 before = f->reg[reg], seen = 0;

	for (uint i = 0; i < 2; i++) {
		if (memory)
			guest_write_memory(ECAM + ((u64)BRIDGE << 12) + reg,
					   &values[i], 1);
		else
			guest_write_port(BRIDGE, reg, 1, values[i]);
		seen |= f->reg[reg] ^ before;
	}
	f->reg[reg] = before;
	return seen;
}

static void what_leads_to_the_card_stays(void **state)
{
	struct function *f = find(BRIDGE);

	assert_int_equal(f->reg[PCI_COMMAND] & 6, 6);
	assert_int_equal(f->reg[PCIE_CAP + 0x28], 0x0f);
	for (uint door = 0; door < 2; door++)
		for (uint reg = 0; reg < PCI_REGS; reg++) {
			u8 kept = 0, may = f->writable[reg];

			if (reg == PCI_COMMAND)
				kept = 6;
			if ((reg >= 0x18 && reg <= 0x1a) ||
			    (reg >= 0x20 && reg <= 0x2f))
				kept = 0xff;
			if (reg == 0x3e)
				kept = 0x40;
			if (reg == PM_CAP + 4)
				kept = 3;
			if (reg == PCIE_CAP + 0x10)
				kept = 0x10;
			if (reg == PCIE_CAP + 0x19)
				kept = 4;
			if (reg == PCIE_CAP + 0x28)
				kept = 0x20;
			assert_int_equal(changed(reg, door), may & ~kept);
		}
	/* By words and more, too, and another bridge is free. */
	guest_write_port(BRIDGE, 0x3c, 4, ~0U);
	assert_int_equal(f->reg[0x3e], 0xbf);
	guest_write_port(BRIDGE, 0x18, 4, 0x40090901);
	assert_memory_equal(&f->reg[0x18], "\0\2\4\x40", 4);
	guest_write_memory(ECAM + ((u64)BRIDGE << 12) + 0x16,
			   "\1\1\1\1\1\1\1\1", 8);
	assert_memory_equal(&f->reg[0x16], "\1\1\0\2\4\1\1\1", 8);
	guest_write_port(NEIGHBOUR, 0x18, 4, 0x00090900);
	assert_int_equal(find(NEIGHBOUR)->reg[0x19], 9);
	guest_write_memory(ECAM + ((u64)BRIDGE << 12) + 0x104, "\x11\x22", 2);
	assert_int_equal(window_at, ECAM + ((u64)BRIDGE << 12) + 0x104);
	assert_int_equal(window_value, 0x2211);
}

/* What is behind it would have the card's number. */
static void no_other_bridge_gets_the_cards_bus(void **state)
{
	struct function *f = find(NEIGHBOUR);
	u64 at = ECAM + ((u64)NEIGHBOUR << 12);

	guest_write_port(NEIGHBOUR, 0x18, 4, 0x00020200);
	guest_write_port(NEIGHBOUR, 0x18, 2, 0x0200);
	guest_write_port(NEIGHBOUR, 0x19, 1, 2);
	guest_write_memory(at + 0x18, "\0\2\2\0", 4);
	guest_write_memory(at + 0x19, "\2", 1);
	guest_write_memory(at + 0x16, "\0\0\0\2\2\0\0\0", 8);
	assert_memory_equal(&f->reg[0x18], "\0\5\5", 3);
	guest_write_memory(at + 0x18, "\0\6\7\0", 4);
	assert_memory_equal(&f->reg[0x18], "\0\6\7", 3);
	/* Nor one behind another that is behind it. */
	guest_write_port(NEIGHBOUR, 0x18, 4, 0x00040100);
	guest_write_port(NEIGHBOUR, 0x19, 1, 1);
	assert_memory_equal(&f->reg[0x18], "\0\6\7", 3);
}

static u16 ticket;

/* Another CPU's write, as soon as this one lets go of the lock. */
static void write_in_between(void)
{
	if (pci_lock.owner != ticket)
		find(NEIGHBOUR)->reg[PCI_BUSES + 1] = 2;
}

static void nor_by_two_writes_at_once(void **state)
{
	struct function *f = find(NEIGHBOUR);

	guest_write_port(NEIGHBOUR, PCI_BUSES, 4, 0x00010900);
	ticket = pci_lock.owner;
	after_write = write_in_between;
	guest_write(find_guarded(NEIGHBOUR), PCI_BUSES + 2, 1, 3);
	assert_true(f->reg[PCI_BUSES + 1] == 9 || f->reg[PCI_BUSES + 2] == 1);
}

/* AMD's above 255, by ports: where a machine has them, and where it has not. */
static void no_register_is_taken_for_another(void **state)
{
	const u8 *kept = find_guarded(BRIDGE)->kept;
	struct function before = *find(BRIDGE);

	for (uint reg = PCI_REGS; reg < PAGE_SIZE; reg++) {
		uint low = reg % PCI_REGS;
		bool open = !acpi_get32(&kept[low & ~3U]);

		has_more = true;
		guest_write_port(BRIDGE, reg, 1, 0x5a);
		assert_memory_equal(find(BRIDGE)->reg, before.reg, PCI_REGS);
		assert_int_equal(more[reg], open ? 0x5a : 0);
		has_more = false;
		guest_write_port(BRIDGE, reg, 1, ~before.reg[low]);
		assert_int_equal((find(BRIDGE)->reg[low] ^ before.reg[low]) &
					 kept[low],
				 0);
		find(BRIDGE)->reg[low] = before.reg[low];
	}
	guest_write_port(NEIGHBOUR, PCI_REGS + PCI_BUSES, 4, 0x00060600);
	assert_int_equal(find(NEIGHBOUR)->reg[PCI_BUSES + 1], 5);
	guest_write_port(HOST_BRIDGE, PCI_REGS + PCIEXBAR, 4, MOVED | 1);
	assert_int_equal(find(HOST_BRIDGE)->reg[PCIEXBAR + 3], ECAM >> 24);
}

/* By a sleep; and the firmware knows nothing of them. */
static void a_bridge_that_has_lost_its_registers_gets_them_back(void **state)
{
	struct function *f = find(BRIDGE), *other = find(NEIGHBOUR);
	u8 before[PCI_REGS];

	memcpy(before, f->reg, sizeof(before));
	memset(f->reg + 4, 0, 4);
	memset(f->reg + 0x18, 0, 0x40 - 0x18);
	memset(other->reg + 0x18, 0, 4);
	pci_wake();
	assert_int_equal(f->reg[PCI_COMMAND], 6);
	assert_memory_equal(&f->reg[0x18], &before[0x18], 3);
	assert_memory_equal(&f->reg[0x20], &before[0x20], 16);
	assert_int_equal(other->reg[0x19], 0); /* the guest's to set */
}

/* Nothing is half hidden and told to be whole. */
static void what_finds_no_place_is_not_hidden(void **state)
{
	start(state);
	make_machine(Q35);
	no_memory = true;
	hide(CARD);
	assert_non_null(strstr(host_printed, "can't be hidden"));
}

static const char *alias_of(u16 bdf)
{
	struct pci_function f = {.bdf = bdf};

	return bridge_alias(&f);
}

static void who_shares_its_number_is_known(void **state)
{
	struct function *bridge = find(BRIDGE), *f = find(SIBLING);

	bridge->reg[PCI_COMMAND + 2] = 0x10; /* here it can be written */
	assert_null(alias_of(OTHER));        /* on bus 0 */
	assert_null(alias_of(CARD));         /* behind a port */
	for (uint type = 0; type < 16; type++) {
		bridge->reg[PCIE_CAP + 2] = type << 4 | 2;
		assert_int_equal(!alias_of(CARD), type >= 4 && type <= 6);
	}
	bridge->reg[PCI_COMMAND + 2] = 0; /* conventional PCI */
	assert_non_null(alias_of(CARD));
	bridge->reg[PCI_COMMAND + 2] = 0x10;
	bridge->reg[PCIE_CAP + 2] = 0x42;
	f->reg[PCI_COMMAND + 2] = 0x10;
	f->reg[PCI_CAPS] = PCIE_CAP;
	f->reg[PCIE_CAP] = 0x10;
	assert_null(alias_of(CARD));
	f->reg[PCIE_CAP + 4] = 0x08;
	assert_non_null(strstr(alias_of(CARD), "phantom"));
}

/* At each moment the card's page, wherever ECAM is, must show ones, and no CPU
 * may know it otherwise. */
static void look_at_ecam(void)
{
	struct ecam window;
	bool plain;
	u64 value, at;

	memcpy(&value, &find(HOST_BRIDGE)->reg[PCIEXBAR], 8);
	if (!ecam_of_pciexbar(value, &window, &plain))
		return;
	at = ecam_page(&window, CARD);
	if (at == ECAM_NOWHERE)
		return;
	assert_non_null(page_at(at));
	assert_ptr_equal(page_at(at)->shown, ones);
	assert_null(page_at(ecam_page(&window, BRIDGE))->shown);
}

static void two_functions_are_hidden_as_one_is(void **state)
{
	struct pci_function f = {.bdf = OTHER, .vendor = 0x1022};
	uint watched_before = watched_count;

	assert_true(pci_hide(&f, "iommu"));
	assert_int_equal(watched_count, watched_before);
	assert_int_equal(guest_read(OTHER, 0, 4), ~0U);
	assert_int_equal(guest_read(CARD, 0, 4), ~0U);
	assert_ptr_equal(page_at(ECAM + ((u64)OTHER << 12))->shown, ones);
	after_write = while_renewed = look_at_ecam;
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, MOVED | 1);
	assert_ptr_equal(page_at(MOVED + ((u64)OTHER << 12))->shown, ones);
	assert_null(page_at(ECAM + ((u64)OTHER << 12)));
	assert_non_null(strstr(host_printed,
			       "iommu: hidden from the guest: 00:05.0, "
			       "configuration space 0xb0028000 and by ports"));
}

static u64 pciexbar(void)
{
	u64 value;

	memcpy(&value, &find(HOST_BRIDGE)->reg[PCIEXBAR], 8);
	return value;
}

static void ecam_is_followed_by_either_door(void **state)
{
	u64 card = (u64)CARD << 12, host_page = ECAM, value = ECAM | 1;

	after_write = while_renewed = look_at_ecam;
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, MOVED | 1);
	assert_int_equal(pciexbar(), MOVED | 1);
	assert_ptr_equal(page_at(MOVED + card)->shown, ones);
	assert_null(page_at(ECAM + card)); /* it is the guest's again */
	assert_true(renewed);

	/* By a byte, a word, a high half; and back, in one store of 8. */
	guest_write_port(HOST_BRIDGE, PCIEXBAR + 3, 1, 0xd0);
	assert_ptr_equal(page_at(0xd0000000 + card)->shown, ones);
	guest_write_port(HOST_BRIDGE, PCIEXBAR + 2, 2, 0xc000);
	assert_ptr_equal(page_at(0xc0000000 + card)->shown, ones);
	guest_write_port(HOST_BRIDGE, PCIEXBAR + 4, 1, 0x3);
	assert_ptr_equal(page_at(0x3c0000000 + card)->shown, ones);
	assert_null(page_at(0xc0000000 + card));
	host_page = 0x3c0000000;
	guest_write_memory(host_page + PCIEXBAR, &value, 8);
	assert_int_equal(pciexbar(), ECAM | 1);
	assert_ptr_equal(page_at(ECAM + card)->shown, ones);

	/* Off, and on elsewhere; smaller, without the card's bus, and back. */
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 1, 0);
	assert_null(page_at(ECAM + card));
	guest_write_port(HOST_BRIDGE, PCIEXBAR + 3, 1, 0xe0);
	assert_null(page_at(MOVED + card));
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 1, 5);
	assert_ptr_equal(page_at(MOVED + card)->shown, ones);
	assert_non_null(strstr(host_printed, "what is hidden is so there"));
}

static void ecam_does_not_go_where_it_must_not(void **state)
{
	static const u64 bad[] = {
		VMM | 1,            /* over Vellum */
		ECAM | 7,           /* a length that is none */
		ECAM | 1 | BIT(26), /* below its size */
		ECAM | 1 | BIT(12), /* reserved */
		ECAM | 1 | BIT(40), /* beyond what all chipsets take */
	};
	u8 none = 0;

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		/* while it is off, anything can be written */
		guest_write_port(HOST_BRIDGE, PCIEXBAR, 1, none);
		guest_write_port(HOST_BRIDGE, PCIEXBAR + 4, 4, bad[i] >> 32);
		guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, bad[i]);
		assert_int_equal(pciexbar() & 1, 0);
	}
	assert_non_null(strstr(host_printed, "refused"));
}

static void ecam_stays_where_it_is_fixed(void **state)
{
	pci_fix_ecam();
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, MOVED | 1);
	assert_int_equal(pciexbar(), ECAM | 1);
}

static u64 from_other_cpu;

static void write_from_other_cpu(void)
{
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, from_other_cpu);
}

static void two_cpus_do_not_move_it_at_once(void **state)
{
	after_write = look_at_ecam;
	from_other_cpu = 0xd0000001;
	while_renewed = write_from_other_cpu;
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, MOVED | 1);
	assert_int_equal(pciexbar(), MOVED | 1);
	while_renewed = NULL;
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, ECAM | 1);
	assert_int_equal(pciexbar(), ECAM | 1);
}

/* A chipset that takes less of the value than was written. */
static void a_register_that_is_locked_is_followed_nowhere(void **state)
{
	memset(&find(HOST_BRIDGE)->writable[PCIEXBAR], 0, 8);
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, MOVED | 1);
	assert_ptr_equal(page_at(ECAM + ((u64)CARD << 12))->shown, ones);
	assert_null(page_at(MOVED + ((u64)CARD << 12)));
}

static void all_that_says_where_ecam_is_counts(void **state)
{
	u64 card = (u64)CARD << 12;

	/* MCFG alone, in two parts, with another segment; PCIEXBAR is off */
	start(state);
	make_machine(Q35);
	add_mcfg(0x80000000, 0, 0, 1);
	add_mcfg(0x90000000, 0, 2, 255);
	add_mcfg(0xa0000000, 1, 0, 255);
	hide(CARD);
	assert_null(page_at(0x80000000 + card));
	assert_ptr_equal(page_at(0x90000000 + card)->shown, ones);
	assert_null(page_at(0xa0000000 + card));
	after_write = while_renewed = look_at_ecam;
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, MOVED | 1);
	assert_ptr_equal(page_at(MOVED + card)->shown, ones);
	assert_ptr_equal(page_at(0x90000000 + card)->shown, ones);

	/* An unknown chipset of Intel's whose register says what MCFG does. */
	start(state);
	make_machine(0x3e0f8086);
	set_pciexbar(ECAM | 1);
	add_mcfg(ECAM, 0, 0, 255);
	hide(CARD);
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, MOVED | 1);
	assert_ptr_equal(page_at(MOVED + card)->shown, ones);

	/* One where it is something else. */
	start(state);
	make_machine(0x12378086);
	set_pciexbar(0x1010101);
	add_mcfg(ECAM, 0, 0, 255);
	hide(CARD);
	assert_non_null(strstr(host_printed, "nobody knows which register"));
	guest_write_port(HOST_BRIDGE, PCIEXBAR, 4, 0x2020202);
	assert_int_equal(pciexbar(), 0x2020202);
	assert_ptr_equal(page_at(ECAM + card)->shown, ones);

	/* AMD's, without a table; and what is RAM is none. */
	start(state);
	make_machine(0x14501022);
	host_set_msr(0xc0010058, 0xf8000000 | 8 << 2 | 1);
	hide(CARD);
	assert_ptr_equal(page_at(0xf8000000 + card)->shown, ones);
	assert_non_null(strstr(host_printed, "MCFG) is missing"));
	start(state);
	make_machine(0x14501022);
	add_mcfg(0x10000000, 0, 0, 255);
	ram_at = 0x10000000 + card;
	hide(CARD);
	assert_null(page_at(0x10000000 + card));
}

/* For IOMMUs: each is to have one. */
static void segments_of_mcfg_are_all_to_be_known(void **state)
{
	static const u16 list[] = {5, 0x105};
	struct acpi_root root;

	start(state);
	assert_true(ecam_segments_in(acpi_map, &root, list, 0));
	add_mcfg(0x80000000, 0, 0, 255);
	assert_true(ecam_segments_in(acpi_map, &root, list, 0));
	add_mcfg(0x90000000, 0x105, 0, 255);
	assert_true(ecam_segments_in(acpi_map, &root, list, 2));
	assert_false(ecam_segments_in(acpi_map, &root, list, 1));
	add_mcfg(0xa0000000, 5, 0, 255);
	assert_true(ecam_segments_in(acpi_map, &root, list, 2));
	assert_false(ecam_segments_in(acpi_map, &root, list + 1, 1));
}

#define ROUNDS 20000

static void *name_one_then_the_other(void *arg)
{
	for (uint i = 0; i < ROUNDS; i++) {
		guest_io(PCI_ADDRESS, 4, true, PCI_ENABLE | CARD << 8);
		guest_io(PCI_ADDRESS, 4, true, PCI_ENABLE | OTHER << 8);
	}
	return NULL;
}

/* One CPU says whose space it means; another one reads and writes there. */
static void cpus_that_race_find_nothing_either(void **state)
{
	struct function before = *find(CARD);
	uint found = 0, others = 0;
	pthread_t other;

	address = PCI_ENABLE | OTHER << 8;
	assert_int_equal(
		pthread_create(&other, NULL, name_one_then_the_other, NULL), 0);
	for (uint i = 0; i < ROUNDS; i++) {
		u32 id = guest_io(PCI_DATA, 4, false, 0);

		found += id == 0x10d38086;
		others += id == 0x29228086;
		guest_io(PCI_DATA, 4, true, 0);
	}
	pthread_join(other, NULL);
	assert_int_equal(found, 0);
	assert_true(others);
	assert_memory_equal(find(CARD), &before, sizeof(before));
}

static void on_bus_0_no_bridge_is_touched(void **state)
{
	start(state);
	make_machine(Q35);
	add(PCI_BDF(0, 3, 0), 0x100e8086, 0x020000, 0);
	hide(PCI_BDF(0, 3, 0));
	assert_int_equal(find(BRIDGE)->reg[PCI_COMMAND], 0);
	guest_write_port(BRIDGE, 0x18, 4, 0x00070700);
	assert_int_equal(find(BRIDGE)->reg[0x19], 7);
	assert_int_equal(guest_read(PCI_BDF(0, 3, 0), 0, 4), ~0U);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_ports_of_the_pair_exit, start_q35),
		cmocka_unit_test_setup(
			at_no_width_and_no_place_is_the_card_found, start_q35),
		cmocka_unit_test_setup(other_functions_are_the_guests,
				       start_q35),
		cmocka_unit_test_setup(the_address_is_the_guests, start_q35),
		cmocka_unit_test_setup(in_memory_it_is_ones_as_well, start_q35),
		cmocka_unit_test(function_0_of_several_leaves_one_of_no_use),
		cmocka_unit_test(function_0_that_is_alone_leaves_nothing),
		cmocka_unit_test_setup(what_leads_to_the_card_stays, start_q35),
		cmocka_unit_test_setup(no_register_is_taken_for_another,
				       start_q35),
		cmocka_unit_test_setup(no_other_bridge_gets_the_cards_bus,
				       start_q35),
		cmocka_unit_test_setup(nor_by_two_writes_at_once, start_q35),
		cmocka_unit_test_setup(two_functions_are_hidden_as_one_is,
				       start_q35),
		cmocka_unit_test_setup(who_shares_its_number_is_known,
				       start_q35),
		cmocka_unit_test_setup(
			a_bridge_that_has_lost_its_registers_gets_them_back,
			start_q35),
		cmocka_unit_test_setup(ecam_stays_where_it_is_fixed, start_q35),
		cmocka_unit_test(what_finds_no_place_is_not_hidden),
		cmocka_unit_test_setup(ecam_is_followed_by_either_door,
				       start_q35),
		cmocka_unit_test_setup(ecam_does_not_go_where_it_must_not,
				       start_q35),
		cmocka_unit_test_setup(two_cpus_do_not_move_it_at_once,
				       start_q35),
		cmocka_unit_test_setup(
			a_register_that_is_locked_is_followed_nowhere,
			start_q35),
		cmocka_unit_test_setup(cpus_that_race_find_nothing_either,
				       start_q35),
		cmocka_unit_test(all_that_says_where_ecam_is_counts),
		cmocka_unit_test(segments_of_mcfg_are_all_to_be_known),
		cmocka_unit_test(on_bus_0_no_bridge_is_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
