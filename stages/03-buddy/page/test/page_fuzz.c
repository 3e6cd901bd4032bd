/*
 * Fuzz target: the page layer, beside a model that knows who has each page.
 *
 * The first bytes of an input are the size of the pool, and whether mm_check()
 * runs after every operation; then come operations. The model is one number
 * for each page: who has it. It says when an allocation may fail: only when no
 * aligned run of that many free pages is left.
 */
#include "fuzz.h"
#include "lib/errno.h"
#include "page/fail.h"
#include "page/page.h"
#include "page/test/host_pages.h"

#define MAX_PAGES  (3 * 4096)
#define MAX_BLOCKS 1024
#define NOBODY     0
#define PROGRAM    0xffff
#define RESERVE    0xfffe

struct block {
	char *virt;
	u32 pages;
};

static u16 owner[MAX_PAGES]; /* of each page: block's number + 1, or as above */
static struct block blocks[MAX_BLOCKS];
static u32 pool_pages, free_pages, block_count;
static char *base;

static void *page_at(u64 index)
{
	return base + index * PAGE_SIZE;
}

static u32 index_of(const void *virt)
{
	return ((u64)virt - (u64)base) / PAGE_SIZE;
}

static void set_owner(u32 first, u32 n, u16 from, u16 to)
{
	for (u32 i = first; i < first + n; i++) {
		require(i < pool_pages && owner[i] == from);
		owner[i] = to;
	}
	if (from == NOBODY)
		free_pages -= n;
	if (to == NOBODY)
		free_pages += n;
}

/* Is there a free block of order_of(@n), as the model knows it? */
static bool has_room(u32 n)
{
	u32 size, run = 0;

	if (n > MAX_ALLOC_PAGES)
		return false;
	size = 1U << order_of(n);
	for (u32 i = 0; i < pool_pages; i++) {
		if (i % size == 0)
			run = 0;
		run = owner[i] == NOBODY ? run + 1 : 0;
		if (run == size)
			return true;
	}
	return false;
}

static void start(struct fuzz_input *in, bool *careful)
{
	u32 kind = fuzz_byte(in), used = 1 + fuzz_byte(in) % 255;
	void *virt;
	phys_t phys;

	*careful = kind % 16 == 1;
	pool_pages = 512 + (kind & 32 ? fuzz_number(in, 2) : fuzz_byte(in));
	pool_pages = MIN(pool_pages, (u32)MAX_PAGES);
	mm_fail_at = 0;
	host_pages(pool_pages, used);
	require(alloc_page(&virt, &phys) == 0);
	free_page(virt);
	base = (char *)virt - (phys.v - HOST_PHYS);

	memset(owner, 0, sizeof(owner));
	block_count = 0;
	free_pages = pool_pages;
	set_owner(0, used, NOBODY, PROGRAM);
	for (u32 i = used; i < pool_pages; i++)
		if (pages_of_block(page_at(i)) == NUM_OF_PANICMEM_PAGES)
			set_owner(i, NUM_OF_PANICMEM_PAGES, NOBODY, RESERVE);
	require(num_of_available_pages() == free_pages);
}

static void allocate(u32 n)
{
	void *virt = NULL;
	phys_t phys = PHYS(0);
	int error;

	if (block_count == MAX_BLOCKS)
		return;
	error = alloc_pages(&virt, &phys, n);
	if (error) {
		require(error == (n ? -ENOMEM : -EINVAL) ||
			mm_allocations == mm_fail_at);
		require(!virt && !phys.v);
		require(!n || mm_allocations == mm_fail_at || !has_room(n));
		return;
	}
	require(mm_allocations != mm_fail_at);
	require(n && (u64)virt % PAGE_SIZE == 0);
	require(phys.v - HOST_PHYS == (u64)virt - (u64)base);
	require((phys.v - HOST_PHYS) % (PAGE_SIZE << order_of(n)) == 0);
	require(pages_of_block(virt) == n);
	blocks[block_count++] = (struct block){virt, n};
	set_owner(index_of(virt), n, NOBODY, block_count);
}

/* Forget the block with number @which: the last takes its place. */
static void forget(u32 which)
{
	struct block *last = &blocks[--block_count];
	u32 first = index_of(last->virt);

	if (which != block_count)
		set_owner(first, last->pages, block_count + 1, which + 1);
	blocks[which] = *last;
}

static void release(u32 which, bool by_phys)
{
	struct block block = blocks[which];

	if (by_phys)
		free_page_phys(page_phys(block.virt));
	else
		free_page(block.virt);
	set_owner(index_of(block.virt), block.pages, which + 1, NOBODY);
	forget(which);
}

static void shrink(u32 which, u32 n)
{
	struct block *block = &blocks[which];

	if (n == 0 || n > block->pages) {
		require_panic(shrink_pages(block->virt, n));
		return;
	}
	shrink_pages(block->virt, n);
	set_owner(index_of(block->virt) + n, block->pages - n, which + 1,
		  NOBODY);
	block->pages = n;
	require(pages_of_block(block->virt) == n);
}

/* What is no allocated block must be refused by name, and change nothing. */
static void free_nonsense(u64 offset, bool by_phys)
{
	u32 i = offset / PAGE_SIZE;
	bool starts = offset % PAGE_SIZE == 0 && i < pool_pages &&
		      owner[i] != NOBODY && owner[i] != PROGRAM &&
		      (i == 0 || owner[i - 1] != owner[i]);

	if (starts)
		return;
	require(pages_of_block(base + offset) == 0);
	require(in_page_memory(base + offset) == (i < pool_pages));
	require(strlen(describe_page(base + offset)) > 0);
	if (by_phys)
		require_panic(free_page_phys(PHYS(HOST_PHYS + offset)));
	else
		require_panic(free_page(base + offset));
}

static void use_reserve(void)
{
	mm_free_panicmem();
	for (u32 i = 0; i < pool_pages; i++)
		if (owner[i] == RESERVE)
			set_owner(i, 1, RESERVE, NOBODY);
}

static void other(struct fuzz_input *in)
{
	switch (fuzz_byte(in) % 8) {
	case 0:
		use_reserve();
		break;
	case 1:
	case 2:
		free_nonsense(fuzz_number(in, 4), true);
		break;
	case 3:
		require(mm_check() == 0);
		break;
	case 4:
		mm_fail_at = mm_allocations + 1 + fuzz_byte(in) % 16;
		break;
	default:
		free_nonsense(fuzz_number(in, 2) * PAGE_SIZE, false);
	}
}

static void operate(struct fuzz_input *in)
{
	u32 op = fuzz_byte(in), which = 0;

	if (op & 4) {
		if (!block_count)
			return;
		which = fuzz_number(in, block_count > 256 ? 2 : 1) %
			block_count;
	}
	switch (op & 7) {
	case 0:
		allocate(1);
		break;
	case 1:
		allocate(1 + (op >> 3));
		break;
	case 2:
		allocate(fuzz_number(in, 2) % (MAX_ALLOC_PAGES + 10));
		break;
	case 3:
		other(in);
		break;
	case 4:
	case 5:
		release(which, false);
		break;
	case 6:
		release(which, true);
		break;
	case 7:
		shrink(which, fuzz_number(in, 2) % (blocks[which].pages + 2));
		break;
	}
}

/* Give all back: then everything must be as it was in the beginning. */
static void finish(const struct page_stats *before)
{
	struct page_stats after;

	while (block_count)
		release(block_count - 1, false);
	get_page_stats(&after);
	require(mm_check() == 0);
	require(after.available == free_pages);
	if (after.available == before->available) /* no reserve was freed */
		require(!memcmp(before, &after, sizeof(after)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	struct page_stats before;
	bool careful;

	start(&in, &careful);
	get_page_stats(&before);
	while (fuzz_more(&in)) {
		operate(&in);
		fuzz_operations++;
		require(num_of_available_pages() == free_pages);
		if (careful)
			require(mm_check() == 0);
	}
	finish(&before);
	return 0;
}
