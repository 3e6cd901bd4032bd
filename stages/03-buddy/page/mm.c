/*
 * The page layer as the rest of the program sees it: addresses instead of page
 * numbers, one pool, panics that name the mistake, and the two emergency calls
 * for the panic path.
 *
 * A panic comes after the lock was released: it may need memory itself.
 * Book: chapter 3, "Addresses in, addresses out" and "The last megabyte".
 */
#include "console/panic.h"
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/init.h"
#include "lib/percpu.h"
#include "page/fail.h"
#include "page/setup.h"

static void *panicmem;          /* the reserve; NULL when it has been freed */
static struct mm_layer *layers; /* the memory layers above this one */

int setup_pages(struct page *page, void *virt, phys_t phys, u32 pages, u32 used)
{
	int error;

	pool_init(page, virt, phys, pages);
	error = pool_add(used, pages - used);
	panicmem = NULL;
	layers = NULL;
	return error ? error
		     : alloc_pages(&panicmem, NULL, NUM_OF_PANICMEM_PAGES);
}

#ifdef MM_FAIL_AT

u64 mm_allocations, mm_fail_at = MM_FAIL_AT;

bool mm_fail_now(void)
{
	u64 n = __atomic_add_fetch(&mm_allocations, 1, __ATOMIC_RELAXED);

	if (n != mm_fail_at)
		return false;
	printf("mm: allocation %lu fails on purpose\n", n);
	return true;
}

void mm_print_allocations(void)
{
	printf("mm: %lu allocations until here, memory is %s\n", mm_allocations,
	       mm_check() ? "DAMAGED" : "sound");
}
INIT(device, 99, mm_print_allocations);

#endif

uint num_of_available_pages(void)
{
	return __atomic_load_n(&vmm_pool.available, __ATOMIC_RELAXED);
}

void *page_owner(const void *virt)
{
	u64 i = page_number(virt);
	const struct page *page = &vmm_pool.page[i];

	if ((u64)virt & PAGE_MASK || i >= vmm_pool.pages ||
	    __atomic_load_n(&page->type, __ATOMIC_ACQUIRE) != PAGE_OWNED)
		return NULL;
	return page->owner;
}

uint pages_of_block(const void *virt)
{
	u64 offset = (u64)virt - (u64)vmm_pool.virt;
	u64 index = offset >> PAGE_SHIFT;
	const struct page *page = &vmm_pool.page[index];

	if (offset & PAGE_MASK || index >= vmm_pool.pages ||
	    __atomic_load_n(&page->type, __ATOMIC_ACQUIRE) != PAGE_ALLOCATED)
		return 0;
	return page->pages;
}

bool in_page_memory(const void *p)
{
	return (u64)p - (u64)vmm_pool.virt < (u64)vmm_pool.pages * PAGE_SIZE;
}

/*
 * What is page @i, of type PAGE_NOT_HEAD, a part of? A block is aligned to its
 * size, so its head is found by clearing low bits of the number, one by one.
 */
static const char *describe_part(u32 i)
{
	for (uint order = 1; order < NUM_OF_ALLOCSIZE; order++) {
		u32 head = ALIGN_DOWN(i, 1U << order);
		u32 type = vmm_pool.page[head].type;

		if (type >= PAGE_FREE + order && type < PAGE_NOT_HEAD)
			return "already free";
		if ((type == PAGE_ALLOCATED || type == PAGE_OWNED) &&
		    i - head < vmm_pool.page[head].pages)
			return "inside a block, not its start";
	}
	return "in no block: the page array is damaged";
}

static const char *describe(u32 i)
{
	switch (vmm_pool.page[i].type) {
	case PAGE_RESERVED:
		return "reserved for the program";
	case PAGE_ALLOCATED:
		return "allocated";
	case PAGE_OWNED:
		return "in use by its owner";
	case PAGE_NOT_HEAD:
		return describe_part(i);
	default:
		return vmm_pool.page[i].type < PAGE_NOT_HEAD
			       ? "already free"
			       : "of no type: the page array is damaged";
	}
}

const char *pool_describe(u64 index)
{
	const char *what;

	if (index >= vmm_pool.pages)
		return "not page memory";
	spin_lock(&vmm_pool.lock);
	what = describe(index);
	spin_unlock(&vmm_pool.lock);
	return what;
}

const char *describe_page(const void *virt)
{
	u64 offset = (u64)virt - (u64)vmm_pool.virt;

	return pool_describe(offset >> PAGE_SHIFT);
}

phys_t page_phys(const void *virt)
{
	return PHYS(vmm_pool.phys.v + ((u64)virt - (u64)vmm_pool.virt));
}

void get_page_stats(struct page_stats *stats)
{
	spin_lock(&vmm_pool.lock);
	stats->pages = vmm_pool.pages;
	stats->reserved = vmm_pool.reserved;
	stats->panicmem = panicmem ? NUM_OF_PANICMEM_PAGES : 0;
	stats->available = vmm_pool.available;
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++) {
		stats->blocks[order] = 0;
		list_for_each (node, &vmm_pool.free[order])
			stats->blocks[order]++;
	}
	spin_unlock(&vmm_pool.lock);
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
