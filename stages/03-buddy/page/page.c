/*
 * The buddy allocator: split to allocate, merge to free.
 *
 *	alloc_pages(1) finds only	free_page() of that
 *	a block of 4 pages:		page, later:
 *
 *	|     free, 4   |		|1,a|1,f|  2, f |
 *	|  2, f |  2, f | split		|1,f|1,f|  2, f |
 *	|1,f|1,f|  2, f | split		|  2, f |  2, f | merge
 *	|1,a|1,f|  2, f | take		|     free, 4   | merge
 *
 * Neither searches, nor calls itself: the cost is bounded by the number of
 * orders, 13, whatever the number of pages. All state is in vmm_pool.
 * Book: chapter 3, "Split and merge".
 */
#include "page/page.h"

#include "console/panic.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "page/fail.h"
#include "page/internal.h"

struct page_pool vmm_pool;

/* Put the free block of @order at @page on its list, in front. */
static inline void link_block(struct page *page, u32 order)
{
	list_add(&vmm_pool.free[order], &page->link);
	page->type = PAGE_FREE + order;
}

/*
 * Free the block of @order at @i, which the caller owns: merge it with its
 * buddy for as long as the whole buddy is free. Unrolled, because then all that
 * depends on the order is a constant.
 */
static inline void put_block(u64 i, u32 order)
{
	struct page *page = vmm_pool.page;

	page[i].type = PAGE_NOT_HEAD;
#pragma GCC unroll 16
	while (order < NUM_OF_ALLOCSIZE - 1) {
		u64 buddy = buddy_of(i, order);

		if (page[buddy].type != PAGE_FREE + order)
			break;
		list_unlink(&page[buddy].link);
		page[buddy].type = PAGE_NOT_HEAD;
		i = whole_of(i, buddy);
		order++;
	}
	link_block(&page[i], order);
}

/*
 * Free the @n pages at @i, which the caller owns, in the largest blocks that
 * their place and number allow: at most two of each order but the highest.
 */
static void put_pages(u32 i, u32 n)
{
	while (n) {
		u32 order = largest_order(i, n);

		put_block(i, order);
		i += 1U << order;
		n -= 1U << order;
	}
}

/*
 * Split the free block of order @from at @page down to @order, making each
 * upper half a free block. No order below @from has any other, or we would not
 * have taken this one.
 */
static inline void split_block(struct page *page, u32 from, u32 order)
{
	while (from-- > order) {
		struct page *upper = page + BIT(from);
		struct list *head = &vmm_pool.free[from];

		head->next = head->prev = &upper->link;
		upper->link.next = upper->link.prev = head;
		upper->type = PAGE_FREE + from;
	}
}

/*
 * Take a block of @order, split off a larger one if need be. NULL: there is
 * none. The caller holds the lock, so nobody can see a half-split block.
 */
static inline struct page *take_block(u32 order)
{
	struct list *head = &vmm_pool.free[order];
	struct page *page;

	while (list_empty(head))
		head++;
	if (head == &vmm_pool.free[NUM_OF_ALLOCSIZE])
		return NULL;
	page = list_entry(head->next, struct page, link);
	list_unlink(&page->link);
	split_block(page, head - vmm_pool.free, order);
	return page;
}

bool mm_may_allocate(void)
{
	u32 only = __atomic_load_n(&vmm_pool.only_cpu, __ATOMIC_RELAXED);

	return !only || only == *this_cpu(cpu_number) + 1;
}

/*
 * alloc_pages() for an @n that is a possible size. Compiled into alloc_page()
 * as well: when @n is known to be 1, all arithmetic on sizes vanishes.
 */
static __forceinline int allocate(void **virt, phys_t *phys, u32 n)
{
	u32 order = order_of(n);
	struct page *page;
	u64 i;

	if (mm_fail_now())
		return -ENOMEM;
	spin_lock(&vmm_pool.lock);
	page = mm_may_allocate() ? take_block(order) : NULL;
	if (!page) {
		spin_unlock(&vmm_pool.lock);
		return -ENOMEM;
	}
	page->pages = n; /* first: pages_of_block() reads without the lock */
	__atomic_store_n(&page->type, PAGE_ALLOCATED, __ATOMIC_RELEASE);
	i = page - vmm_pool.page;
	if (n < 1U << order) /* give back the unused tail */
		put_pages(i + n, (1U << order) - n);
	vmm_pool.available -= n;
	spin_unlock(&vmm_pool.lock);
	if (virt)
		*virt = vmm_pool.virt + i * PAGE_SIZE;
	if (phys)
		*phys = PHYS(vmm_pool.phys.v + i * PAGE_SIZE);
	return 0;
}

int alloc_pages(void **virt, phys_t *phys, int n)
{
	if (n <= 0)
		return -EINVAL;
	if (n > MAX_ALLOC_PAGES)
		return -ENOMEM;
	return allocate(virt, phys, n);
}

int alloc_page(void **virt, phys_t *phys)
{
	return allocate(virt, phys, 1);
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

static const char *describe_head(u32 i)
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

static const char *describe_index(u64 index)
{
	const char *what;

	if (index >= vmm_pool.pages)
		return "not page memory";
	spin_lock(&vmm_pool.lock);
	what = describe_head(index);
	spin_unlock(&vmm_pool.lock);
	return what;
}

const char *describe_page(const void *virt)
{
	u64 offset = (u64)virt - (u64)vmm_pool.virt;

	return describe_index(offset >> PAGE_SHIFT);
}

/*
 * The number of the page at @offset from the start of the pool, where a block
 * may begin. An address below the pool wraps round to a huge offset. Panics
 * for what can be no page, naming the function @who called and its argument.
 */
static __forceinline u32 page_index(u64 offset, const char *who, u64 address)
{
	if (offset & PAGE_MASK)
		panic("%s(0x%lx): not page aligned", who, address);
	if (offset >> PAGE_SHIFT >= vmm_pool.pages)
		panic("%s(0x%lx): not page memory", who, address);
	return offset >> PAGE_SHIFT;
}

/* No block begins at page @i: say so, after the lock was released. */
static __noreturn void no_block_here(const char *who, u64 address, u32 i)
{
	spin_unlock(&vmm_pool.lock);
	panic("%s(0x%lx): %s", who, address, describe_index(i));
}

static __forceinline void free_at(u64 offset, const char *who, u64 address)
{
	u32 i = page_index(offset, who, address), n;

	spin_lock(&vmm_pool.lock);
	if (vmm_pool.page[i].type != PAGE_ALLOCATED)
		no_block_here(who, address, i);
	n = vmm_pool.page[i].pages;
	vmm_pool.available += n;
	if (n == 1)
		put_block(i, 0);
	else
		put_pages(i, n);
	spin_unlock(&vmm_pool.lock);
}

void free_page(void *virt)
{
	free_at((u64)virt - (u64)vmm_pool.virt, __func__, (u64)virt);
}

void free_page_phys(phys_t phys)
{
	free_at(phys.v - vmm_pool.phys.v, __func__, phys.v);
}

void set_page_owner(void *virt, void *owner)
{
	u64 offset = (u64)virt - (u64)vmm_pool.virt;
	u32 i = page_index(offset, __func__, (u64)virt);
	struct page *page = &vmm_pool.page[i];

	spin_lock(&vmm_pool.lock);
	if (page->type != PAGE_ALLOCATED && page->type != PAGE_OWNED)
		no_block_here(__func__, (u64)virt, i);
	page->owner = owner;
	__atomic_store_n(&page->type, owner ? PAGE_OWNED : PAGE_ALLOCATED,
			 __ATOMIC_RELEASE);
	spin_unlock(&vmm_pool.lock);
}

void shrink_pages(void *virt, int n)
{
	u64 offset = (u64)virt - (u64)vmm_pool.virt;
	u32 i = page_index(offset, __func__, (u64)virt), rest;
	struct page *page = &vmm_pool.page[i];

	spin_lock(&vmm_pool.lock);
	if (page->type != PAGE_ALLOCATED)
		no_block_here(__func__, (u64)virt, i);
	rest = page->pages - n;
	if (n <= 0 || rest >= page->pages) {
		spin_unlock(&vmm_pool.lock);
		panic("%s(0x%lx, %d): the block has %u pages", __func__,
		      (u64)virt, n, page->pages);
	}
	page->pages = n;
	vmm_pool.available += rest;
	put_pages(i + n, rest);
	spin_unlock(&vmm_pool.lock);
}

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

phys_t page_phys(const void *virt)
{
	return PHYS(vmm_pool.phys.v + ((u64)virt - (u64)vmm_pool.virt));
}

void get_page_stats(struct page_stats *stats)
{
	spin_lock(&vmm_pool.lock);
	stats->pages = vmm_pool.pages;
	stats->reserved = vmm_pool.reserved;
	stats->available = vmm_pool.available;
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++) {
		stats->blocks[order] = 0;
		list_for_each (node, &vmm_pool.free[order])
			stats->blocks[order]++;
	}
	spin_unlock(&vmm_pool.lock);
}

static void reserve_all(struct page *page, void *virt, phys_t phys, u32 pages)
{
	vmm_pool = (struct page_pool){
		.lock = SPINLOCK_INIT,
		.reserved = pages,
		.page = page,
		.pages = pages,
		.virt = virt,
		.phys = phys,
	};
	for (u32 i = 0; i < page_array_length(pages); i++)
		page[i] = (struct page){.type = PAGE_RESERVED};
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		list_init(&vmm_pool.free[order]);
}

int free_reserved_pages(u32 first, u32 n)
{
	int error = 0;

	if (first > vmm_pool.pages || n > vmm_pool.pages - first)
		return -EINVAL;
	spin_lock(&vmm_pool.lock);
	for (u32 i = first; i < first + n; i++)
		if (vmm_pool.page[i].type != PAGE_RESERVED)
			error = -EINVAL;
	if (!error) {
		for (u32 i = first; i < first + n; i++)
			vmm_pool.page[i].type = PAGE_NOT_HEAD;
		put_pages(first, n);
		vmm_pool.available += n;
		vmm_pool.reserved -= n;
	}
	spin_unlock(&vmm_pool.lock);
	return error;
}

int setup_pages(struct page *page, void *virt, phys_t phys, u32 pages, u32 used)
{
	reserve_all(page, virt, phys, pages);
	return free_reserved_pages(used, pages - used);
}
