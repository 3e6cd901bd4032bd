/*
 * The guest's memory, out of Vellum's sight but for one page at a time.
 *
 *	boot	DIRECT_VIRT + p		all RAM, as long as it is nobody's
 *	guest	WINDOW_VIRT + n pages	CPU n's window, mostly not present
 *
 * What is mapped can be read by a CPU that guesses wrongly, too: by
 * instructions that it executes ahead and takes back, whose traces in the
 * caches a guest can measure. So the direct map goes before the guest comes.
 * And a window shows whatever memory there is, whether or not the map at boot
 * knew of it. Book: chapter 5, "Reading the guest's memory".
 */
#include "vmm/window.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/pte.h"
#include "lib/string.h"
#include "paging/direct.h"
#include "paging/paging.h"

#define WINDOW_VIRT 0x80000000UL /* our range is below */

_Static_assert(VMM_VIRT + VMMSIZE_ALL <= WINDOW_VIRT, "room for our range");

/* This CPU's page-table entry for its window, and what of it never changes. */
static PERCPU(u64 *, window_entry);
static PERCPU(u64, window_bits);

static void *window(void)
{
	return (void *)(WINDOW_VIRT + *this_cpu(cpu_number) * PAGE_SIZE);
}

int window_init(void)
{
	*this_cpu(window_entry) = paging_entry((u64)window());
	*this_cpu(window_bits) =
		PTE_P | PTE_A | (rdmsr(MSR_EFER) & EFER_NXE ? PTE_NX : 0);
	return *this_cpu(window_entry) ? 0 : -ENOMEM;
}

/* A page-table entry is moved whole: the guest may be at it as well. */
static void copy(volatile void *to, const volatile void *from, size_t size)
{
	if (size == sizeof(u64))
		*(volatile u64 *)to = *(const volatile u64 *)from;
	else if (size == sizeof(u32))
		*(volatile u32 *)to = *(const volatile u32 *)from;
	else
		memcpy((void *)to, (const void *)from, size);
}

/* What is not present is in no TLB, so nothing need be flushed here, ... */
static char *window_open(phys_t at, u64 rights)
{
	*(volatile u64 *)*this_cpu(window_entry) =
		ALIGN_DOWN(at.v, PAGE_SIZE) | *this_cpu(window_bits) | rights;
	asm volatile("" : : : "memory");
	return (char *)window() + (at.v & PAGE_MASK);
}

/* ... but here. */
static void window_close(void)
{
	asm volatile("" : : : "memory");
	*(volatile u64 *)*this_cpu(window_entry) = 0;
	asm volatile("invlpg (%0)" : : "r"(window()) : "memory");
}

void window_read(phys_t at, void *buffer, size_t size)
{
	copy(buffer, window_open(at, 0), size);
	window_close();
}

void window_write(phys_t at, const void *buffer, size_t size)
{
	copy(window_open(at, PTE_W | PTE_D), buffer, size);
	window_close();
}

void direct_map_end(void)
{
	struct pagetable tables = {
		.root = paging_root(),
		.levels = read_cr4() & CR4_LA57 ? 5 : 4,
	};
	u64 at, end, limit = paging_phys_limit();
	uint i = 0, level;

	while (direct_next_run(&boot_info.map, limit, &i, &at, &end))
		for (; at < end;
		     at = ALIGN_DOWN(at, level_size(level)) + level_size(level))
			if (pt_lookup(&tables, DIRECT_VIRT + at, &level))
				*pt_entry(&tables, DIRECT_VIRT + at, level) = 0;
	write_cr3(read_cr3());
}
