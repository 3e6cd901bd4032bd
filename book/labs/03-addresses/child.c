/*
 * The pool, by commands. Page 0 is at address 0, so an address is a page's
 * number; nothing stands behind it, as the page layer never touches a page.
 */
#include "judge.h"

#include "page/internal.h"
#include "page/page.h"

#define MOST 100000
#define NONE 0xffffffff

static struct page *array;
static u32 held[MOST]; /* the block that each "alloc" got */
static u32 count;

static void setup(void)
{
	u32 pages = number(1);

	libc_free(array);
	array = malloc(page_array_size(pages));
	count = 0;
	answer("%d", setup_pages(array, NULL, PHYS(0), pages, number(2)));
}

static void add(void)
{
	answer("%d", free_reserved_pages(number(1), number(2)));
}

static void alloc(void)
{
	void *virt = (void *)(0xdeadUL << PAGE_SHIFT);
	int error = alloc_pages(&virt, NULL, number(1));

	held[count++] = error ? NONE : (u64)virt >> PAGE_SHIFT;
	answer("%d %lu", error, (u64)virt >> PAGE_SHIFT);
}

static void release(void)
{
	u32 page = held[number(1)];

	if (page != NONE)
		free_page((void *)((u64)page << PAGE_SHIFT));
}

/* The free blocks as the page array has them, and as the lists do. */
static void dump(void)
{
	uint steps = 0;

	answer("%u %d", vmm_pool.available, spin_is_locked(&vmm_pool.lock));
	for (u32 i = 0; i < vmm_pool.pages; i++)
		if (vmm_pool.page[i].type < NUM_OF_ALLOCSIZE)
			answer(" %u:%u", i, vmm_pool.page[i].type);
	answer(" |");
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		list_for_each (node, &vmm_pool.free[order]) {
			struct page *page = list_entry(node, struct page, link);

			if (node->next->prev != node || steps++ > MOST) {
				answer(" broken:%u", order);
				return;
			}
			answer(" %lu:%u", page - vmm_pool.page, order);
		}
}

static void shrink(void)
{
	shrink_pages((void *)((u64)held[number(1)] << PAGE_SHIFT), number(2));
}

const struct judge_command judge_commands[] = {
	{"setup", setup},
	{"add", add},
	{"alloc", alloc},
	{"free", release},
	{"dump", dump},
	{"shrink", shrink},
	{},
};
