/*
 * All memory layers together: the checker, and the two emergency calls of a
 * panic. The layers above have told us of themselves; those below have no locks
 * that matter here.
 *
 * A panic comes after the lock was released: it may need memory itself.
 * Book: chapter 3, "The last megabyte" and "What must always be true".
 */
#include "page/mm.h"

#include "console/panic.h"
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "page/fail.h"
#include "page/internal.h"
#include "page/page.h"

static void *panicmem;          /* the reserve; NULL when it has been freed */
static struct mm_layer *layers; /* the memory layers above this one */

int mm_setup(void)
{
	panicmem = NULL;
	layers = NULL;
	return alloc_pages(&panicmem, NULL, NUM_OF_PANICMEM_PAGES);
}

void mm_add_layer(struct mm_layer *layer)
{
	layer->next = layers;
	layers = layer;
}

void mm_force_unlock(void)
{
	spin_force_unlock(&vmm_pool.lock);
	for (struct mm_layer *layer = layers; layer; layer = layer->next)
		layer->force_unlock();
}

void mm_free_panicmem(void)
{
	void *virt = __atomic_exchange_n(&panicmem, NULL, __ATOMIC_ACQ_REL);

	if (!virt)
		return;
	spin_lock(&vmm_pool.lock);
	vmm_pool.only_cpu = *this_cpu(cpu_number) + 1;
	spin_unlock(&vmm_pool.lock);
	for (struct mm_layer *layer = layers; layer; layer = layer->next)
		if (layer->one_cpu_only)
			layer->one_cpu_only();
	free_page(virt);
}

static void print_wrong(const char *wrong, u32 where)
{
	u32 lists = page_array_length(vmm_pool.pages);

	if (where < lists)
		printf("mm_check: page %u: %s\n", where, wrong);
	else if (where < lists + NUM_OF_ALLOCSIZE)
		printf("mm_check: free list %u: %s\n", where - lists, wrong);
	else
		printf("mm_check: page pool: %s\n", wrong);
}

int mm_check(void)
{
	u32 where = 0;
	const char *wrong = pool_check(&where);
	int error = wrong ? -EINVAL : 0;

	if (wrong)
		print_wrong(wrong, where);
	if (panicmem && pages_of_block(panicmem) != NUM_OF_PANICMEM_PAGES) {
		printf("mm_check: the reserve for a panic is damaged\n");
		error = -EINVAL;
	}
	for (struct mm_layer *layer = layers; layer; layer = layer->next)
		if (layer->check())
			error = -EINVAL;
	return error;
}

#ifdef MM_FAIL_AT
void mm_print_allocations(void)
{
	printf("mm: %lu allocations until here, memory is %s\n", mm_allocations,
	       mm_check() ? "DAMAGED" : "sound");
}
#endif

/* All other CPUs were told to stop; shells that need memory come later. */
static void free_memory_for_panic(void)
{
	mm_force_unlock();
	mm_free_panicmem();
	if (vmm_pool.only_cpu)
		printf("page: %u pages are left, for CPU%u alone\n",
		       num_of_available_pages(), vmm_pool.only_cpu - 1);
	mm_print_allocations();
}
PANIC_HOOK(free_memory_for_panic);
