/* See memory.h. */
#include "memory.h"

#include "lib/errno.h"
#include "page/page.h"
#include "paging/address.h"

#define PAGES 1200
#define BASE  0x1bc00000UL /* of the program and its memory */

/* The three places of each byte: where it is stored, in the buffer, seen. */
static u8 arena[PAGES * PAGE_SIZE] __aligned(PAGE_SIZE);
static u8 buffered[PAGES * PAGE_SIZE], arrived[PAGES * PAGE_SIZE];
static bool has_cache, has_buffer;
static uint limit;
uint memory_pages;

extern u8 __executable_start[], end[];

void memory_reset(uint pages)
{
	assert_true(pages <= PAGES);
	memset(arena, 0x5a, sizeof(arena));
	memory_pages = 0;
	limit = pages;
	has_cache = has_buffer = false;
}

void memory_is_cached(void)
{
	has_cache = true;
	memset(buffered, 0xa5, sizeof(buffered));
}

void memory_is_buffered(void)
{
	has_buffer = true;
	memset(arrived, 0x5b, sizeof(arrived));
}

void memory_flush_cache(void)
{
	memcpy(buffered, arena, sizeof(arena));
}

void memory_flush_buffer(void)
{
	memcpy(arrived, has_cache ? buffered : arena, sizeof(arena));
}

int alloc_pages(void **virt, phys_t *phys, int n)
{
	u8 *p = arena + memory_pages * PAGE_SIZE;

	if (memory_pages + n > limit)
		return -ENOMEM;
	memory_pages += n;
	*virt = p;
	if (phys)
		*phys = virt_to_phys(p);
	return 0;
}

int alloc_page(void **virt, phys_t *phys)
{
	return alloc_pages(virt, phys, 1);
}

phys_t virt_to_phys(const void *virt)
{
	assert_true((const u8 *)virt >= __executable_start &&
		    (const u8 *)virt < end);
	return PHYS(BASE + ((const u8 *)virt - __executable_start));
}

void *vmm_phys_to_virt(phys_t phys)
{
	return memory_word(phys.v);
}

u64 *memory_word(u64 phys)
{
	assert_true(phys >= BASE &&
		    phys < BASE + (u64)(end - __executable_start) &&
		    phys % sizeof(u64) == 0);
	return (u64 *)(__executable_start + (phys - BASE));
}

u64 memory_seen(u64 phys)
{
	u8 *p = (u8 *)memory_word(phys);
	const u8 *view = has_buffer ? arrived : has_cache ? buffered : arena;
	u64 word;

	if (p >= arena && p < arena + sizeof(arena))
		p = (u8 *)view + (p - arena);
	memcpy(&word, p, sizeof(word));
	return word;
}

static uint shift_of(uint level)
{
	return 12 + 9 * (level - 1);
}

#define ADDRESS 0x000ffffffffff000UL

uint walk_vtd(u64 root, uint levels, uint max_leaf, u64 address, u64 *to)
{
	uint rights = MAY_READ | MAY_WRITE;

	if (address >> shift_of(levels + 1))
		return 0;
	for (uint level = levels; level; level--) {
		u64 entry, low = (1UL << shift_of(level)) - 1;

		assert_int_equal(root % PAGE_SIZE, 0);
		entry = memory_seen(root +
				    (address >> shift_of(level)) % 512 * 8);
		rights &= entry & 3;
		if (!rights)
			return 0;
		/* Rights, a large leaf's bit, an address; no snooping. */
		assert_int_equal(entry & ~ADDRESS & ~0x83UL, 0);
		root = entry & ADDRESS;
		if (level > 1 && !(entry & 0x80))
			continue;
		assert_true(level <= max_leaf);
		assert_int_equal(root & low, 0);
		assert_true(level > 1 || !(entry & 0x80));
		*to = root | (address & low);
		return rights;
	}
	fail();
	return 0;
}

uint walk_amdvi(u64 root, uint levels, u64 address, u64 *to)
{
	uint rights = MAY_READ | MAY_WRITE;

	assert_true(levels >= 1 && levels <= 6);
	if (levels < 6 && address >> shift_of(levels + 1))
		return 0;
	for (uint level = levels; level;) {
		u64 entry, low = (1UL << shift_of(level)) - 1;
		uint next;

		assert_int_equal(root % PAGE_SIZE, 0);
		entry = memory_seen(root +
				    (address >> shift_of(level)) % 512 * 8);
		if (!(entry & 1))
			return 0;
		rights &= entry >> 61 & 3; /* IR, IW */
		if (!rights)
			return 0;
		assert_int_equal(entry & ~ADDRESS & ~(7UL << 61 | 0xe01), 0);
		assert_int_equal(entry >> 63, 0);
		root = entry & ADDRESS;
		next = entry >> 9 & 7;
		if (!next) { /* a leaf of this level's size */
			assert_int_equal(root & low, 0);
			*to = root | (address & low);
			return rights;
		}
		assert_true(next == level - 1); /* we skip none */
		level = next;
	}
	fail();
	return 0;
}
