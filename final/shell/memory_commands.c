/*
 * Commands about Vellum's memory. Each asks a layer for what it knows; none
 * takes memory, as the panic that one asks about may have come for want of it.
 */
#include "heap/heap.h"
#include "lib/errno.h"
#include "page/mm.h"
#include "page/page.h"
#include "page/runs.h"
#include "shell/command.h"
#include "smp/panic.h"

static int run_free(struct command *c)
{
	struct page_stats stats;

	get_page_stats(&stats);
	say(c, "pages: %u managed, %u available (%u KiB)\n", stats.pages,
	    stats.available, stats.available * 4);
	if (panic_is_on())
		say(c, "of the %u kept for a panic %u are left\n",
		    NUM_OF_PANICMEM_PAGES,
		    MIN(stats.available, (uint)NUM_OF_PANICMEM_PAGES));
	else
		say(c, "%u more are kept for a panic\n", NUM_OF_PANICMEM_PAGES);
	return 0;
}

SHELL_COMMAND(free_command, .name = "free", .run = run_free, .whole = true,
	      .help = "pages that Vellum has left");

#define RUNS 10 /* in a piece */

/* c->at[0]: the next page; the lines are as tools/heapview.py reads them. */
static int run_pages(struct command *c)
{
	static const char *const states[] = {
		[BLOCK_RESERVED] = "reserved",
		[BLOCK_FREE] = "free",
		[BLOCK_ALLOCATED] = "allocated",
		[BLOCK_NONE] = "none",
	};
	struct page_stats stats;
	struct page_run run;

	get_page_stats(&stats);
	if (!c->at[0])
		say(c, "page-map: %u pages\n", stats.pages);
	for (uint i = 0; i < RUNS; i++) {
		if (get_page_run(c->at[0], &run))
			return 0;
		say(c, "page-map: %u %s %u x %u\n", (uint)c->at[0],
		    states[run.state], run.pages, run.blocks);
		c->at[0] += run.pages * run.blocks;
	}
	return 1;
}

SHELL_COMMAND(pages_command, .name = "pages", .run = run_pages, .whole = true,
	      .help = "every block of pages, for tools/heapview.py");

static int run_heap(struct command *c)
{
	struct heap_stats stats[HEAP_CLASSES];

	get_heap_stats(stats);
	say(c, "%6s %8s %8s %8s\n", "bytes", "objects", "pages", "room for");
	for (uint i = 0; i < HEAP_CLASSES; i++)
		say(c, "%6u %8u %8u %8u\n", stats[i].size, stats[i].used,
		    stats[i].pages,
		    stats[i].pages * stats[i].slots - stats[i].used);
	return 0;
}

SHELL_COMMAND(heap_command, .name = "heap", .run = run_heap, .whole = true,
	      .help = "objects smaller than a page, by size");

static int run_check(struct command *c)
{
	int error = mm_check();

	say(c, error ? "BROKEN: the log names it, in lines with mm_check\n"
		     : "every invariant of Vellum's memory holds\n");
	return error;
}

SHELL_COMMAND(check_command, .name = "check", .run = run_check, .whole = true,
	      .help = "is Vellum's memory sound?");
