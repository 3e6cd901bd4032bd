/*
 * What memory costs: the loops that `make bench-memory` measures.
 *
 *	memory-bench ns|instructions|worst|space vellum|malloc|locked [DIVISOR]
 *
 * The same loops drive Vellum's layers, the C library's malloc (or another one,
 * with LD_PRELOAD), and malloc with a lock taken around it, since ours always
 * takes one. Each loop is compiled twice: with the allocator, and with two
 * functions that only return. The difference is the allocator's, less those
 * two instructions, so what the loop itself costs does not count.
 *
 * Instructions are counted by callgrind, which we tell to write down what a
 * loop took; nanoseconds are the best of several runs. Each figure is a line
 * "name value"; with callgrind the names are in its files, and the twin's has a
 * "-" in front. DIVISOR makes everything smaller, to test this program.
 */
#include <sys/wait.h>
#include <valgrind/callgrind.h>

/* The lock around malloc is the one that we measure ourselves with: no call of
 * sched_yield() in it, as tests have. */
#undef __builtin_ia32_pause

#include "heap/slab.h"
#include "page/test/host_pages.h"
#include "pool/mempool.h"

#define PAGES  65536
#define SAMPLE 300 /* single operations of each kind, for the worst one */

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* What a loop needs of an allocator. */
struct allocator {
	void *(*alloc)(uint n);
	void (*free)(void *p);
};

enum mode {
	NS,
	INSTRUCTIONS,
	WORST,
	SPACE
};

static enum mode mode;
static uint divisor = 1;
static void **slots, **twin_slots;
static u64 random_state;

/* --- the allocators */

__attribute__((naked)) static void *return_only(uint n)
{
	asm("ret");
}

__attribute__((naked)) static void free_return_only(void *p)
{
	asm("ret");
}

__attribute__((naked)) static int page_return_only(void **virt, phys_t *phys)
{
	asm("ret");
}

ALWAYS_INLINE void *page_alloc(uint n)
{
	void *p = NULL;

	return alloc_page(&p, NULL) ? NULL : p;
}

ALWAYS_INLINE void *page_twin(uint n)
{
	void *p = NULL;

	return page_return_only(&p, NULL) ? p : NULL;
}

static struct mempool *pool;

ALWAYS_INLINE void *pool_alloc_object(uint n)
{
	return mempool_allocmem(pool, n);
}

ALWAYS_INLINE void pool_free_object(void *p)
{
	mempool_freemem(pool, p);
}

__attribute__((naked)) static void *pool_return_only(struct mempool *mp, uint n)
{
	asm("ret");
}

__attribute__((naked)) static void pool_free_return_only(struct mempool *mp,
							 void *p)
{
	asm("ret");
}

ALWAYS_INLINE void *pool_twin_alloc(uint n)
{
	return pool_return_only(pool, n);
}

ALWAYS_INLINE void pool_twin_free(void *p)
{
	pool_free_return_only(pool, p);
}

static spinlock_t lock;

ALWAYS_INLINE void *libc_alloc(uint n)
{
	return malloc(n);
}

static void *locked_alloc(uint n)
{
	void *p;

	spin_lock(&lock);
	p = malloc(n);
	spin_unlock(&lock);
	return p;
}

static void locked_free(void *p)
{
	spin_lock(&lock);
	libc_free(p);
	spin_unlock(&lock);
}

static const struct allocator nothing = {return_only, free_return_only};
static const struct allocator heap = {alloc, free};
static const struct allocator libc = {libc_alloc, libc_free};
static const struct allocator locked = {locked_alloc, locked_free};
static const struct allocator page = {page_alloc, free_page};
static const struct allocator page_nothing = {page_twin, free_return_only};
static const struct allocator pools = {pool_alloc_object, pool_free_object};
static const struct allocator pools_nothing = {pool_twin_alloc, pool_twin_free};

/* --- the loops */

/* A random number below @n. */
ALWAYS_INLINE u32 draw(u32 n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 32) * n >> 32;
}

/* Sizes for a mixture: 16 to 1024, small ones more often. */
ALWAYS_INLINE uint size_for(uint size)
{
	u32 r;

	if (size)
		return size;
	r = draw(1 << 14);
	return 16 + (1008UL * (r & 127) * (r >> 7) >> 14);
}

ALWAYS_INLINE void pair_loop(const struct allocator *a, uint size, uint count)
{
	for (uint i = 0; i < count; i++) {
		void *p = a->alloc(size);

		asm volatile("" : "+r"(p)::"memory");
		a->free(p);
	}
}

ALWAYS_INLINE void replace_loop(const struct allocator *a, void **live,
				uint size, uint number, uint count)
{
	for (uint i = 0; i < count; i++) {
		void **slot = &live[draw(number)];

		a->free(*slot);
		*slot = a->alloc(size_for(size));
	}
}

ALWAYS_INLINE void loop(const struct allocator *a, void **live, uint size,
			uint number, bool replace, uint count)
{
	if (replace)
		replace_loop(a, live, size, number, count);
	else
		pair_loop(a, size, count);
}

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000UL + t.tv_nsec;
}

struct what {
	const char *name;
	uint size, live;
	bool replace;
};

/*
 * Measure one loop and its twin. Always inlined with constant allocators, so
 * that their functions are called directly.
 */
ALWAYS_INLINE void measure(const struct allocator *a,
			   const struct allocator *twin, const struct what *w)
{
	uint count = (mode == NS ? 1000000 : 20000) / divisor;
	u64 best = ~0UL, best_twin = ~0UL, start;
	char twin_name[80];

	loop(a, slots, w->size, w->live, w->replace, count); /* warm up */
	if (mode == INSTRUCTIONS) {
		(snprintf)(twin_name, sizeof(twin_name), "-%s", w->name);
		CALLGRIND_ZERO_STATS;
		loop(a, slots, w->size, w->live, w->replace, count);
		CALLGRIND_DUMP_STATS_AT(w->name);
		loop(twin, twin_slots, w->size, w->live, w->replace, count);
		CALLGRIND_DUMP_STATS_AT(twin_name);
		(printf)("%s %u\n", w->name, count);
		return;
	}
	for (uint i = 0; i < 7; i++) {
		start = now();
		loop(a, slots, w->size, w->live, w->replace, count);
		best = MIN(best, now() - start);
		start = now();
		loop(twin, twin_slots, w->size, w->live, w->replace, count);
		best_twin = MIN(best_twin, now() - start);
	}
	(fprintf)(stdout, "%s %.2f\n", w->name,
		  ((double)best - (double)best_twin) / count);
}

/* --- what is measured */

ALWAYS_INLINE void fill(const struct allocator *a, uint size, uint live)
{
	for (uint i = 0; i < live; i++) {
		slots[i] = a->alloc(size_for(size));
		if (!slots[i])
			abort();
	}
}

ALWAYS_INLINE void drain(const struct allocator *a, uint live)
{
	for (uint i = 0; i < live; i++)
		a->free(slots[i]);
}

/* Pairs with @live other objects, or replacement among them. */
ALWAYS_INLINE void measure_objects(const struct allocator *a, uint size,
				   uint live, bool replace)
{
	char name[64], bytes[16] = "16..1024";
	struct what w = {name, size, (live + divisor - 1) / divisor, replace};

	if (size)
		(snprintf)(bytes, sizeof(bytes), "%u", size);
	(snprintf)(name, sizeof(name), "%s %s live %u",
		   replace ? "replace" : "pair", bytes, live);
	fill(a, size, w.live);
	measure(a, &nothing, &w);
	drain(a, w.live);
}

ALWAYS_INLINE void measure_heap(const struct allocator *a)
{
	static const uint lives[] = {0, 500, 10000, 100000};

	for (uint size = HEAP_MIN; size <= HEAP_MAX; size *= 2)
		for (uint i = 0; i < ARRAY_SIZE(lives); i++) {
			if (lives[i] == 500 && size != 64)
				continue; /* one size with the dearest number */
			measure_objects(a, size, lives[i], false);
			if (lives[i])
				measure_objects(a, size, lives[i], true);
		}
	measure_objects(a, 0, 100000, true);
}

/* Leave one free block, of the largest order. */
static void one_block(void)
{
	host_pages(2 * MAX_ALLOC_PAGES, 0);
	for (uint n = MAX_ALLOC_PAGES / 2; n >= NUM_OF_PANICMEM_PAGES; n /= 2)
		if (alloc_pages(NULL, NULL, n))
			abort();
}

static void measure_pages(void)
{
	struct what w = {.name = "page pair without split"};
	uint live = 20000 / divisor;
	void *a, *b;

	host_pages(PAGES, 100);
	alloc_page(&a, NULL);
	alloc_page(&b, NULL);
	free_page(b); /* its buddy is taken */
	measure(&page, &page_nothing, &w);
	one_block();
	w.name = "page pair with the full chain";
	measure(&page, &page_nothing, &w);
	host_pages(PAGES / 2, 100);
	fill(&page, 1, live);
	for (uint i = 0; i < live; i++) /* out of order from here on */
		replace_loop(&page, slots, 1, live, 1);
	w = (struct what){"page replace live 20000", 1, live, true};
	measure(&page, &page_nothing, &w);
	drain(&page, live);
}

static void measure_pools(void)
{
	struct what w = {.name = "pool pair 64 live 0", .size = 64};

	pool = mempool_new(1, 1, false);
	measure(&pools, &pools_nothing, &w);
	fill(&pools, 64, 50);
	w.name = "pool pair 64 live 50";
	measure(&pools, &pools_nothing, &w);
	mempool_free(pool);
}

/* --- the worst single operation */

/* Each by itself; the tool takes the largest. */
ALWAYS_INLINE void single_alloc(const struct allocator *a, const char *name,
				uint size, void **slot)
{
	CALLGRIND_ZERO_STATS;
	*slot = a->alloc(size);
	CALLGRIND_DUMP_STATS_AT(name);
}

ALWAYS_INLINE void single_free(const struct allocator *a, const char *name,
			       void **slot)
{
	CALLGRIND_ZERO_STATS;
	a->free(*slot);
	CALLGRIND_DUMP_STATS_AT(name);
}

/* Objects of one size come until there are several pages, and go again. */
ALWAYS_INLINE void worst_objects(const struct allocator *a)
{
	for (uint size = divisor > 1 ? 512 : 32; size <= HEAP_MAX; size *= 2) {
		uint number = 2 * PAGE_SIZE / size + 1;

		for (uint i = 0; i < number; i++)
			single_alloc(a, "alloc 16..1024", size, &slots[i]);
		for (uint i = number; i-- > 0;)
			single_free(a, "free 16..1024", &slots[i]);
	}
	fill(a, 0, 10000 / divisor);
	for (uint i = 0; i < SAMPLE / divisor + 1; i++) {
		void **slot = &slots[draw(10000 / divisor)];

		single_free(a, "free 16..1024", slot);
		single_alloc(a, "alloc 16..1024", size_for(0), slot);
	}
	drain(a, 10000 / divisor);
	single_alloc(&nothing, "-alloc 16..1024", 16, twin_slots);
	single_free(&nothing, "-free 16..1024", twin_slots);
}

/* One free block of 16 MiB: the longest way to split, and back to merge. */
static void worst_pages(void)
{
	void *p;

	one_block();
	for (uint order = 0; order < NUM_OF_ALLOCSIZE; order++)
		for (int d = -1; d <= 1; d++) {
			int n = (1 << order) + d;

			if (n < 1 || n > MAX_ALLOC_PAGES)
				continue;
			CALLGRIND_ZERO_STATS;
			alloc_pages(&p, NULL, n);
			CALLGRIND_DUMP_STATS_AT("alloc_pages");
			free_page(p);
			CALLGRIND_DUMP_STATS_AT("free_page");
		}
	CALLGRIND_DUMP_STATS_AT("-alloc_pages");
	CALLGRIND_DUMP_STATS_AT("-free_page");
	CALLGRIND_ZERO_STATS;
	num_of_available_pages();
	CALLGRIND_DUMP_STATS_AT("num_of_available_pages");
	CALLGRIND_DUMP_STATS_AT("-num_of_available_pages");
}

/* --- bytes per object that are not the object's */

/* What the process has in memory, in bytes. */
static u64 resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	u64 pages = 0;

	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		abort();
	fclose(file);
	return pages * PAGE_SIZE;
}

static u64 taken_pages(u32 before)
{
	u32 n = before - num_of_available_pages();

	return n * PAGE_SIZE + page_array_size(n);
}

/* Ours is what the page layer gave, and its array; of others all we can see. */
ALWAYS_INLINE void measure_space_of(const struct allocator *a, uint size,
				    bool ours)
{
	uint number = 100000 / divisor, n;
	u32 available = ours ? num_of_available_pages() : 0;
	u64 before = resident(), bytes = 0, taken;

	for (uint i = 0; i < number; i++) {
		n = size_for(size);
		slots[i] = a->alloc(n);
		memset(slots[i], 1, n);
		bytes += n;
	}
	taken = ours ? taken_pages(available) : resident() - before;
	(printf)("space %s%.0u %.2f\n", size ? "" : "16..1024", size,
		 ((double)taken - (double)bytes) / number);
	fflush(stdout);
}

/* Each size in a process that has freed nothing yet. */
ALWAYS_INLINE void measure_space(const struct allocator *a, bool ours)
{
	static const uint sizes[] = {16, 64, 100, 256, 1024, 0};

	for (uint s = 0; s < ARRAY_SIZE(sizes); s++) {
		if (fork() == 0) {
			measure_space_of(a, sizes[s], ours);
			_exit(0);
		}
		wait(NULL);
	}
}

/* --- */

ALWAYS_INLINE void run(const struct allocator *a, bool ours)
{
	if (mode == SPACE)
		measure_space(a, ours);
	else if (mode == WORST)
		worst_objects(a);
	else
		measure_heap(a);
}

static void start_heap(void)
{
	host_pages(PAGES, 100);
	setup_heap();
	mempool_init();
}

static void run_vellum(void)
{
	start_heap();
	if (mode == WORST) { /* a new page is the end of a long split */
		one_block();
		setup_heap();
	}
	run(&heap, true);
	start_heap();
	if (mode == WORST) {
		worst_pages();
	} else if (mode != SPACE) {
		measure_pools();
		measure_pages();
	}
}

int main(int argc, char **argv)
{
	static const char *const modes[] = {"ns", "instructions", "worst",
					    "space"};

	if (argc < 3)
		return 2;
	while (strcmp(argv[1], modes[mode]))
		if (++mode == ARRAY_SIZE(modes))
			return 2;
	divisor = argc > 3 ? atoi(argv[3]) : 1;
	random_state = 88172645463325252;
	slots = malloc(100000 * sizeof(*slots));
	twin_slots = malloc(100000 * sizeof(*twin_slots));
	memset(slots, 1, 100000 * sizeof(*slots)); /* in memory from now on */
	if (!strcmp(argv[2], "vellum"))
		run_vellum();
	else if (!strcmp(argv[2], "malloc"))
		run(&libc, false);
	else if (!strcmp(argv[2], "locked"))
		run(&locked, false);
	else
		return 2;
	return 0;
}
