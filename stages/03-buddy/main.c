/*
 * Stage 03-buddy: pages can be had, and given back.
 *
 * This is the table of contents: what runs, in this order. The log names each
 * phase as it begins.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "boot/report.h"
#include "console/console.h"
#include "lib/selftest.h"
#include "page/mm.h"
#include "page/page.h"
#include "paging/paging.h"
#include "paging/trap.h"

/* Comes back with the reason why no guest runs. */
static const char *start_vellum(int error)
{
	const char *why;

	boot_phase("trap");
	trap_init(); /* from here on a mistake is reported, not fatal */

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

	mm_print_allocations(); /* in a build that lets one fail */

	return "nothing to boot in this stage";
}

void boot_main(u32 magic, u32 info);

/* Called once by boot/entry.S, on CPU 0's stack, with interrupts off. */
void boot_main(u32 magic, u32 info)
{
	boot_end(start_vellum(boot_info_read(magic, info)));
}
