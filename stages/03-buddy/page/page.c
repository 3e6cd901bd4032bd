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
#include "page/fail.h"
#include "page/setup.h"

struct page_pool vmm_pool;

static void *panicmem;          /* the reserve; NULL when it has been freed */
static struct mm_layer *layers; /* the memory layers above this one */

int setup_pages(struct page *page, void *virt, phys_t phys, u32 pages, u32 used)
{
	int error;

	pool_init(&vmm_pool, page, virt, phys, pages);
	error = pool_add(&vmm_pool, used, pages - used);
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

#endif

int alloc_pages(void **virt, phys_t *phys, int n)
{
	u32 index;
	int error = -EINVAL;

	if (mm_fail_now())
		return -ENOMEM;
	if (n > 0)
		error = pool_alloc(&vmm_pool, n, &index);

	if (error)
		return error;
	if (virt)
		*virt = vmm_pool.virt + ((u64)index << PAGE_SHIFT);
	if (phys)
		*phys = PHYS(vmm_pool.phys.v + ((u64)index << PAGE_SHIFT));
	return 0;
}

int alloc_page(void **virt, phys_t *phys)
{
	return alloc_pages(virt, phys, 1);
}

/*
 * The number of the page at @offset from the start of the pool, where a block
 * may begin. An address below the pool wraps round to a huge offset. Panics
 * for what can be no page, naming the function @who called and its argument.
 */
static u32 page_index(u64 offset, const char *who, u64 address)
{
	if (offset & PAGE_MASK)
		panic("%s(0x%lx): not page aligned", who, address);
	if (offset >> PAGE_SHIFT >= vmm_pool.pages)
		panic("%s(0x%lx): not page memory", who, address);
	return offset >> PAGE_SHIFT;
}

static void free_at(u64 offset, const char *who, u64 address)
{
	u32 index = page_index(offset, who, address);

	if (pool_free(&vmm_pool, index))
		panic("%s(0x%lx): %s", who, address,
		      pool_describe(&vmm_pool, index));
}

void free_page(void *virt)
{
	free_at((u64)virt - (u64)vmm_pool.virt, __func__, (u64)virt);
}

void free_page_phys(phys_t phys)
{
	free_at(phys.v - vmm_pool.phys.v, __func__, phys.v);
}

void shrink_pages(void *virt, int n)
{
	u32 index =
		page_index((u64)virt - (u64)vmm_pool.virt, __func__, (u64)virt);

	if (n <= 0 || pool_shrink(&vmm_pool, index, n))
		panic("%s(0x%lx, %d): %s, %u pages", __func__, (u64)virt, n,
		      pool_describe(&vmm_pool, index), pages_of_block(virt));
}

uint num_of_available_pages(void)
{
	return __atomic_load_n(&vmm_pool.available, __ATOMIC_RELAXED);
}

uint pages_of_block(const void *virt)
{
	u64 offset = (u64)virt - (u64)vmm_pool.virt;
	u64 index = offset >> PAGE_SHIFT;

	if (offset & PAGE_MASK || index >= vmm_pool.pages ||
	    vmm_pool.page[index].type != PAGE_ALLOCATED)
		return 0;
	return vmm_pool.page[index].pages;
}

bool in_page_memory(const void *p)
{
	return (u64)p - (u64)vmm_pool.virt < (u64)vmm_pool.pages * PAGE_SIZE;
}

const char *describe_page(const void *virt)
{
	u64 offset = (u64)virt - (u64)vmm_pool.virt;

	return pool_describe(&vmm_pool, offset >> PAGE_SHIFT);
}

phys_t page_phys(const void *virt)
{
	return PHYS(vmm_pool.phys.v + ((u64)virt - (u64)vmm_pool.virt));
}

void get_page_stats(struct page_stats *stats)
{
	stats->pages = vmm_pool.pages;
	stats->reserved = vmm_pool.reserved;
	stats->panicmem = panicmem ? NUM_OF_PANICMEM_PAGES : 0;
	stats->available = num_of_available_pages();
	pool_count_blocks(&vmm_pool, stats->blocks);
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

	if (virt)
		free_page(virt);
}

int mm_check(void)
{
	u32 where = 0;
	const char *wrong = pool_check(&vmm_pool, &where);
	int error = 0;

	if (wrong) {
		printf("mm_check: page %u: %s\n", where, wrong);
		error = -EINVAL;
	}
	for (struct mm_layer *layer = layers; layer; layer = layer->next)
		if (layer->check())
			error = -EINVAL;
	return error;
}
