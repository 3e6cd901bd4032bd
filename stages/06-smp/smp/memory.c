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
int ap_memory_alloc(struct ap_memory *memory, uint number)
{
	u64 first = ALIGN_DOWN((u64)percpu_start, PAGE_SIZE);
	u64 size = ALIGN_UP((u64)percpu_end - first, PAGE_SIZE);
	u64 before = PAGE_SIZE + STACK_SIZE;
	char *block;

	if (alloc_pages((void **)&block, NULL, (before + size) / PAGE_SIZE))
		return -ENOMEM;
	if (paging_make_guard(block))
		return -ENOMEM; /* there is no going on from this anyway */
	memset(block + PAGE_SIZE, 0, STACK_SIZE + size);
	memory->block = block;
	memory->stack_top = block + before;
	memory->percpu_offset = (u64)(block + before) - first;
	*(u64 *)((u64)&percpu_self_offset + memory->percpu_offset) =
		memory->percpu_offset;
	*(u32 *)((u64)&percpu_cpu_number + memory->percpu_offset) = number;
	return 0;
}
