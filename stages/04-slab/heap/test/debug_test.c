/*
 * Host tests of the debug build: who writes where they may not is found,
 * by mm_check() at once, and by the call that touches the slot next.
 */
#include "heap/heap.h"
#include "heap/debug.h"
#include "heap/test/host_heap.h"

static int start(void **state)
{
	host_heap(PAGES);
	return 0;
}

/* What a test left damaged must have been found; no lock stays taken. */
static int stop(void **state)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		assert_false(spin_is_locked(&heap_classes[i].lock));
	return 0;
}

static void assert_found(const char *what)
{
	host_printed[0] = '\0';
	assert_int_not_equal(mm_check(), 0);
	assert_non_null(strstr(host_printed, what));
}

static void one_byte_past_the_end_is_found(void **state)
{
	static uint n; /* not lost by longjmp */

	for (n = 0; n <= OBJECT_MAX; n++) {
		u8 *p = alloc(n), old = p[n];

		assert_int_equal(mm_check(), 0);
		p[n] ^= 1;
		assert_found("written past the end of the object");
		assert_panics(free(p), "written past the end of the object");
		p[n] = old;
		/* and the last byte of the slot, which is the trailer's */
		p[BIT(class_of(p)->shift) - 1] ^= 1;
		assert_found("written past the end of the object");
		p[BIT(class_of(p)->shift) - 1] ^= 1;
		free(p);
	}
}

static void realloc_finds_it_as_well_in_place_or_not(void **state)
{
	u8 *p = alloc(40), old = p[40];

	p[40] = 'x';
	assert_panics(realloc(p, 30), "written past the end");
	assert_panics(realloc(p, 500), "written past the end");
	p[40] = old;
	p = realloc(p, 30);
	p[30] = 'x';
	assert_panics(free(p), "written past the end");
}

static void a_byte_that_is_written_after_free_is_found(void **state)
{
	static uint n; /* not lost by longjmp */

	for (n = 1; n <= OBJECT_MAX; n = n * 2 + 1) {
		u8 *p = alloc(n), old;

		free(p);
		old = p[n - 1];
		p[n - 1] = 'x';
		assert_found("written to after it was freed");
		assert_panics(alloc(n), "written to after it was freed");
		p[n - 1] = old;
		assert_int_equal(mm_check(), 0);
	}
}

static void what_was_freed_cannot_be_read(void **state)
{
	char *p = alloc(20);

	strcpy(p, "a secret");
	free(p);
	assert_null(strstr(p, "secret"));
}

static void an_object_has_the_bytes_and_the_alignment_it_asked_for(void **state)
{
	for (uint n = 1; n <= 1100; n++) {
		u8 *p = alloc(n);
		u64 align = n <= 16 ? 16 : 1UL << (32 - __builtin_clz(n - 1));

		memset(p, 'x', n);
		assert_int_equal((u64)p % align, 0);
		assert_int_equal((u64)p % PAGE_SIZE == 0, n > OBJECT_MAX);
		free(p);
	}
	assert_all_free(FREE);
}

static void a_random_walk_finds_nothing_wrong(void **state)
{
	static struct {
		u8 *p;
		uint n;
	} o[500];

	for (u64 i = host_operations(20000); i; i--) {
		uint k = host_random(ARRAY_SIZE(o));

		o[k].n = host_random(4) ? host_random(1200) : 0;
		o[k].p = realloc(o[k].p, o[k].n);
		if (o[k].p)
			memset(o[k].p, i, o[k].n);
		assert_int_equal(mm_check(), 0);
	}
	for (uint k = 0; k < ARRAY_SIZE(o); k++)
		free(o[k].p);
	assert_all_free(FREE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_byte_past_the_end_is_found),
		TEST(realloc_finds_it_as_well_in_place_or_not),
		TEST(a_byte_that_is_written_after_free_is_found),
		TEST(what_was_freed_cannot_be_read),
		TEST(an_object_has_the_bytes_and_the_alignment_it_asked_for),
		TEST(a_random_walk_finds_nothing_wrong),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
