/*
 * The heap, by commands. Addresses are told as bytes from the pool's first page;
 * objects are named by the number of the "alloc" that they came from.
 */
#include "judge.h"

#include "heap/test/host_heap.h"

#define MOST 10000

static u8 *held[MOST];
static uint sizes[MOST], count;

static void setup(void)
{
	host_heap(number(1));
	count = 0;
	answer("%u", num_of_available_pages());
}

static void tell(const void *p)
{
	if (p)
		answer("%ld", (const char *)p - vmm_pool.virt);
	else
		answer("none");
}

static void allocate(void)
{
	held[count] = alloc(number(1));
	sizes[count] = number(1);
	tell(held[count++]);
}

static void release(void)
{
	free(held[number(1)]);
}

static void release_at(void)
{
	free(vmm_pool.virt + number(1));
}

static void resize(void)
{
	u8 *p = realloc(held[number(1)], number(2));

	if (p) {
		held[number(1)] = p;
		sizes[number(1)] = number(2);
	}
	tell(p);
}

static void fill(void)
{
	memset(held[number(1)], number(2), sizes[number(1)]);
}

/* The first @n bytes of an object, if they are all the same. */
static void look(void)
{
	u8 *p = held[number(1)];
	uint n = number(2);

	for (uint i = 1; i < n; i++)
		if (p[i] != p[0]) {
			answer("byte %u differs from the first", i);
			return;
		}
	answer("%u", p[0]);
}

static void stats(void)
{
	struct heap_stats s[HEAP_CLASSES];

	get_heap_stats(s);
	for (uint i = 0; i < HEAP_CLASSES; i++)
		answer("%u:%u:%u:%u ", s[i].size, s[i].slots, s[i].pages,
		       s[i].used);
}

static void available(void)
{
	answer("%u", num_of_available_pages());
}

static void check(void)
{
	answer("%d", mm_check());
}

/* In the header of an object's page: bit @i of the bitmap becomes 1, and there
 * is one object less. */
static void free_bit(void)
{
	struct slab *slab = slab_of(held[number(1)]);

	slab->bitmap[number(2) / 64] |= BIT(number(2) % 64);
	slab->used--;
}

const struct judge_command judge_commands[] = {
	{"setup", setup},         {"alloc", allocate},
	{"free", release},        {"free-at", release_at},
	{"realloc", resize},      {"fill", fill},
	{"look", look},           {"stats", stats},
	{"available", available}, {"check", check},
	{"free-bit", free_bit},   {},
};
