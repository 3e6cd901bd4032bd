/*
 * Host test of page/page.c by exhaustion: every state that a small pool can get
 * into by alloc_pages(), free_page() and shrink_pages(), and from each of them
 * every such call that may be made, and free_page() of what is no block. What
 * is claimed is proved for these pools, lists and all, and not only tried.
 *
 * A state is what the allocator remembers from one call to the next: the type
 * of each page, the size of each block, the order of each list. It is written
 * down in a few bytes, and the pool is set up anew from them before each call,
 * with rubbish in all fields that should mean nothing at that time; so the
 * claims do not rest on what such a field happened to hold.
 */
#include "host.h"
#include "lib/errno.h"
#include "page/internal.h"
#include "page/page.h"

#define MOST_PAGES  13 /* PAGES=n in the environment: this many, 10 if not */
#define MOST_STATES (1U << 21)
#define SLOTS       (2 * MOST_STATES) /* of the hash table */
#define RUBBISH     0x5a5a5a5a
#define END         0xff /* of a list; no page has this number */

/* Type of each page; pages of the block that it heads, if allocated; and the
 * free lists of all orders, each with the numbers of its blocks, then END. */
struct state {
	u8 type[MOST_PAGES], size[MOST_PAGES], lists[MOST_PAGES + 5];
};

static struct page array[MAX_ALLOC_PAGES];
static u32 pages;

static struct state *states;
static u32 *table; /* number of a state + 1; 0: none */
static u32 count;
static u64 calls;

static void *virt(u32 i)
{
	return (void *)((u64)i << PAGE_SHIFT);
}

/* Write down the state of the pool. */
static struct state read_state(void)
{
	struct state s = {0};
	uint n = 0;

	for (u32 i = 0; i < pages; i++) {
		s.type[i] = array[i].type;
		if (array[i].type == PAGE_ALLOCATED)
			s.size[i] = array[i].pages;
	}
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++) {
		list_for_each (node, &vmm_pool.free[order])
			s.lists[n++] =
				list_entry(node, struct page, link) - array;
		if (1U << order <= MOST_PAGES)
			s.lists[n++] = END;
	}
	assert_true(n <= sizeof(s.lists));
	return s;
}

/* Bring the pool into state @s, for one call. */
static void set_state(const struct state *s)
{
	const u8 *next = s->lists;

	calls++;
	vmm_pool.available = vmm_pool.reserved = 0;
	for (u32 i = 0; i < pages; i++) {
		array[i] = (struct page){
			.link = {(void *)RUBBISH, (void *)RUBBISH},
			.pages = s->size[i] ? s->size[i] : RUBBISH,
			.type = s->type[i],
		};
		vmm_pool.reserved += s->type[i] == PAGE_RESERVED;
	}
	for (uint order = 0; 1U << order <= MOST_PAGES; order++) {
		list_init(&vmm_pool.free[order]);
		for (; *next != END; next++) {
			list_add_tail(&vmm_pool.free[order],
				      &array[*next].link);
			vmm_pool.available += 1U << order;
		}
		next++;
	}
}

/* Keep @s if it is new. */
static void add_state(const struct state *s)
{
	u64 hash = 0;
	u32 slot;

	for (uint i = 0; i < sizeof(*s); i++)
		hash = (hash ^ ((const u8 *)s)[i]) * 0x100000001b3;
	for (slot = hash >> 20; table[slot % SLOTS]; slot++)
		if (!memcmp(&states[table[slot % SLOTS] - 1], s, sizeof(*s)))
			return;
	assert_true(count < MOST_STATES);
	states[count++] = *s;
	table[slot % SLOTS] = count;
}

/*
 * The model: to whom each page belongs. The head of the block that has it, or
 * FREE, or PROGRAM.
 */
#define FREE    100
#define PROGRAM 101

struct owners {
	u8 of[MOST_PAGES];
};

static struct owners owners_of(const struct state *s)
{
	struct owners o;

	for (u32 i = 0; i < pages; i++)
		o.of[i] = s->type[i] == PAGE_RESERVED ? PROGRAM : FREE;
	for (u32 i = 0; i < pages; i++)
		for (u32 part = i; part < i + s->size[i]; part++)
			o.of[part] = i;
	return o;
}

/* Give the @n pages at @first from @from to @to. */
static void give(struct owners *o, u32 first, u32 n, u8 from, u8 to)
{
	for (u32 i = first; i < first + n; i++) {
		assert_true(i < pages && o->of[i] == from);
		o->of[i] = to;
	}
}

/* After a call: all invariants hold, and each page is whose it should be. */
static void check_state(const struct owners *expected)
{
	struct state s = read_state();
	struct owners o = owners_of(&s);
	u32 where, available = 0;

	assert_false(spin_is_locked(&vmm_pool.lock));
	assert_null(pool_check(&where));
	assert_memory_equal(o.of, expected->of, pages);
	for (u32 i = 0; i < pages; i++)
		available += o.of[i] == FREE;
	assert_int_equal(num_of_available_pages(), available);
	add_state(&s);
}

/* Is there a free run of 2^@order pages where a block of that order may be? */
static bool has_room(const struct owners *o, u32 order)
{
	u32 size = 1U << order, run = 0;

	for (u32 i = 0; i < pages; i++) {
		run = o->of[i] != FREE ? 0 : i % size ? run + 1 : 1;
		if (run && run == size && i % size == size - 1)
			return true;
	}
	return false;
}

static void try_alloc(const struct state *s, u32 n)
{
	struct owners o = owners_of(s);
	void *p = NULL;
	int error;
	struct state after;
	u32 i;

	set_state(s);
	error = alloc_pages(&p, NULL, n);
	if (error) {
		assert_int_equal(error, -ENOMEM);
		assert_false(has_room(&o, order_of(n)));
		after = read_state();
		assert_memory_equal(&after, s, sizeof(after));
		return;
	}
	i = (u64)p >> PAGE_SHIFT;
	assert_int_equal(i % (1U << order_of(n)), 0);
	give(&o, i, n, FREE, i);
	check_state(&o);
}

static void try_free(const struct state *s, u32 i)
{
	struct owners o = owners_of(s);
	struct state after;

	set_state(s);
	if (!s->size[i]) {
		assert_panics(free_page(virt(i)), "free_page(0x");
		after = read_state();
		assert_memory_equal(&after, s, sizeof(after));
		return;
	}
	free_page(virt(i));
	give(&o, i, s->size[i], i, FREE);
	check_state(&o);
}

static void try_shrink(const struct state *s, u32 i, u32 n)
{
	struct owners o = owners_of(s);

	set_state(s);
	shrink_pages(virt(i), n);
	give(&o, i + n, s->size[i] - n, i, FREE);
	check_state(&o);
}

/* All states of a pool of @n pages; the program has the first @used of them. */
static void explore(u32 n, u32 used)
{
	struct state s;

	pages = n;
	count = calls = 0;
	memset(table, 0, SLOTS * sizeof(*table));
	assert_int_equal(setup_pages(array, NULL, PHYS(0), n, used), 0);
	s = read_state();
	add_state(&s);
	for (u32 i = 0; i < count; i++) {
		s = states[i];
		for (u32 k = 0; k < n; k++) {
			try_alloc(&s, k + 1);
			try_free(&s, k);
			for (u32 m = 1; m < s.size[k]; m++)
				try_shrink(&s, k, m);
		}
	}
	print_message("%u pages, %u of them reserved: %u states, %lu calls\n",
		      n, used, count, calls);
}

static void in_every_state_every_call_does_what_it_should(void **state)
{
	const char *wanted = getenv("PAGES");
	u32 most = wanted ? strtoul(wanted, NULL, 0) : 10;

	assert_in_range(most, 1, MOST_PAGES);
	states = malloc(MOST_STATES * sizeof(*states));
	table = malloc(SLOTS * sizeof(*table));
	for (u32 n = 1; n <= most; n++)
		for (u32 used = 0; used < n; used++)
			explore(n, used);
	libc_free(states);
	libc_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_every_state_every_call_does_what_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
