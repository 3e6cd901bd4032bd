/*
 * The heap, by commands, on the page layer's own code.
 */
#include "judge.h"

#include "heap/heap.h"
#include "heap/slab.h"
#include "page/test/host_pages.h"

#define MOST    200000
#define THREADS 4

static void *held[MOST]; /* what each "alloc" got */
static u32 count;

static u64 offset_of(const void *p)
{
	return (u64)p - (u64)vmm_pool.virt;
}

static void *at(u64 offset)
{
	return vmm_pool.virt + offset;
}

/* setup PAGES */
static void setup(void)
{
	host_pages(number(1), 0);
	memset(vmm_pool.virt, 0xa5, number(1) * PAGE_SIZE);
	setup_heap();
	count = 0;
	answer("%u", num_of_available_pages());
}

/* alloc BYTES: where in the pool, or "null"; its bytes are filled */
static void allocate(void)
{
	void *p = alloc(number(1));

	held[count++] = p;
	if (!p) {
		answer("null");
		return;
	}
	answer("%lx", offset_of(p));
	if (in_page_memory(p))
		memset(p, count, MAX(number(1), 1UL));
}

/* free HANDLE */
static void release(void)
{
	free(held[number(1)]);
}

/* freeat HANDLE BYTES: of a handle, so many bytes further */
static void release_at(void)
{
	free((char *)held[number(1)] + number(2));
}

/* freeaddress ADDRESS */
static void release_address(void)
{
	free((void *)number(1));
}

/* pages: take all pages from the page layer */
static void take_pages(void)
{
	while (new_page(NULL))
		;
}

/* poke HANDLE OFFSET BYTES: into the page of a handle */
static void poke(void)
{
	u8 data[64];
	size_t n = bytes(3, data, sizeof(data));

	memcpy((char *)slab_of(held[number(1)]) + number(2), data, n);
}

static bool locked(void)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		if (spin_is_locked(&heap_classes[i].lock))
			return true;
	return spin_is_locked(&vmm_pool.lock);
}

void judge_last_words(void)
{
	if (locked())
		answer(" (with a lock held)");
}

static void dump_slab(const struct heap_class *cls, const struct slab *slab)
{
	answer(" %lx:%u:%u:%d:", offset_of(slab) >> PAGE_SHIFT, slab->used,
	       slab->word, slab->link.next != NULL);
	for (uint w = 0; w < cls->words; w++)
		answer("%s%lx", w ? "," : "", slab->bitmap[w]);
}

static void dump_class(const struct heap_class *cls)
{
	const struct list *head = &cls->partial;
	uint steps = 0;

	answer(" | %u %u %lx", cls->shift, cls->pages,
	       cls->current == NO_SLAB ? ~0UL
				       : offset_of(cls->current) >> PAGE_SHIFT);
	for (u64 i = 0; i < vmm_pool.pages; i++)
		if (page_owner(at(i << PAGE_SHIFT)) == cls)
			dump_slab(cls, at(i << PAGE_SHIFT));
	answer(" ;");
	list_for_each (node, head) {
		if (!in_page_memory(node) || steps++ > 10000) {
			answer(" broken");
			break;
		}
		answer(" %lx", offset_of(node) >> PAGE_SHIFT);
	}
}

/* All classes that have a page. */
static void dump(void)
{
	answer("%u %d", num_of_available_pages(), locked());
	for (uint i = 0; i < HEAP_CLASSES; i++)
		if (heap_classes[i].pages || heap_classes[i].current != NO_SLAB)
			dump_class(&heap_classes[i]);
}

/* What a thread had: from when to when, where, how much. */
struct event {
	u64 from, to, offset;
	uint size;
};

#define EVENTS 3000
#define HELD   24

static struct event events[THREADS][EVENTS];
static u64 clock_ticks;

static u64 tick(void)
{
	return __atomic_add_fetch(&clock_ticks, 1, __ATOMIC_SEQ_CST);
}

static void *use_heap(void *number)
{
	struct event *mine = events[(u64)number];
	u64 random = (u64)number + clock_ticks;
	void *object[EVENTS];

	for (uint i = 0; i < EVENTS + HELD; i++) {
		if (i >= HELD) {
			mine[i - HELD].to = tick();
			free(object[i - HELD]);
		}
		if (i >= EVENTS)
			continue;
		random = random * 6364136223846793005 + 1442695040888963407;
		mine[i].size = 1 + (random >> 33) % (random >> 63 ? 64 : 1024);
		object[i] = alloc(mine[i].size);
		mine[i].from = tick();
		mine[i].offset = object[i] ? offset_of(object[i]) : ~0UL;
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];

	for (u64 i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, use_heap, (void *)i);
	for (u64 i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (uint i = 0; i < THREADS; i++)
		for (uint k = 0; k < EVENTS; k++)
			answer("%lu,%lu,%lx,%u ", events[i][k].from,
			       events[i][k].to, events[i][k].offset,
			       events[i][k].size);
}

const struct judge_command judge_commands[] = {
	{"setup", setup},
	{"alloc", allocate},
	{"free", release},
	{"freeat", release_at},
	{"freeaddress", release_address},
	{"pages", take_pages},
	{"poke", poke},
	{"dump", dump},
	{"threads", threads},
	{},
};
