/* See machine.h. */
#include "machine.h"

#include "lib/errno.h"
#include "memory.h"
#include "page/page.h"
#include "paging/paging.h"
#include "pci/ecam.h"
#include "pci/hide.h"
#include "smp/store.h"
#include "vmm/acpi.h"
#include "vmm/mmio.h"
#include "vmm/no_guest.h"
#include "vmm/window.h"

struct machine machine;

#define COPY 100 /* bytes of it */

void machine_has_copies(uint count)
{
	machine.copies = count;
	for (uint i = 0; i < count; i++)
		memcpy(machine.table + (i + 1) * COPY, machine.table, 10);
}

static void put(u64 value, uint size)
{
	for (uint i = 0; i < size; i++)
		machine.table[machine.size++] = i < 8 ? value >> (8 * i) : 0;
}

u8 machine_sum(void)
{
	u8 sum = 0;

	for (uint i = 0; i < machine.size; i++)
		sum += machine.table[i];
	return sum;
}

static void seal(void)
{
	machine.table[9] -= machine_sum();
}

static void begin(const char *name)
{
	machine.name = name;
	memcpy(machine.table, name, 4);
	machine.size = 48;
}

void machine_has_dmar(uint count, bool segments)
{
	machine_has_dmar_of(count, segments, 1);
}

void machine_has_dmar_of(uint count, bool segments, u8 flags)
{
	begin("DMAR");
	for (uint i = 0; i < count; i++) {
		put(0, 2);
		put(16, 2);
		put(flags, 2);
		put(segments && i == count - 1, 2);
		put(0xfed90000 + i * PAGE_SIZE, 8);
	}
	seal();
}

void machine_has_reserved(u64 base, u64 last)
{
	put(1, 2);
	put(24, 2);
	put(0, 4);
	put(base, 8);
	put(last, 8);
	seal();
}

void machine_has_ivrs(void)
{
	begin("IVRS");
	put(0x10, 1);
	put(0xb0, 1);
	put(28, 2);
	put(0x00400002, 4);
	put(0xfd200000, 8);
	put(0, 8);
	put(1, 4); /* all devices */
	seal();
}

int acpi_machine_root(struct acpi_root *root)
{
	return machine.no_root ? -ENOENT : 0;
}

const void *acpi_map(u64 phys, u64 size)
{
	return NULL;
}

int acpi_find(acpi_map_fn *map, const struct acpi_root *root, const char *name,
	      struct acpi_table *found)
{
	*found = (struct acpi_table){.data = machine.table,
				     .size = machine.size,
				     .doubtful = machine_sum()};
	return machine.name && !memcmp(name, machine.name, 4) ? 0 : -ENOENT;
}

/* A copy's sum is wrong. In both lists is what is there. */
int acpi_find_next(acpi_map_fn *map, const struct acpi_root *root,
		   const char *name, uint n, struct acpi_table *found)
{
	for (uint i = 0; i < 2 * (machine.copies + 1); i++) {
		u32 at = i % (machine.copies + 1) * COPY;

		if (!memcmp(machine.table + at, name, 4) && !n--) {
			found->phys = at;
			return 0;
		}
	}
	return -ENOENT;
}

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	assert_int_equal(flags, MAP_WRITE | MAP_DEVICE);
	return machine.no_registers ? NULL : (void *)phys.v;
}

uint num_of_available_pages(void)
{
	return 10000 - memory_pages;
}

void window_read(phys_t at, void *buffer, size_t size)
{
	memcpy(buffer, machine.table + at.v, size);
}

void window_write(phys_t at, const void *buffer, size_t size)
{
	if (machine.last_is_rom && at.v >= machine.copies * COPY)
		return;
	memcpy(machine.table + at.v, buffer, size);
}

void vmm_no_guest(const char *format, ...)
{
	longjmp(machine.halted, 1);
}

void mmio_watch(struct mmio_page *page)
{
	assert_int_equal(page->size % PAGE_SIZE, 0);
	machine.watched++;
}

int store_fetch(struct vcpu *vcpu, const struct vm_exit *exit,
		struct store *store)
{
	return -EINVAL;
}

int store_finish(struct vcpu *vcpu, const struct store *store, u64 old,
		 u8 bytes[16])
{
	return 0;
}

bool pci_next(u32 *next, struct pci_function *function)
{
	*function = (struct pci_function){
		.bdf = machine.first + *next,
		.class = *next % 2 ? 0x080600 : 0x020000,
		.type = machine.is_bridge,
	};
	return (*next)++ < machine.functions;
}

u32 pci_read(u16 bdf, uint reg)
{
	assert_true(machine.is_bridge);
	assert_int_equal(reg, PCI_BUSES);
	return 0x00030100;
}

bool pci_hide(const struct pci_function *function, const char *who)
{
	assert_int_equal(function->class, 0x080600);
	machine.hidden++;
	return !machine.no_hiding;
}

void pci_fix_ecam(void)
{
}

void ecam_find(struct ecam_places *places)
{
	*places = (struct ecam_places){
		.window = {{.base = machine.ecam, .first = 2, .last = 5}},
		.count = machine.ecam ? 1 : 0,
	};
}

bool ecam_segments_in(acpi_map_fn *map, const struct acpi_root *root,
		      const u16 *list, uint count)
{
	while (count--)
		if (list[count] == machine.segment)
			return true;
	return !machine.segment;
}

u64 ecam_pciexbar(void)
{
	fail();
	return 0;
}

bool ecam_of_pciexbar(u64 value, struct ecam *window, bool *plain)
{
	fail();
	return false;
}
