/*
 * Stage 02-paging: a range of our own, and page tables for it.
 *
 * This is the table of contents: what runs, in this order. The log names each
 * phase as it begins.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "boot/report.h"
#include "console/console.h"
#include "lib/selftest.h"
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

	return "nothing to boot in this stage";
}

void boot_main(u32 magic, u32 info);

/* Called once by boot/entry.S, on CPU 0's stack, with interrupts off. */
void boot_main(u32 magic, u32 info)
{
	boot_end(start_vellum(boot_info_read(magic, info)));
}
