/*
 * Stage 01-boot: we are started, and can speak.
 *
 * This is the table of contents: what runs, in this order. The log names each
 * phase as it begins.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "boot/report.h"
#include "console/console.h"

/* Comes back with the reason why no guest runs. */
static const char *start_vellum(int error)
{
	const char *why;

	boot_phase("console");
	console_init();         /* from here on one can see what happens */
	report_machine(error);  /* its loader, its CPU, its memory */
	why = settings_check(); /* a wrong word is no order to go on */
	if (why)
		return why;

	return "nothing to boot in this stage";
}

void boot_main(u32 magic, u32 info);

/* Called once by boot/entry.S, on CPU 0's stack, with interrupts off. */
void boot_main(u32 magic, u32 info)
{
	boot_end(start_vellum(boot_info_read(magic, info)));
}
