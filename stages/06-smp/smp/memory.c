/*
 * What each further CPU needs of memory before it can run C: a stack, and its
 * own copy of the per-CPU variables, which start out as zeros.
 */
#include "boot/layout.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/paging.h"
#include "smp/start.h"

/*
 * The copy must lie a multiple of 4096 bytes from CPU 0's, so that what is
 * aligned to a page in the one is so in the other: the guard pages of
 * exception stacks are among it.
 */
int smp_cpu_prepare(struct smp_cpu *cpu)
{
	u64 first = ALIGN_DOWN((u64)percpu_start, PAGE_SIZE);
	u64 size = ALIGN_UP((u64)percpu_end - first, PAGE_SIZE);
	u64 before = PAGE_SIZE + STACK_SIZE;
	char *block;

	if (cpu->stack_top)
		return 0; /* it has been before */
	if (alloc_pages((void **)&block, NULL, (before + size) / PAGE_SIZE))
		return -ENOMEM;
	if (paging_make_guard(block))
		return -ENOMEM; /* there is no going on from this anyway */
	memset(block + PAGE_SIZE, 0, STACK_SIZE + size);
	cpu->percpu_offset = (u64)(block + before) - first;
	*(u64 *)((u64)&percpu_self_offset + cpu->percpu_offset) =
		cpu->percpu_offset;
	*(u32 *)((u64)&percpu_cpu_number + cpu->percpu_offset) = cpu - smp_cpus;
	cpu->stack_top = block + before;
	return 0;
}
