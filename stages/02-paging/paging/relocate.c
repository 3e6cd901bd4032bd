/*
 * From physical 1 MiB, where the loader had to put us, to our own range.
 *
 * The order matters, because the copy takes the data as it is at that moment:
 *
 *	before	boot_info.vmm_base and vmm_size, and all page tables, which
 *		lie in the new range behind the image and are written through
 *		the early direct map; early.c's pointer has then come to rest
 *	copy and CR3	relocate_switch.S
 *	after	space_entered: from here on the range is seen at 0x40000000
 *
 * The virtual address stays the same, so no pointer changes and no code is
 * patched. Between "before" and "after" virt_to_phys() answers for the new
 * place already; only early.c asks, and means that place. Book: chapter 2,
 * "Moving house".
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/string.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "paging/range.h"

/* relocate_switch.S */
void relocate_switch(void *dst, const void *src, u64 size, phys_t root);

static void choose_range(void)
{
	u64 size = ALIGN_UP(VMMSIZE_ALL, RANGE_ALIGN), found = 0;
	phys_t base;

	if (range_choose(&boot_info.map, &boot_info.module, size, &base,
			 &found))
		panic("Not enough memory: Vellum needs %lu MiB in one piece, "
		      "aligned to 4 MiB, below 4 GiB; the largest such piece "
		      "found has %lu MiB",
		      size / MIB, found / MIB);
	boot_info.vmm_base = base;
	boot_info.vmm_size = size;
}

static void print_range(const char *why)
{
	u64 base = boot_info.vmm_base.v, size = boot_info.vmm_size;

	printf("paging: our range is 0x%08lx-0x%08lx, %lu MiB, %s\n", base,
	       base + size - 1, size / MIB, why);
}

/*
 * Copy the image from @from to our range and go on there. Then wipe what is
 * left behind: it will be the guest's memory, and is none of its business.
 */
static void move_image(phys_t from)
{
	u64 size = image_end - image_start;
	phys_t to = boot_info.vmm_base;

	if (to.v < from.v + size && from.v < to.v + boot_info.vmm_size)
		panic("Not enough memory: our range at 0x%lx overlaps the "
		      "image at 0x%lx",
		      to.v, from.v);
	relocate_switch(phys_to_direct(to), image_start, size, paging_root());
	space_entered = true;
	memset(phys_to_direct(from), 0, size);
}

void paging_init(void)
{
	phys_t from = boot_info.vmm_base;

	if (boot_info.range_from_loader) {
		print_range("from the loader");
	} else {
		choose_range();
		print_range("the highest 4 MiB aligned place below 4 GiB");
	}
	paging_build();
	paging_prepare_cpu();
	if (boot_info.range_from_loader) {
		write_cr3(paging_root().v);
		space_entered = true;
	} else {
		move_image(from);
		printf("paging: moved there from 0x%lx\n", from.v);
	}
	paging_print();
}
