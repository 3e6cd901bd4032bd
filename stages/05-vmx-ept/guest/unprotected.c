/*
 * Booting the guest without Vellum, on a machine that has no VMX and no SVM
 * and whose owner said `unprotected`. The same boot code runs as under Vellum,
 * but nothing is hidden, and once the CPU is back in real mode nothing of us
 * is left. Book: chapter 5.
 */
#include "guest/unprotected.h"

#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "guest/bios.h"
#include "lib/cpu.h"
#include "lib/string.h"
#include "paging/address.h"
#include "paging/paging.h"

#define PTE_PRESENT BIT(0)
#define PTE_WRITE   BIT(1)
#define PTE_LARGE   BIT(7)
#define PTE_ADDRESS 0x000ffffffffff000UL

/* Maps the first 2 MiB to themselves, with all rights. */
static u64 low_table[512] __aligned(4096);

/* The table that entry @i of @table points to. */
static u64 *next_table(const u64 *table, uint i)
{
	if (!(table[i] & PTE_PRESENT))
		panic("guest: our page tables have no entry for address 0");
	return vmm_phys_to_virt(PHYS(table[i] & PTE_ADDRESS));
}

/*
 * Make the code at UNPROTECTED_AT run at its physical address. Our own tables
 * have nothing in the first GiB, so that a NULL pointer faults; a table of one
 * large page takes that place, next to our range at 1 GiB.
 */
static void map_low_memory(void)
{
	u64 *table = vmm_phys_to_virt(paging_root());

	if (read_cr4() & CR4_LA57)
		table = next_table(table, 0);
	table = next_table(table, 0);
	low_table[0] = PTE_LARGE | PTE_WRITE | PTE_PRESENT;
	table[0] = virt_to_phys(low_table).v | PTE_WRITE | PTE_PRESENT;
	write_cr3(paging_root().v);
}

void guest_boot_unprotected(void)
{
	struct unprotected *low = phys_to_direct(PHYS(UNPROTECTED_AT));
	struct real_mode_entry entry = guest_place_boot_code(
		guest_conventional_kib(), guest_boot_drive());

	memcpy(low, unprotected_start, unprotected_end - unprotected_start);
	*low = (struct unprotected){
		.sp = entry.sp,
		.ss = entry.ss,
		.ip = entry.ip,
		.cs = entry.cs,
		.ds = entry.ds,
		.dl = entry.dl,
	};
	map_low_memory();
	printf("vellum: launching the guest without protection\n");
	((void (*)(void))(UNPROTECTED_AT +
			  (unprotected_enter - unprotected_start)))();
	__builtin_unreachable();
}
