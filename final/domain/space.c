/*
 * A domain's address space.
 *
 *	level 4   0: level 3   0: level 2   2: level 1     the program's 2 MiB
 *	          |            1 .. : Vellum's range       Vellum's
 *	          256 .. : the direct map, devices         Vellum's
 *
 *	0x400000  text            r-x   in the image, where it lies
 *	          rodata          r--   likewise
 *	          data, bss       rw-   pages of its own
 *	          (nothing)             a stack that overflows faults
 *	0x5ee000  stack           rw-   pages of its own
 *	          (nothing)
 *	0x5f8000  the window      rw- or r--  buffers of a message
 *
 * Four tables are its own. What they say of everything above 1 GiB is copied
 * from Vellum's, where no entry has the U bit: so an NMI that comes while the
 * program runs finds all it needs, and the program can touch none of it.
 *
 * Vellum never follows an address that a program names. It looks it up in the
 * program's tables, asks them what the CPU would ask, and copies through its
 * own mapping of the page; so SMAP and SMEP stay on. Book: chapter 11.
 */
#include "domain/space.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/paging.h"

/* In space->tables. */
#define TOP 0
#define L3  (1 * PT_ENTRIES)
#define L2  (2 * PT_ENTRIES)
#define L1  (3 * PT_ENTRIES)

#define UPPER_HALF (PT_ENTRIES / 2) /* of the top table */

/* Bits of an entry that leads to another: the last one decides. */
#define TO_TABLE (PTE_P | PTE_W | PTE_U)

#define TEXT   (PTE_P | PTE_U)
#define RODATA (PTE_P | PTE_U | PTE_NX)
#define DATA   (PTE_P | PTE_U | PTE_NX | PTE_W)

_Static_assert(PROGRAM_BASE % SIZE_2M == 0 &&
		       PROGRAM_WINDOW + MSG_BUFS * PAGE_SIZE <=
			       PROGRAM_BASE + SIZE_2M,
	       "one table of level 1 has all of it");

/* Entry of level 1 for @virt, an address of the program's 2 MiB. */
static u64 *entry_of(struct space *space, u64 virt)
{
	return &space->tables[L1 + (virt - PROGRAM_BASE) / PAGE_SIZE];
}

static void map_range(struct space *space, u64 virt, u64 end, const char *from,
		      u64 bits)
{
	u64 phys = virt_to_phys(from).v;

	for (; virt < end; virt += PAGE_SIZE, phys += PAGE_SIZE)
		*entry_of(space, virt) = phys | bits;
}

static void link_tables(struct space *space)
{
	u64 at = space->root.v;

	space->tables[TOP] = (at + PAGE_SIZE) | TO_TABLE;
	space->tables[L3] = (at + 2 * PAGE_SIZE) | TO_TABLE;
	space->tables[L2 + PROGRAM_BASE / SIZE_2M] =
		(at + 3 * PAGE_SIZE) | TO_TABLE;
}

int space_create(struct space *space, const struct program *p)
{
	u64 data = ALIGN_UP(p->end, PAGE_SIZE) - p->rodata_end;
	void *tables, *memory;

	if (alloc_pages(&tables, &space->root, SPACE_TABLES))
		return -ENOMEM;
	space->memory_size = data + PROGRAM_STACK;
	if (alloc_pages(&memory, NULL, space->memory_size / PAGE_SIZE)) {
		free_page(tables);
		return -ENOMEM;
	}
	space->tables = tables;
	space->memory = memory;
	memset(tables, 0, SPACE_TABLES * PAGE_SIZE);
	memset(memory, 0, space->memory_size);
	memcpy(memory, p->image + (p->rodata_end - PROGRAM_BASE),
	       p->data_end - p->rodata_end);

	link_tables(space);
	map_range(space, PROGRAM_BASE, p->text_end, p->image, TEXT);
	map_range(space, p->text_end, p->rodata_end,
		  p->image + (p->text_end - PROGRAM_BASE), RODATA);
	map_range(space, p->rodata_end, p->rodata_end + data, space->memory,
		  DATA);
	map_range(space, PROGRAM_STACK_TOP - PROGRAM_STACK, PROGRAM_STACK_TOP,
		  space->memory + data, DATA);
	return 0;
}

void space_free(struct space *space)
{
	if (!space->tables)
		return;
	free_page(space->memory);
	free_page(space->tables);
	*space = (struct space){0};
}

static void copy_entries(u64 *to, const u64 *from, u64 count)
{
	asm volatile("rep movsq"
		     : "+D"(to), "+S"(from), "+c"(count)
		     :
		     : "memory");
}

void space_refresh(struct space *space)
{
	const u64 *top = vmm_phys_to_virt(paging_root());
	const u64 *low = vmm_phys_to_virt(PHYS(top[0] & PTE_ADDRESS));
	u64 first = VMM_VIRT / GIB;
	u64 last = (VMM_VIRT + boot_info.vmm_size - 1) / GIB;

	copy_entries(space->tables + TOP + UPPER_HALF, top + UPPER_HALF,
		     PT_ENTRIES - UPPER_HALF);
	copy_entries(space->tables + L3 + first, low + first, last - first + 1);
}

static bool in_window(u64 virt)
{
	return virt % PAGE_SIZE == 0 && virt >= PROGRAM_WINDOW &&
	       virt < PROGRAM_WINDOW + MSG_BUFS * PAGE_SIZE;
}

void space_map(struct space *space, u64 virt, phys_t phys, bool writable)
{
	assert(in_window(virt) && in_vmm_range(phys, PAGE_SIZE));
	*entry_of(space, virt) = phys.v | (writable ? DATA : RODATA);
}

void space_unmap(struct space *space, u64 virt)
{
	assert(in_window(virt));
	*entry_of(space, virt) = 0;
}

/*
 * Where Vellum sees the program's byte at @address, and how many from there on
 * are in the same page. NULL: the program may not touch it as @need says.
 */
static char *seen_at(const struct space *space, u64 address, u64 need,
		     size_t *room)
{
	const struct pagetable pt = {.root = space->root, .levels = 4};
	u64 offset = address & PAGE_MASK, entry;
	uint level;

	if (address >= VMM_VIRT)
		return NULL;
	entry = pt_lookup(&pt, address, &level);
	if ((entry & need) != need || level != LEVEL_4K)
		return NULL;
	*room = PAGE_SIZE - offset;
	return (char *)vmm_phys_to_virt(PHYS(entry & PTE_ADDRESS)) + offset;
}

int space_read(const struct space *space, u64 address, void *to, size_t size)
{
	size_t room, n;

	for (; size; address += n, to = (char *)to + n, size -= n) {
		char *from = seen_at(space, address, PTE_P | PTE_U, &room);

		if (!from)
			return -EFAULT;
		n = MIN(room, size);
		memcpy(to, from, n);
	}
	return 0;
}

int space_write(const struct space *space, u64 address, const void *from,
		size_t size)
{
	size_t room, n;

	for (; size; address += n, from = (const char *)from + n, size -= n) {
		char *to =
			seen_at(space, address, PTE_P | PTE_U | PTE_W, &room);

		if (!to)
			return -EFAULT;
		n = MIN(room, size);
		memcpy(to, from, n);
	}
	return 0;
}
