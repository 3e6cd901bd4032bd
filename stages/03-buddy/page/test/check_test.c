/*
 * Host tests of page/check.c: a checker is worth as much as what it notices.
 * Every field of the page array and of the pool is damaged on purpose, bit by
 * bit and at random, and each time pool_check() must say what is wrong.
 *
 * Not damaged: the lock, which it would wait for; the address of the array,
 * through which it looks at all the rest; and virt, phys and only_cpu, of which
 * any value could be right.
 */
#include "host.h"
#include "page/internal.h"
#include "page/page.h"

#define PAGES 300

static struct page array[MAX_ALLOC_PAGES];

static struct tally {
	const char *field;
	uint done, noticed;
} tallies[] = {
	{.field = "page.type"},      {.field = "page.pages"},
	{.field = "page.link.next"}, {.field = "page.link.prev"},
	{.field = "pool.available"}, {.field = "pool.reserved"},
	{.field = "pool.pages"},     {.field = "pool.free.next"},
	{.field = "pool.free.prev"},
};

static void start(u32 used)
{
	assert_int_equal(setup_pages(array, NULL, PHYS(0), PAGES, used), 0);
}

/* A pool in which every kind of page occurs, at several sizes. */
static void start_varied(void)
{
	u32 where;

	start(5);
	for (u32 i = 0; i < 25; i++)
		assert_int_equal(alloc_pages(NULL, NULL, 1 + i % 9), 0);
	for (u64 i = 0; i < PAGES; i++)
		if (array[i].type == PAGE_ALLOCATED && host_random(2))
			free_page((void *)(i << PAGE_SHIFT));
	assert_null(pool_check(&where));
}

static struct tally *tally_of(const char *field)
{
	for (uint i = 0; i < ARRAY_SIZE(tallies); i++)
		if (!strcmp(tallies[i].field, field))
			return &tallies[i];
	fail_msg("no tally for %s", field);
	return NULL;
}

/* The owner of a block, if any: what it is, only the owner can check. */
static bool is_owner(const char *name, u64 before, u64 after)
{
	return !strcmp(name, "page.type") && before == PAGE_ALLOCATED &&
	       after == PAGE_OWNED;
}

/* Is it noticed when the @size bytes at @field become @after? */
static void try(const char *name, void *field, size_t size, u64 after)
{
	struct tally *tally = tally_of(name);
	u64 before = 0;
	u32 where;

	memcpy(&before, field, size);
	if (!memcmp(&before, &after, size) ||
	    is_owner(name, before, (u32)after))
		return;
	memcpy(field, &after, size);
	tally->done++;
	if (pool_check(&where))
		tally->noticed++;
	else
		print_message("%s: %lx for %lx is not noticed\n", name, after,
			      before);
	memcpy(field, &before, size);
}

/* All that could happen to a field: one bit, any value, a likely value. */
static void corrupt(const char *name, void *field, size_t size)
{
	u64 before = 0;

	memcpy(&before, field, size);
	for (uint bit = 0; bit < 8 * size; bit++)
		try(name, field, size, before ^ BIT(bit));
	for (uint i = 0; i < 8; i++) {
		try(name, field, size, host_random(UINT64_MAX));
		try(name, field, size, host_random(PAGES + 10));
		try(name, field, size, (u64)&array[host_random(PAGES)].link);
	}
}

static void corrupt_link(const char *next, const char *prev, struct list *link)
{
	corrupt(next, &link->next, sizeof(link->next));
	corrupt(prev, &link->prev, sizeof(link->prev));
}

static void corrupt_page(struct page *page)
{
	corrupt("page.type", &page->type, sizeof(page->type));
	if (page->type < PAGE_FREE + NUM_OF_ALLOCSIZE)
		corrupt_link("page.link.next", "page.link.prev", &page->link);
	if (page->type == PAGE_ALLOCATED)
		corrupt("page.pages", &page->pages, sizeof(page->pages));
}

static void corrupt_pool(void)
{
	for (uint order = 0; order <= NUM_OF_ALLOCSIZE; order++)
		corrupt_link("pool.free.next", "pool.free.prev",
			     &vmm_pool.free[order]);
	corrupt("pool.available", &vmm_pool.available, 4);
	corrupt("pool.reserved", &vmm_pool.reserved, 4);
	/* More pages than the array has would lead the checker out of it. */
	for (u32 pages = 0; pages <= MAX_ALLOC_PAGES; pages++)
		try("pool.pages", &vmm_pool.pages, 4, pages);
}

static void any_field_that_is_changed_is_noticed(void **state)
{
	start_varied();
	for (u32 i = 0; i < PAGES; i++)
		corrupt_page(&array[i]);
	for (u32 i = PAGES; i < MAX_ALLOC_PAGES; i += 97) /* the padding */
		corrupt("page.type", &array[i].type, 4);
	corrupt("page.type", &array[MAX_ALLOC_PAGES - 1].type, 4); /* its end */
	corrupt_pool();
	for (uint i = 0; i < ARRAY_SIZE(tallies); i++) {
		print_message("%-15s damaged %6u times, noticed %6u\n",
			      tallies[i].field, tallies[i].done,
			      tallies[i].noticed);
		assert_int_not_equal(tallies[i].done, 0);
		assert_int_equal(tallies[i].done, tallies[i].noticed);
	}
}

/* pool_check() must find @wrong, at @where. */
static void assert_wrong(const char *wrong, u32 where)
{
	u32 found = ~0U;
	const char *what = pool_check(&found);

	assert_non_null(what);
	assert_string_equal(what, wrong);
	assert_int_equal(found, where);
	assert_false(spin_is_locked(&vmm_pool.lock));
}

/*
 * After start(5), of 300 pages: 0-4 are reserved, and free are 5, 6-7, 8-15,
 * 16-31, 32-63, 64-127, 128-255, 256-287, 288-295, and 296-299.
 */
static void a_wrong_type_is_named(void **state)
{
	start(5);
	array[2].type = 99;
	assert_wrong("page has no such type", 2);
	array[2].type = PAGE_NOT_HEAD;
	assert_wrong("page belongs to no block", 2);
	array[1].type = PAGE_FREE + 1;
	assert_wrong("free block is not aligned to its size", 1);
	array[1].type = PAGE_RESERVED;
	array[2].type = PAGE_FREE + 1;
	assert_wrong("block overlaps another", 3);
	array[2].type = PAGE_RESERVED;
	array[256].type = PAGE_FREE + 8;
	assert_wrong("free block reaches past the end", 256);
	array[256].type = PAGE_FREE + 5;
	array[PAGES].type = PAGE_FREE;
	assert_wrong("page past the end is not reserved", PAGES);
}

static void two_free_buddies_are_named(void **state)
{
	start(5);
	array[296].type = array[298].type = PAGE_FREE + 1;
	assert_wrong("block and buddy are both free", 296);
}

static void a_wrong_size_is_named(void **state)
{
	start(5);
	assert_int_equal(alloc_pages(NULL, NULL, 1), 0);
	assert_int_equal(array[5].pages, 1);
	array[5].pages = 0;
	assert_wrong("allocated block has no such size", 5);
	array[5].pages = MAX_ALLOC_PAGES + 1;
	assert_wrong("allocated block has no such size", 5);
	array[5].pages = 2;
	assert_wrong("allocated block is not aligned to its size", 5);
	array[5].pages = 1;
	assert_int_equal(alloc_pages(NULL, NULL, 4), 0);
	assert_int_equal(array[296].pages, 4);
	array[296].pages = 8;
	assert_wrong("allocated block reaches past the end", 296);
	array[296].pages = 3;
	assert_wrong("page belongs to no block", 299);
}

static void a_wrong_link_is_named(void **state)
{
	const u32 list = MAX_ALLOC_PAGES + 2;

	start(5);
	array[296].link.next = &array[6].link;
	assert_wrong("free block is on another order's list", 6);
	array[296].link.next = &array[3].link;
	assert_wrong("page on a free list is not free", 3);
	array[296].link.next = (void *)&array[6].pages;
	assert_wrong("link leads to no page", 296);
	array[296].link.next = &array[PAGES].link;
	assert_wrong("link leads to no page", 296);
	array[296].link.next = &array[296].link; /* a circle */
	assert_wrong("links disagree", 296);

	start(5);
	vmm_pool.free[2].next = NULL;
	assert_wrong("link leads to no page", list);
	vmm_pool.free[2].next = &vmm_pool.free[2];
	assert_wrong("links disagree", list);
	vmm_pool.free[2].prev = &vmm_pool.free[2];
	assert_wrong("free block is missing from its list", list);
}

static void wrong_sums_are_named(void **state)
{
	start(5);
	vmm_pool.available--;
	assert_wrong("sums do not agree with the pages", MAX_ALLOC_PAGES + 13);
	vmm_pool.available++;
	vmm_pool.reserved++;
	assert_wrong("sums do not agree with the pages", MAX_ALLOC_PAGES + 13);
	vmm_pool.free[NUM_OF_ALLOCSIZE].next = &vmm_pool.free[0];
	assert_wrong("end of the search has changed", MAX_ALLOC_PAGES + 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_field_that_is_changed_is_noticed),
		cmocka_unit_test(a_wrong_type_is_named),
		cmocka_unit_test(two_free_buddies_are_named),
		cmocka_unit_test(a_wrong_size_is_named),
		cmocka_unit_test(a_wrong_link_is_named),
		cmocka_unit_test(wrong_sums_are_named),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
