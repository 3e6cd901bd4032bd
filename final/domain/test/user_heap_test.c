/*
 * The heap of a program: its areas, and what is noticed of a damaged one.
 */
#include "domain/test/host_program.h"
#include "domain/user/heap.c" /* for its inside */

#define LENGTH 4096

int heap[LENGTH], heaplen;

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	return 0;
}

long system_call(long number, u64 a, u64 b, u64 c, u64 d)
{
	return host_system_call(number, a, b);
}

/* A heap of @length ints, as a program that starts has it: of zeros. What lies
 * behind it stays as it is, or the test that begins next fails. */
static void new_heap(int length)
{
	for (int i = MAX(heaplen, 0); i < LENGTH; i++)
		assert_int_equal(heap[i], -1);
	memset(heap, 0xff, sizeof(heap));
	heaplen = length;
	heap_end = 0;
	if (length > 0)
		memset(heap, 0, length * sizeof(int));
}

static int start(void **state)
{
	heaplen = LENGTH;
	new_heap(64);
	return 0;
}

/* The lengths from the end on are @lengths, up to a 0, and no more. */
static void assert_areas(const int *lengths)
{
	int end = ALIGN_DOWN(heaplen, 4);

	for (; *lengths; lengths++) {
		assert_true(end > 0);
		assert_int_equal(heap[end - 1], *lengths);
		end -= abs(*lengths);
	}
	assert_int_equal(end, 0);
}

#define assert_lengths(...) assert_areas((const int[]){__VA_ARGS__, 0})

static void each_area_ends_in_its_length(void **state)
{
	int *p = alloc(20), *q = alloc(12);

	assert_ptr_equal(p, heap);
	assert_ptr_equal(q, heap + 8);
	assert_lengths(-52, 4, 8);
	free(p);
	assert_lengths(-52, 4, -8);
	free(q);
	assert_lengths(-64);
}

static void the_last_byte_that_was_asked_for_is_there(void **state)
{
	for (uint n = 0; n < 60; n++) {
		u8 *p, *q;

		new_heap(64);
		p = alloc(n);
		q = alloc(n);
		memset(p, 0x11, n);
		memset(q, 0x22, n);
		for (uint i = 0; i < n; i++)
			assert_int_equal(p[i], 0x11);
		free(p);
		free(q);
		assert_lengths(-64);
	}
}

static void areas_fit_any_type_of_c(void **state)
{
	for (uint n = 0; n < 16; n++)
		assert_int_equal((u64)alloc(n % 7) % _Alignof(max_align_t), 0);
}

static void of_two_gaps_the_one_nearer_to_the_end_is_taken(void **state)
{
	void *p[5];

	for (uint i = 0; i < 5; i++)
		p[i] = alloc(28);
	free(p[1]);
	free(p[3]);
	alloc(64); /* what is left behind all */
	assert_ptr_equal(alloc(28), p[3]);
	assert_ptr_equal(alloc(28), p[1]);
}

static void a_gap_that_is_too_small_is_passed(void **state)
{
	void *p[3] = {alloc(60), alloc(12), alloc(12)};

	alloc(128); /* what is left behind all */
	free(p[0]);
	free(p[2]);
	assert_ptr_equal(alloc(40), p[0]);
}

/* The @n-th order of four things. */
static void order_of(uint n, uint *order)
{
	bool taken[4] = {0};

	for (uint i = 0; i < 4; i++) {
		uint skip = n % (4 - i), j = 0;

		for (n /= 4 - i; taken[j] || skip; j++)
			skip -= !taken[j];
		order[i] = j;
		taken[j] = true;
	}
}

static void neighbours_merge_in_every_order(void **state)
{
	for (uint n = 0; n < 24; n++) {
		uint order[4];
		void *p[4];

		new_heap(64);
		for (uint i = 0; i < 4; i++)
			p[i] = alloc(16 * i);
		order_of(n, order);
		for (uint i = 0; i < 4; i++)
			free(p[order[i]]);
		assert_lengths(-64);
	}
}

static void out_of_memory_ends_the_program(void **state)
{
	alloc(100);
	assert_panics(alloc(200), "in process: out of memory");
	assert_lengths(-36, 28);
	assert_panics(alloc(UINT32_MAX), "out of memory");
	assert_panics(alloc(UINT32_MAX - 2), "out of memory");
	assert_panics(alloc(INT32_MAX), "out of memory");
	alloc(140); /* all that is left */
	assert_lengths(36, 28);
	assert_panics(alloc(0), "out of memory");
}

static void fill_heap(int length)
{
	new_heap(length);
	for (int n = length / 4; n > 0; n--)
		memset(alloc(12), 0x33, 12);
	assert_panics(alloc(1), "out of memory");
}

static void a_heap_of_any_length_keeps_to_it(void **state)
{
	static const int lengths[] = {-1, INT32_MIN, 0, 1, 3, 4, 5, 7, 8, 11};

	for (uint i = 0; i < ARRAY_SIZE(lengths); i++)
		fill_heap(lengths[i]);
	new_heap(0);
}

static void realloc_keeps_what_both_have_in_common(void **state)
{
	u8 *p = realloc(NULL, 10), *q;

	memset(p, 0x44, 10);
	assert_ptr_equal(realloc(p, 12), p);
	assert_ptr_equal(realloc(p, 1), p);
	alloc(1);
	q = realloc(p, 50);
	assert_ptr_not_equal(p, q);
	for (uint i = 0; i < 10; i++)
		assert_int_equal(q[i], 0x44);
	assert_lengths(-40, 16, 4, -4);
	assert_panics(realloc(q, 1000), "out of memory");
	assert_lengths(-40, 16, 4, -4);
	assert_null(realloc(q, 0));
	assert_lengths(-56, 4, -4);
	assert_panics(realloc(q, 100), "no area in use begins there");
}

static void only_what_is_used_can_be_freed(void **state)
{
	u8 *p = alloc(40);
	int outside;

	free(NULL);
	assert_panics(free(p + 1), "no area in use begins there");
	assert_panics(free(p + 16), "no area in use begins there");
	assert_panics(free(&outside), "no area in use begins there");
	assert_panics(free(heap + 12), "no area in use begins there");
	free(p);
	assert_panics(free(p), "no area in use begins there");
}

static void who_writes_past_an_area_is_noticed(void **state)
{
	for (uint n = 1; n <= 8; n++) {
		char *p;

		new_heap(64);
		alloc(28);
		p = alloc(28);
		memset(p, 'A', 28 + n);
		assert_panics(alloc(1), "heap damaged");
		assert_panics(free(p), "heap damaged");
		assert_panics(realloc(p, 40), "heap damaged");
	}
}

static void damage_length(int at, int length)
{
	void *p;

	new_heap(64);
	p = alloc(28);
	alloc(28);
	heap[at] = length;
	assert_panics(alloc(1), "heap damaged");
	assert_panics(free(p), "heap damaged");
}

static void a_length_that_makes_no_sense_is_noticed(void **state)
{
	static const int bad[] = {0,  1,  2,   3,         5,         -1,
				  -2, 68, -68, INT32_MAX, INT32_MIN, -72};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		damage_length(7, bad[i]);
		damage_length(15, bad[i]);
		damage_length(63, bad[i]);
	}
}

static void a_length_that_is_no_multiple_is_noticed(void **state)
{
	int *p = alloc(28);

	alloc(28);
	heap[15] = 6; /* its start would be within the first area, */
	p[9] = 10;    /* where a length is that leads to the heap's start */
	assert_panics(alloc(1), "heap damaged");
}

static void two_free_neighbours_are_noticed(void **state)
{
	alloc(28);
	heap[7] = -8;
	assert_panics(alloc(1), "two free areas in a row");
}

struct object {
	u8 *p, fill;
	uint n;
};

static void step(struct object *o)
{
	uint n = host_random(80), kept = MIN(n, o->n);

	for (uint i = 0; i < o->n; i++)
		assert_int_equal(o->p[i], o->fill);
	switch (host_random(3)) {
	case 0:
		free(o->p);
		*o = (struct object){0};
		return;
	case 1:
		o->p = realloc(o->p, n);
		for (uint i = 0; o->p && i < kept; i++)
			assert_int_equal(o->p[i], o->fill);
		break;
	default:
		free(o->p);
		o->p = alloc(n);
	}
	o->n = o->p ? n : 0;
	o->fill = 1 + host_random(200);
	if (o->p)
		memset(o->p, o->fill, o->n);
}

static void a_random_walk_never_damages_an_object(void **state)
{
	struct object live[50] = {0};

	new_heap(LENGTH - 64);
	for (u64 i = host_operations(20000); i; i--)
		step(&live[host_random(ARRAY_SIZE(live))]);
	for (uint i = 0; i < ARRAY_SIZE(live); i++)
		free(live[i].p);
	assert_lengths(-heaplen);
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_area_ends_in_its_length),
		TEST(the_last_byte_that_was_asked_for_is_there),
		TEST(areas_fit_any_type_of_c),
		TEST(of_two_gaps_the_one_nearer_to_the_end_is_taken),
		TEST(a_gap_that_is_too_small_is_passed),
		TEST(neighbours_merge_in_every_order),
		TEST(out_of_memory_ends_the_program),
		TEST(a_heap_of_any_length_keeps_to_it),
		TEST(realloc_keeps_what_both_have_in_common),
		TEST(only_what_is_used_can_be_freed),
		TEST(who_writes_past_an_area_is_noticed),
		TEST(a_length_that_makes_no_sense_is_noticed),
		TEST(a_length_that_is_no_multiple_is_noticed),
		TEST(two_free_neighbours_are_noticed),
		TEST(a_random_walk_never_damages_an_object),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
