/*
 * Stage 05-vmx-ept: a guest runs, and Vellum lies under it.
 *
 * This is the table of contents: what runs, in this order. The log names each
 * phase as it begins.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "boot/report.h"
#include "console/console.h"
#include "guest/bios.h"
#include "heap/heap.h"
#include "lib/selftest.h"
#include "page/page.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "vmm/launch.h"
#include "vmm/nmi.h"
#include "vmm/sleep.h"
#include "vmm/window.h"

/* What every CPU does, and so far there is one. */
static void every_cpu(void)
{
	vmm_enable();  /* VMX or SVM on, and a virtual CPU made */
	sleep_watch(); /* a CPU that slept would wake without us */
}

/* Comes back with the reason why no guest runs. */
static const char *start_vellum(int error)
{
	const char *why;

	boot_phase("trap");
	trap_init();     /* from here on a mistake is reported, not fatal */
	vmm_take_nmis(); /* and no NMI is taken for one */

	boot_phase("console");
	console_init();         /* and can be seen */
	report_machine(error);  /* its loader, its CPU, its memory */
	why = settings_check(); /* a wrong word is no order to go on */
	if (why)
		return why;

	boot_phase("memory");
	paging_init();        /* our range, our page tables, and into both */
	guard_stacks();       /* a stack that overflows faults */
	paging_demonstrate(); /* what is promised there holds */
	SELFTEST(paging_selftest());
	SELFTEST(fault_on_demand()); /* if a word asks for one */
	page_init(); /* the rest of the range can be allocated */
	SELFTEST(page_selftest());

	boot_phase("heap");
	heap_init(); /* objects smaller than a page */
	SELFTEST(heap_selftest());

	boot_phase("cpu");
	direct_map_end(); /* RAM is the guest's from here on */
	every_cpu();
	vmm_warn_of_other_cpus(); /* they come with stage 06 */

	boot_phase("guest");
	guest_boot_bios(); /* the boot drive; never comes back */
}

void boot_main(u32 magic, u32 info);

/* Called once by boot/entry.S, on CPU 0's stack, with interrupts off. */
void boot_main(u32 magic, u32 info)
{
	boot_end(start_vellum(boot_info_read(magic, info)));
}
