/*
 * Host test of page/buddy.h: the arithmetic of split and merge, checked for
 * everything that can occur. Vellum's range lies below 4 GiB, so a pool has at
 * most 2^20 pages, and the claims are tried for each of these numbers at each
 * order: this is a proof, by exhaustion. Each claim that must hold stands in
 * its own require(); the names are those of the book.
 */
#include "host.h"
#include "page/buddy.h"

#define PAGES (1U << 20) /* all numbers below 4 GiB */
#define TOP   (NUM_OF_ALLOCSIZE - 1)

#define require(claim)                                                        \
	do {                                                                  \
		if (!(claim))                                                 \
			fail_msg("page %lu, order %u: %s", i, order, #claim); \
	} while (0)

static bool aligned(u64 i, u32 order)
{
	return i % (1UL << order) == 0;
}

/* The array has a multiple of 2^TOP elements; the shortest that has page i. */
static u64 shortest_array(u64 i)
{
	return (i / MAX_ALLOC_PAGES + 1) * MAX_ALLOC_PAGES;
}

static void merge_finds_the_other_half_of_one_larger_block(void **state)
{
	for (u32 order = 0; order < TOP; order++)
		for (u64 i = 0; i < PAGES; i += 1UL << order) {
			u64 size = 1UL << order, buddy = buddy_of(i, order);
			u64 whole = whole_of(i, buddy);

			require(buddy < shortest_array(i));
			require(aligned(buddy, order));
			require(buddy_of(buddy, order) == i);
			require(aligned(whole, order + 1));
			require(whole == MIN(i, buddy));
			require(whole + size == MAX(i, buddy));
		}
}

/* What split_block() makes of a block: halves of halves, each once. */
static void split_leaves_blocks_that_add_up_to_the_whole(void **state)
{
	for (u32 order = 0; order <= TOP; order++)
		for (u64 i = 0; i < PAGES; i += 1UL << order) {
			u64 end = i + (1UL << order);

			for (u32 part = order; part-- > 0;) {
				u64 upper = i + (1UL << part);

				require(aligned(upper, part));
				require(upper == buddy_of(i, part));
				require(upper + (1UL << part) == end);
				end = upper;
			}
			require(end == i + 1);
		}
}

/* All that put_pages() asks for: what matters of i are its low bits. */
static void a_run_of_pages_is_cut_into_the_largest_blocks(void **state)
{
	for (u64 i = 0; i < MAX_ALLOC_PAGES; i++)
		for (u32 n = 1; n <= 2 * MAX_ALLOC_PAGES; n++) {
			u32 order = largest_order(i, n);

			require(order <= TOP);
			require(1U << order <= n);
			require(aligned(i, order));
			require(order == TOP || 2U << order > n ||
				!aligned(i, order + 1));
		}
	for (u64 i = 0; i < PAGES; i++) {
		u32 order = largest_order(i, MAX_ALLOC_PAGES);

		require(order ==
			largest_order(i % MAX_ALLOC_PAGES, MAX_ALLOC_PAGES));
	}
}

/* Sizes grow to a peak and fall again, so no order occurs a third time. */
static void a_run_needs_at_most_two_blocks_of_each_order(void **state)
{
	for (u64 first = 0; first < 256; first++)
		for (u32 n = 1; n <= 600; n++) {
			uint blocks[NUM_OF_ALLOCSIZE] = {0};
			u64 i = first;

			while (i < first + n) {
				u32 order = largest_order(i, first + n - i);

				require(++blocks[order] <= 2);
				i += 1UL << order;
			}
			assert_int_equal(i, first + n);
		}
}

static void an_order_is_the_smallest_that_holds_the_pages(void **state)
{
	for (u64 i = 1; i <= MAX_ALLOC_PAGES; i++) {
		u32 order = order_of(i);

		require(order <= TOP);
		require(1UL << order >= i);
		require(order == 0 || 1UL << (order - 1) < i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			merge_finds_the_other_half_of_one_larger_block),
		cmocka_unit_test(split_leaves_blocks_that_add_up_to_the_whole),
		cmocka_unit_test(a_run_of_pages_is_cut_into_the_largest_blocks),
		cmocka_unit_test(a_run_needs_at_most_two_blocks_of_each_order),
		cmocka_unit_test(an_order_is_the_smallest_that_holds_the_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
