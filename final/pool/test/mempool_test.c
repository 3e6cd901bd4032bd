/*
 * Host tests of memory pools: that they are right, and that they keep apart
 * what they promise to keep apart.
 */
#include "lib/percpu.h"
#include "pool/mempool.c" /* for its inside */
#include "pool/test/host_pools.h"

static int start(void **state)
{
	host_pools(PAGES);
	return 0;
}

static int stop(void **state)
{
	assert_int_equal(mm_check(), 0);
	return 0;
}

static u64 which_page(const void *p)
{
	return ((u64)p - (u64)vmm_pool.virt) >> PAGE_SHIFT;
}

static void *page_start(const void *p)
{
	return (void *)ALIGN_DOWN((u64)p, PAGE_SIZE);
}

static void assert_bytes(const void *p, size_t n, u8 value)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(((const u8 *)p)[i], value);
}

static uint blocks_in_use(struct mempool *mp)
{
	uint count = 0;

	list_for_each (node, &mp->blocks)
		count += list_entry(node, struct block, link)->used > 0;
	return count;
}

static void the_65th_object_of_64_bytes_is_in_a_second_block(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 0, false);
	char *p[65];

	for (uint i = 0; i < 65; i++) {
		p[i] = mempool_allocmem(mp, 64);
		for (uint k = 0; k < i; k++)
			assert_true(p[i] >= p[k] + 64 || p[k] >= p[i] + 64);
		assert_int_equal(which_page(p[i]), which_page(p[i] + 63));
		assert_int_equal(which_page(p[i]) == which_page(p[0]), i < 64);
		assert_int_equal(pages_of_block(page_start(p[i])), 1);
	}
	assert_int_equal(blocks_in_use(mp), 2);
}

static void the_block_size_rounds_up_to_a_power_of_two_of_pages(void **state)
{
	static const struct {
		int blocksize;
		uint pages;
	} cases[] = {{0, 1},    {1, 1},        {4096, 1},   {4097, 2},
		     {8193, 4}, {5 * 4096, 8}, {65536, 16}, {65537, 32}};

	for (uint i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mempool *mp = mempool_new(cases[i].blocksize, 0, false);

		assert_int_equal(pages_of_block(mempool_allocmem(mp, 1)),
				 cases[i].pages);
		mempool_free(mp);
	}
}

static void bad_arguments_make_no_pool(void **state)
{
	assert_null(mempool_new(-1, 0, false));
	assert_null(mempool_new(16 * MIB + 1, 0, false));
	assert_null(mempool_new(4096, -1, false));
	assert_int_equal(heap_objects(), 0);
}

static void up_to_numkeeps_free_blocks_are_kept(void **state)
{
	struct mempool *mp = mempool_new(2 * PAGE_SIZE, 2, false);
	void *p[4];

	for (uint i = 0; i < 4; i++)
		p[i] = mempool_allocmem(mp, 2 * PAGE_SIZE);
	/* and one of the heap, for the pool, its blocks and their runs */
	assert_int_equal(num_of_available_pages(), FREE - 8 - 1);
	for (uint i = 0; i < 4; i++)
		mempool_freemem(mp, p[i]);
	assert_int_equal(blocks_in_use(mp), 0);
	assert_int_equal(mp->numkept, 2);
	assert_ptr_equal(mempool_allocmem(mp, 100), p[0]);
	assert_int_equal(mp->numkept, 1);
}

static void a_pool_that_keeps_nothing_gives_its_pages_back(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 0, false);
	void *p = mempool_allocmem(mp, 10);
	uint before = num_of_available_pages();

	mempool_freemem(mp, p);
	assert_int_equal(num_of_available_pages(), before + 1);
}

static void a_new_page_shows_nobody_elses_bytes(void **state)
{
	for (uint clear = 0; clear < 2; clear++) {
		struct mempool *mp;
		u8 *p;

		start(state);
		mp = mempool_new(4 * PAGE_SIZE, 0, clear);
		p = mempool_allocmem(mp, 16);
		assert_bytes(p, 4 * PAGE_SIZE, 0);
	}
}

static void with_clear_every_object_is_zero(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 0, true);
	void *stays = mempool_allocmem(mp, 16), *p, *q;

	p = mempool_allocmem(mp, 1000);
	memset(p, OLD, 1000);
	mempool_freemem(mp, p);
	q = mempool_allocmem(mp, 999);
	assert_ptr_equal(q, p);
	assert_bytes(q, 1008, 0); /* all of the 16 bytes that it ends in */
	mempool_freemem(mp, q);
	mempool_freemem(mp, stays);
}

static void with_clear_a_kept_block_is_cleared_whole(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, true);
	void *p = mempool_allocmem(mp, PAGE_SIZE);

	memset(p, OLD, PAGE_SIZE);
	mempool_freemem(mp, p);
	assert_ptr_equal(mempool_allocmem(mp, 16), p);
	assert_bytes(p, PAGE_SIZE, 0);
}

static void without_clear_a_kept_block_comes_back_as_it_was(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, false);
	void *p = mempool_allocmem(mp, PAGE_SIZE);

	memset(p, OLD, PAGE_SIZE);
	mempool_freemem(mp, p);
	assert_ptr_equal(mempool_allocmem(mp, 16), p);
	assert_bytes(p, PAGE_SIZE, OLD);
}

static void two_pools_and_the_heap_never_share_a_page(void **state)
{
	static u8 owner[PAGES];
	struct mempool *pools[3];

	memset(owner, 0, sizeof(owner));
	for (uint i = 0; i < 3; i++)
		pools[i] = mempool_new(PAGE_SIZE << i, i, i & 1);
	for (uint i = 0; i < 3000; i++) {
		uint who = host_random(4);
		uint n = 1 + host_random(100);
		char *p = who < 3 ? mempool_allocmem(pools[who], n) : alloc(n);
		u64 page = which_page(p), last = which_page(p + n - 1);

		for (; page <= last; page++) {
			assert_true(owner[page] == 0 || owner[page] == who + 1);
			owner[page] = who + 1;
		}
	}
	/* What the pools themselves remember is in pages of the heap. */
	for (uint i = 0; i < 3; i++)
		list_for_each (node, &pools[i]->blocks) {
			u64 page = which_page(node);

			assert_true(owner[page] == 0 || owner[page] == 4);
		}
}

static void a_block_holds_no_byte_but_those_of_its_objects(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, true);
	char *p[40], *base = NULL;

	for (uint i = 0; i < 40; i++) {
		p[i] = mempool_allocmem(mp, 100);
		base = i ? base : p[0];
	}
	for (uint i = 0; i < 40; i += 2)
		mempool_freemem(mp, p[i]);
	assert_bytes(base, PAGE_SIZE, 0);
	/* A domain may scribble over all of it: the pool does not care. */
	memset(base, 0xff, PAGE_SIZE);
	for (uint i = 1; i < 40; i += 2)
		mempool_freemem(mp, p[i]);
	assert_int_equal(mm_check(), 0);
	assert_ptr_equal(mempool_allocmem(mp, PAGE_SIZE), base);
	assert_bytes(base, PAGE_SIZE, 0);
}

static void neighbouring_free_runs_merge_in_every_order(void **state)
{
	static const u8 orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (uint i = 0; i < 6; i++) {
		struct mempool *mp = mempool_new(PAGE_SIZE, 0, false);
		void *p[3], *before = mempool_allocmem(mp, 64);

		for (uint k = 0; k < 3; k++)
			p[k] = mempool_allocmem(mp, 64);
		mempool_allocmem(mp, PAGE_SIZE - 4 * 64); /* the rest */
		for (uint k = 0; k < 3; k++) {
			mempool_freemem(mp, p[orders[i][k]]);
			assert_int_equal(mm_check(), 0);
		}
		assert_ptr_equal(mempool_allocmem(mp, 3 * 64), p[0]);
		mempool_freemem(mp, before);
		assert_ptr_equal(mempool_allocmem(mp, 1), before);
		mempool_free(mp);
	}
}

static void objects_are_aligned_to_16_even_of_zero_bytes(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 0, true);
	void *last = NULL;

	for (uint n = 0; n < 100; n++) {
		void *p = mempool_allocmem(mp, n);

		assert_non_null(p);
		assert_ptr_not_equal(p, last);
		assert_int_equal((u64)p % 16, 0);
		last = p;
	}
}

static void an_object_larger_than_a_block_gets_one_of_its_own(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 5, true);
	uint before;
	void *p;

	mempool_freemem(mp, mempool_allocmem(mp, 1)); /* one is kept */
	before = num_of_available_pages();
	p = mempool_allocmem(mp, 3 * PAGE_SIZE + 1);
	assert_int_equal(pages_of_block(p), 4);
	assert_bytes(p, 4 * PAGE_SIZE, 0);
	mempool_freemem(mp, p);
	assert_int_equal(num_of_available_pages(), before);
	assert_null(mempool_allocmem(mp, 16 * MIB + 1));
	assert_null(mempool_allocmem(mp, UINT32_MAX));
}

static void mempool_free_gives_everything_back(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 3, true);
	void *p[100];

	for (uint i = 0; i < 100; i++)
		p[i] = mempool_allocmem(mp, 16 + i * 30);
	for (uint i = 0; i < 100; i += 3)
		mempool_freemem(mp, p[i]);
	mempool_free(mp);
	assert_all_free(FREE);
}

static void bad_addresses_panic_by_name(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, false);
	struct mempool *other = mempool_new(PAGE_SIZE, 1, false);
	char *p = mempool_allocmem(mp, 64), *q = mempool_allocmem(mp, 64);
	char *r = mempool_allocmem(other, 64);

	mempool_freemem(mp, NULL);
	assert_panics(mempool_freemem(mp, p + 16), "inside an object");
	assert_panics(mempool_freemem(mp, p + 1), "inside an object");
	assert_panics(mempool_freemem(mp, r), "not in this pool");
	assert_panics(mempool_freemem(mp, mp), "mempool_freemem(0x");
	mempool_freemem(mp, p);
	assert_panics(mempool_freemem(mp, p), "): already free");
	assert_panics(mempool_freemem(mp, q + 64), "): already free");
	mempool_freemem(mp, q);
	assert_panics(mempool_freemem(mp, q), "): already free");
	assert_false(spin_is_locked(&mp->lock));
}

/* Leave exactly @n pages to be allocated; the heap keeps what it has. */
static void leave_pages(uint n)
{
	while (num_of_available_pages() > n)
		assert_int_equal(alloc_page(NULL, NULL), 0);
}

static void out_of_pages_is_null_and_changes_nothing(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, true);
	void *p = mempool_allocmem(mp, 3000);
	uint objects = heap_objects();

	leave_pages(0);
	assert_null(mempool_allocmem(mp, 2000));
	assert_int_equal(heap_objects(), objects);
	assert_int_equal(mm_check(), 0);
	assert_non_null(mempool_allocmem(mp, 1000)); /* there is room for it */
	mempool_freemem(mp, p);
	assert_ptr_equal(mempool_allocmem(mp, 3000), p);
}

/* Use up all objects of every size, and all pages. */
static void leave_nothing(void)
{
	for (uint n = HEAP_MAX; n; n /= 2)
		while (alloc(n))
			;
	leave_pages(0);
}

static void out_of_objects_is_null_and_changes_nothing(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, true);
	void *p[FIRST_ROOM];
	uint objects;

	for (uint i = 0; i < FIRST_ROOM - 1; i++)
		p[i] = mempool_allocmem(mp, 64);
	leave_nothing();
	objects = heap_objects();
	assert_null(mempool_allocmem(mp, 64)); /* no room for one more run */
	assert_null(mempool_new(PAGE_SIZE, 0, false));
	assert_int_equal(heap_objects(), objects);
	assert_int_equal(mm_check(), 0);
	/* What needs no new run can still be had. */
	assert_non_null(
		mempool_allocmem(mp, PAGE_SIZE - (FIRST_ROOM - 1) * 64));
	mempool_freemem(mp, p[0]);
	assert_ptr_equal(mempool_allocmem(mp, 64), p[0]);
}

static void force_unlock_opens_the_locks_of_all_pools(void **state)
{
	struct mempool *a = mempool_new(1, 0, false);
	struct mempool *b = mempool_new(1, 0, false);

	spin_lock(&mempools.lock);
	spin_lock(&a->lock);
	spin_lock(&b->lock);
	mm_force_unlock();
	assert_non_null(mempool_allocmem(a, 1));
	assert_non_null(mempool_allocmem(b, 1));
	mempool_free(a);
}

static uint flips;

/* Flip the bits of the @size bytes at @field from bit @from on: all noticed? */
static bool corrupt(void *field, size_t size, uint from)
{
	uint unnoticed = 0;
	u8 *bytes = field;

	for (uint bit = from; bit < size * 8; bit++, flips++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		unnoticed += mm_check() == 0;
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(mm_check(), 0);
	return !unnoticed;
}

static void corrupt_block(struct block *block)
{
	/* Not the low bits of pointers: UBSan insists on their alignment. */
	assert_true(corrupt(&block->link.next, 8, 4));
	assert_true(corrupt(&block->link.prev, 8, 4));
	assert_true(corrupt(&block->base, 8, 0));
	assert_true(corrupt(&block->pages, 4, 0));
	assert_true(corrupt(&block->used, 4, 0));
	assert_true(corrupt(&block->count, 4, 0));
	assert_true(corrupt(&block->room, 4, 0));
	assert_true(corrupt(&block->runs, 8, 4));
	for (uint i = 0; i < block->count; i++) {
		assert_true(corrupt(&block->runs[i].offset, 4, 0));
		assert_true(corrupt(&block->runs[i].length, 4, 0));
	}
}

static void the_checker_notices_each_bit_that_is_flipped(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, false);
	void *p[3], *large = mempool_allocmem(mp, PAGE_SIZE);
	struct run *run;

	for (uint i = 0; i < 3; i++)
		p[i] = mempool_allocmem(mp, 64);
	mempool_freemem(mp, p[1]);  /* used, free, used, free */
	mempool_freemem(mp, large); /* a block is kept */
	assert_int_equal(mp->numkept, 1);
	corrupt_block(list_first(&mp->blocks, struct block, link));
	corrupt_block(list_entry(mp->blocks.prev, struct block, link));
	assert_true(corrupt(&mp->numkept, 4, 0));
	assert_true(corrupt(&mp->pages, 4, 0));
	assert_true(corrupt(&mp->link.next, 8, 4));
	assert_true(corrupt(&mp->link.prev, 8, 4));
	assert_true(corrupt(&mempools.list.next, 8, 4));
	assert_true(corrupt(&mempools.list.prev, 8, 4));
	run = list_first(&mp->blocks, struct block, link)->runs;
	for (uint i = 0; i < 4; i++) {
		run[i].used = !run[i].used;
		assert_int_not_equal(mm_check(), 0);
		run[i].used = !run[i].used;
	}
	print_message("%u flipped bits, all noticed\n", flips);
}

static void two_blocks_with_the_same_pages_are_noticed(void **state)
{
	struct mempool *a = mempool_new(1, 0, false);
	struct mempool *b = mempool_new(1, 0, false);
	struct block *first, *second, good;

	mempool_allocmem(a, 64);
	mempool_allocmem(b, 64);
	first = list_first(&a->blocks, struct block, link);
	second = list_first(&b->blocks, struct block, link);
	good = *second;
	second->base = first->base;
	assert_int_not_equal(mm_check(), 0);
	*second = good;
	second->runs = first->runs;
	assert_int_not_equal(mm_check(), 0);
	*second = good;
}

static void an_object_with_a_block_of_its_own_stays_alone(void **state)
{
	struct mempool *mp = mempool_new(1, 0, false);
	uint before = num_of_available_pages();
	void *large = mempool_allocmem(mp, 3 * PAGE_SIZE + 1);
	void *small = mempool_allocmem(mp, 64);

	assert_int_equal(num_of_available_pages(), before - 5);
	mempool_freemem(mp, large);
	assert_int_equal(num_of_available_pages(), before - 1);
	mempool_freemem(mp, small);
}

static void a_run_that_fits_is_found_when_no_other_can_be_cut(void **state)
{
	struct mempool *mp = mempool_new(1, 0, false);
	void *p[FIRST_ROOM];

	p[0] = mempool_allocmem(mp, 128); /* 128, 64, 64, 64, and the rest */
	for (uint i = 1; i < FIRST_ROOM - 1; i++)
		p[i] = mempool_allocmem(mp, 64);
	assert_non_null(mempool_allocmem(mp, PAGE_SIZE - 128 - 3 * 64));
	mempool_freemem(mp, p[0]);
	mempool_freemem(mp, p[2]);
	leave_nothing();
	assert_ptr_equal(mempool_allocmem(mp, 64), p[2]);
	assert_null(mempool_allocmem(mp, 64));
}

static void after_a_panic_a_pool_is_for_the_cpu_that_panicked(void **state)
{
	struct mempool *mp = mempool_new(1, 0, false);

	assert_non_null(mempool_allocmem(mp, 64));
	*this_cpu(cpu_number) = 3;
	mm_free_panicmem();
	assert_non_null(mempool_allocmem(mp, 64));
	*this_cpu(cpu_number) = 0;
	assert_null(mempool_allocmem(mp, 64));
}

struct object {
	u8 *p;
	uint n;
	u8 fill;
};

static void step_alloc(struct mempool *mp, struct object *o)
{
	o->n = host_random(3) ? 1 + host_random(200) : host_random(9000);
	o->p = mempool_allocmem(mp, o->n);
	if (!o->p)
		return;
	if (mp->clear)
		assert_bytes(o->p, o->n, 0);
	o->fill = 1 + host_random(255);
	memset(o->p, o->fill, o->n);
}

static void a_random_walk_never_damages_an_object(void **state)
{
	static struct object live[2][300];
	struct mempool *pools[2] = {mempool_new(PAGE_SIZE, 2, true),
				    mempool_new(4 * PAGE_SIZE, 1, false)};

	memset(live, 0, sizeof(live));
	for (u64 i = host_operations(30000); i; i--) {
		uint which = host_random(2);
		struct object *o = &live[which][host_random(300)];

		if (!o->p) {
			step_alloc(pools[which], o);
		} else {
			assert_bytes(o->p, o->n, o->fill);
			mempool_freemem(pools[which], o->p);
			o->p = NULL;
		}
		if (i % 16 == 0)
			assert_int_equal(mm_check(), 0);
	}
	mempool_free(pools[0]);
	mempool_free(pools[1]);
	assert_all_free(FREE);
}

static void more_blocks_kept_than_allowed_are_noticed(void **state)
{
	struct mempool *mp = mempool_new(PAGE_SIZE, 1, false);

	mempool_freemem(mp, mempool_allocmem(mp, 16));
	assert_int_equal(mp->numkept, 1); /* as many as there are */
	mp->numkeeps = 0;
	host_printed[0] = '\0';
	assert_int_not_equal(mm_check(), 0);
	assert_non_null(strstr(host_printed, "number of kept blocks is wrong"));
	mp->numkeeps = 1;
}

static void the_largest_object_and_the_largest_block_have_16_mib(void **state)
{
	struct mempool *mp;
	void *p;

	host_pools(2 * MAX_ALLOC_PAGES); /* the reserve is in one half */
	mp = mempool_new(PAGE_SIZE, 1, false);
	p = mempool_allocmem(mp, 16 * MIB);
	assert_non_null(p);
	assert_int_equal(pages_of_block(p), MAX_ALLOC_PAGES);
	mempool_free(mp);
	mp = mempool_new(16 * MIB, 0, false);
	assert_non_null(mp);
	assert_ptr_equal(mempool_allocmem(mp, 1), p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_65th_object_of_64_bytes_is_in_a_second_block),
		TEST(the_block_size_rounds_up_to_a_power_of_two_of_pages),
		TEST(bad_arguments_make_no_pool),
		TEST(up_to_numkeeps_free_blocks_are_kept),
		TEST(a_pool_that_keeps_nothing_gives_its_pages_back),
		TEST(a_new_page_shows_nobody_elses_bytes),
		TEST(with_clear_every_object_is_zero),
		TEST(with_clear_a_kept_block_is_cleared_whole),
		TEST(without_clear_a_kept_block_comes_back_as_it_was),
		TEST(two_pools_and_the_heap_never_share_a_page),
		TEST(a_block_holds_no_byte_but_those_of_its_objects),
		TEST(neighbouring_free_runs_merge_in_every_order),
		TEST(objects_are_aligned_to_16_even_of_zero_bytes),
		TEST(an_object_larger_than_a_block_gets_one_of_its_own),
		TEST(mempool_free_gives_everything_back),
		TEST(bad_addresses_panic_by_name),
		TEST(out_of_pages_is_null_and_changes_nothing),
		TEST(out_of_objects_is_null_and_changes_nothing),
		TEST(force_unlock_opens_the_locks_of_all_pools),
		TEST(the_checker_notices_each_bit_that_is_flipped),
		TEST(two_blocks_with_the_same_pages_are_noticed),
		TEST(an_object_with_a_block_of_its_own_stays_alone),
		TEST(a_run_that_fits_is_found_when_no_other_can_be_cut),
		TEST(after_a_panic_a_pool_is_for_the_cpu_that_panicked),
		TEST(a_random_walk_never_damages_an_object),
		TEST(more_blocks_kept_than_allowed_are_noticed),
		TEST(the_largest_object_and_the_largest_block_have_16_mib),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
