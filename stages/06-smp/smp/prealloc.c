/*
 * A teaching switch: what it costs to reserve page tables for the worst case.
 *
 * Built with EPT_PREALLOC=1024, each CPU takes 1,024 pages for nested page
 * tables before it starts, as a hypervisor of the past did. That is 4 MiB, and
 * two dozen CPUs eat up 128 MiB: the machine of which chapter 6 tells came to
 * this when Hyper-Threading was switched on. Without the switch, nothing is
 * here. Book: chapter 6, "The machine with too many CPUs".
 */
#include "console/panic.h"
#include "lib/init.h"
#include "lib/percpu.h"
#include "page/page.h"

#if EPT_PREALLOC

#define AT_ONCE 64 /* or CPUs that start together wait in line for a lock */

/* They are kept for good; that is the point. */
static void reserve_tables(void)
{
	for (uint i = 0; i < EPT_PREALLOC; i += AT_ONCE)
		if (alloc_pages(NULL, NULL, AT_ONCE))
			panic("Out of memory: CPU %u got %u of %u pages for "
			      "its nested page tables",
			      *this_cpu(cpu_number), i, EPT_PREALLOC);
}

INIT(cpu, 20, reserve_tables);

#endif
