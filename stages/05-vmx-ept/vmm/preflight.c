/*
 * The preflight check (vmm/preflight.h): its frame, and its verdict.
 *
 * It runs before Vellum takes memory for itself, so that a machine with too
 * little of it gets an answer like any other. Book: chapter 5.
 */
#include "vmm/preflight.h"

#include "boot/boot_info.h"
#include "boot/phases.h"
#include "console/printf.h"
#include "lib/init.h"

extern const struct preflight_part __table_preflight_start[],
	__table_preflight_end[];

static uint reasons;

void preflight_need(const struct need *need)
{
	if (need->moot) {
		printf("  -   %s\n", need->name);
	} else if (need->problem) {
		printf("  NO  %s: %s\n", need->name, need->problem);
		reasons++;
	} else {
		printf("  ok  %s\n", need->name);
	}
}

void preflight_tell(const char *format, ...)
{
	va_list args;

	printf("      ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void preflight(void)
{
	if (!cmdline_has("check"))
		return;
	for (const struct preflight_part *p = __table_preflight_start;
	     p != __table_preflight_end; p++) {
		printf("preflight: %s\n", p->title);
		p->check();
	}
	if (reasons)
		printf("preflight: this machine cannot run Vellum: %u "
		       "reason%s\n",
		       reasons, reasons == 1 ? "" : "s");
	else
		printf("preflight: this machine can run Vellum\n");
	boot_end("preflight done");
}

INIT(console, 95, preflight);
