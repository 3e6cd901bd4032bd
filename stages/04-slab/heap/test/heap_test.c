/*
 * Host tests of the byte allocator, on the page layer's own code.
 */
#include "heap/heap.h"
#include "heap/test/host_heap.h"
#include "lib/percpu.h"

static int start(void **state)
{
	host_heap(PAGES);
	return 0;
}

static int stop(void **state)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		assert_false(spin_is_locked(&heap_classes[i].lock));
	assert_int_equal(mm_check(), 0);
	return 0;
}

static u64 low_bits(const void *p)
{
	return (u64)p & PAGE_MASK;
}

/* Objects of alloc(@n) that come out of one fresh page. */
static uint objects_per_page(uint n)
{
	u64 page = ALIGN_DOWN((u64)alloc(n), PAGE_SIZE);
	uint count = 0;

	do
		count++;
	while (ALIGN_DOWN((u64)alloc(n), PAGE_SIZE) == page);
	return count;
}

static void each_class_has_the_slots_that_its_header_leaves(void **state)
{
	assert_int_equal(objects_per_page(16), 252);
	assert_int_equal(objects_per_page(32), 126);
	assert_int_equal(objects_per_page(64), 63);
	assert_int_equal(objects_per_page(128), 31);
	assert_int_equal(objects_per_page(256), 15);
	assert_int_equal(objects_per_page(512), 7);
	assert_int_equal(objects_per_page(1024), 3);
}

/* The size of what alloc(@n) took: of its class, or of its pages. */
static uint size_taken(uint n)
{
	struct heap_stats before[HEAP_CLASSES], after[HEAP_CLASSES];
	uint pages = num_of_available_pages(), size = 0;
	void *p;

	get_heap_stats(before);
	p = alloc(n);
	assert_non_null(p);
	get_heap_stats(after);
	for (uint i = 0; i < HEAP_CLASSES; i++)
		size += (after[i].used - before[i].used) * after[i].size;
	if (!size)
		size = (pages - num_of_available_pages()) * PAGE_SIZE;
	free(p);
	return size;
}

static void sizes_round_up_to_a_class_or_to_whole_pages(void **state)
{
	static const struct {
		uint n, size;
	} cases[] = {
		{0, 16},      {1, 16},      {16, 16},      {17, 32},
		{32, 32},     {33, 64},     {64, 64},      {65, 128},
		{128, 128},   {129, 256},   {256, 256},    {257, 512},
		{512, 512},   {513, 1024},  {1024, 1024},  {1025, 4096},
		{4096, 4096}, {4097, 8192}, {9000, 12288},
	};

	for (uint i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(size_taken(cases[i].n), cases[i].size);
}

static void an_object_is_aligned_to_the_next_power_of_two(void **state)
{
	for (uint n = 1; n <= 20000; n += n < 1100 ? 1 : 997) {
		u64 align = n <= 16 ? 16 : 1UL << (32 - __builtin_clz(n - 1));

		void *p[3];

		for (uint i = 0; i < 3; i++) {
			p[i] = alloc(n);
			assert_non_null(p[i]);
			assert_int_equal((u64)p[i] % align, 0);
		}
		for (uint i = 0; i < 3; i++)
			free(p[i]);
	}
}

static void only_whole_pages_have_low_bits_of_zero(void **state)
{
	for (uint n = 1; n <= 1100; n++) {
		void *p = alloc(n);

		assert_int_equal(low_bits(p) == 0, n > 1024);
		free(p);
	}
}

static void alloc2_tells_the_physical_address(void **state)
{
	static const uint sizes[] = {1, 100, 1024, 1025, 10000};

	for (uint i = 0; i < ARRAY_SIZE(sizes); i++) {
		phys_t phys;
		char *p = alloc2(sizes[i], &phys);

		assert_int_equal(phys.v, HOST_PHYS + (p - vmm_pool.virt));
	}
}

static void a_freed_slot_is_used_before_a_new_page(void **state)
{
	void *p[252];

	for (uint i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = alloc(16);
	assert_int_equal(num_of_available_pages(), FREE - 1);
	free(p[100]);
	assert_ptr_equal(alloc(16), p[100]);
	assert_int_equal(num_of_available_pages(), FREE - 1);
	alloc(16);
	assert_int_equal(num_of_available_pages(), FREE - 2);
}

static void one_empty_page_is_kept_for_each_class_and_others_go_back(
	void **state)
{
	void *p[12]; /* four pages of three */

	for (uint i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = alloc(1024);
	assert_int_equal(num_of_available_pages(), FREE - 4);
	for (uint i = 0; i < ARRAY_SIZE(p); i++) {
		free(p[i]);
		assert_int_equal(mm_check(), 0);
		/* The first page to get empty stays, the others go. */
		assert_int_equal(num_of_available_pages(),
				 FREE - 4 + (i < 5 ? 0 : (i - 2) / 3));
	}
	assert_int_equal(num_of_available_pages(), FREE - 1);
	alloc(1024);
	assert_int_equal(num_of_available_pages(), FREE - 1);
}

static void one_object_that_comes_and_goes_takes_no_page_each_time(void **state)
{
	u32 first = ~0U;

	for (uint i = 0; i < 10; i++) {
		void *p = alloc(64);

		first = i ? first : num_of_available_pages();
		assert_int_equal(num_of_available_pages(), first);
		free(p);
		assert_int_equal(num_of_available_pages(), first);
	}
}

/* What another CPU does while ours, without its lock, gets a page. */
static void (*other_cpu)(void);

int __real_alloc_page(void **virt, phys_t *phys);
int __wrap_alloc_page(void **virt, phys_t *phys);

int __wrap_alloc_page(void **virt, phys_t *phys)
{
	void (*work)(void) = other_cpu;

	other_cpu = NULL;
	if (work)
		work();
	return __real_alloc_page(virt, phys);
}

static void allocate_one(void)
{
	assert_non_null(alloc(64));
}

static void *given_back;

static void take_all_pages_and_free_one_object(void)
{
	while (__real_alloc_page(NULL, NULL) == 0)
		;
	free(given_back);
}

static void two_cpus_that_need_a_page_at_once_keep_one(void **state)
{
	other_cpu = allocate_one;
	assert_non_null(alloc(64));
	assert_null(other_cpu);
	assert_int_equal(num_of_available_pages(), FREE - 1);
	assert_int_equal(mm_check(), 0);
}

static void without_a_page_what_another_cpu_frees_meanwhile_will_do(
	void **state)
{
	for (uint i = 0; i < 63; i++)
		given_back = alloc(64);
	other_cpu = take_all_pages_and_free_one_object;
	assert_ptr_equal(alloc(64), given_back);
	assert_null(alloc(64));
}

static void whole_pages_go_back_at_once(void **state)
{
	void *p = alloc(5000);

	assert_int_equal(num_of_available_pages(), FREE - 2);
	free(p);
	assert_int_equal(num_of_available_pages(), FREE);
}

static void free_of_null_does_nothing(void **state)
{
	free(NULL);
}

static void out_of_memory_is_null_and_memory_that_comes_back_is_used(
	void **state)
{
	void *p, *last = NULL;
	uint count = 0;
	phys_t phys;

	while ((p = alloc(1024))) {
		last = p;
		count++;
	}
	assert_int_equal(count, FREE * 3);
	assert_int_equal(num_of_available_pages(), 0);
	assert_null(alloc(16));
	assert_null(alloc(1025));
	assert_null(alloc2(1024, &phys));
	assert_int_equal(mm_check(), 0);
	free(last);
	assert_ptr_equal(alloc(1000), last);
	assert_null(alloc(1000));
}

static void absurd_sizes_are_null(void **state)
{
	assert_null(alloc(MAX_ALLOC_PAGES * PAGE_SIZE + 1));
	assert_null(alloc(UINT32_MAX));
	assert_null(realloc(NULL, UINT32_MAX));
	assert_int_equal(num_of_available_pages(), FREE);
}

static void realloc_of_null_allocates_and_to_zero_frees(void **state)
{
	void *p = realloc(NULL, 100);

	assert_non_null(p);
	assert_int_equal((u64)p % 128, 0);
	assert_null(realloc(p, 0));
	assert_panics(free(p), "already free");
}

static void realloc_keeps_the_address_while_the_object_fits(void **state)
{
	void *p = alloc(300);

	assert_ptr_equal(realloc(p, 512), p);
	assert_ptr_equal(realloc(p, 1), p);
	assert_ptr_not_equal(realloc(p, 513), p);
}

static void realloc_carries_the_bytes_over(void **state)
{
	u8 *p = alloc(1);
	uint size = 1;

	p[0] = 1;
	for (uint n = 2; n < 30000; n = n * 3 / 2) {
		p = realloc(p, n);
		for (uint i = 0; i < size; i++)
			assert_int_equal(p[i], (u8)(i * 7 + 1));
		for (uint i = size; i < n; i++)
			p[i] = i * 7 + 1;
		size = n;
	}
	for (uint n = size; n > 1; n = n * 2 / 3) {
		p = realloc(p, n);
		for (uint i = 0; i < n; i++)
			assert_int_equal(p[i], (u8)(i * 7 + 1));
	}
	free(p);
}

static void realloc_gives_back_the_pages_that_are_too_many(void **state)
{
	void *p = alloc(10 * PAGE_SIZE);

	assert_ptr_equal(realloc(p, 3 * PAGE_SIZE), p);
	assert_int_equal(num_of_available_pages(), FREE - 3);
	assert_ptr_equal(realloc(p, 1025), p);
	assert_int_equal(num_of_available_pages(), FREE - 1);
	p = realloc(p, 1024);
	assert_int_not_equal(low_bits(p), 0);
	assert_int_equal(num_of_available_pages(), FREE - 1);
}

static void realloc_without_memory_leaves_the_object_as_it_was(void **state)
{
	char *small = alloc(16), *large = alloc(8 * PAGE_SIZE);

	strcpy(small, "small");
	strcpy(large, "large");
	while (alloc_page(NULL, NULL) == 0)
		;
	assert_null(realloc(small, 17));
	assert_string_equal(small, "small");
	assert_null(realloc(large, 8 * PAGE_SIZE + 1));
	assert_string_equal(large, "large");
	/* Smaller never fails, even when there is no object to be had. */
	while (alloc(16))
		;
	large = realloc(large, 16);
	assert_string_equal(large, "large");
	free(small);
	free(large);
}

static void freeing_twice_panics_by_name(void **state)
{
	void *p = alloc(64), *q = alloc(64), *pages = alloc(9000);

	free(p);
	assert_panics(free(p), "free(0x");
	assert_panics(free(p), "): already free");
	free(q);
	assert_panics(free(q), "): already free");
	free(pages);
	assert_panics(free(pages), "): already free");
}

static void freeing_twice_is_named_even_when_the_page_has_gone_back(
	void **state)
{
	void *p[6];

	for (uint i = 0; i < 6; i++)
		p[i] = alloc(1024);
	for (uint i = 0; i < 6; i++)
		free(p[i]); /* the second page goes back */
	assert_panics(free(p[0]), "already free");
	assert_panics(free(p[5]), "already free");
}

static void a_page_that_has_gone_back_is_no_page_of_the_heap(void **state)
{
	void *p[6], *page;

	for (uint i = 0; i < 6; i++)
		p[i] = alloc(1024);
	for (uint i = 0; i < 6; i++)
		free(p[i]); /* the second page goes back */
	do /* until somebody else has it, with all that is still in it */
		assert_int_equal(alloc_page(&page, NULL), 0);
	while (page != slab_of(p[5]));
	assert_int_equal(mm_check(), 0);
	assert_panics(free(p[5]), "inside a block, not its start");
	free(page);
}

static void freeing_what_is_no_object_panics_by_name(void **state)
{
	char *p = alloc(64), *pages = alloc(9000), local[64];
	char *slab = (char *)ALIGN_DOWN((u64)p, PAGE_SIZE);
	char *page;

	assert_int_equal(alloc_page((void **)&page, NULL), 0);
	assert_panics(free(p + 16), "inside an object, not its start");
	assert_panics(free(p + 1), "inside an object, not its start");
	assert_panics(free(slab + 8), "inside an object");
	assert_panics(free(slab + PAGE_SIZE - 64), "already free");
	assert_panics(free(page + 64), "inside a block, not its start");
	assert_panics(free(pages + 64), "inside a block, not its start");
	assert_panics(free(pages + PAGE_SIZE), "inside a block");
	assert_panics(free(local + 1), "not page memory");
	assert_panics(free((void *)1), "not page memory");
	assert_panics(free((void *)PAGE_SIZE), "not page memory");
	assert_panics(realloc(p + 16, 1), "realloc(0x");
	assert_panics(realloc(pages + PAGE_SIZE, 1), "inside a block");
	assert_int_equal(heap_objects(), 1);
}

static void the_header_of_a_page_cannot_be_freed(void **state)
{
	char *p = alloc(16);
	char *slab = (char *)ALIGN_DOWN((u64)p, PAGE_SIZE);

	assert_int_equal(p - slab, 64);
	assert_panics(free(slab + 16), "in the header of the page");
	assert_panics(free(slab + 48), "in the header of the page");
	assert_panics(free(slab), "in the header of the page");
	assert_panics(realloc(slab, 5000), "in the header of the page");
}

static void a_copy_of_a_heap_page_is_no_heap_page(void **state)
{
	char *p = alloc(16), *copy = alloc(PAGE_SIZE);

	memcpy(copy, (void *)ALIGN_DOWN((u64)p, PAGE_SIZE), PAGE_SIZE);
	assert_panics(free(copy + low_bits(p)),
		      "inside a block, not its start");
}

static void an_overwritten_header_is_noticed_by_alloc_and_free(void **state)
{
	char *p = alloc(1024);
	struct slab *slab = (struct slab *)ALIGN_DOWN((u64)p, PAGE_SIZE);
	struct slab good = *slab;

	slab->bitmap[0] = 0;
	assert_panics(alloc(1024), "is overwritten");
	*slab = good;
	slab->cls++;
	assert_panics(free(p), "the header of its page is overwritten");
	*slab = good;
	memset(slab, 0xff, sizeof(*slab));
	assert_panics(free(p), "the header of its page is overwritten");
	*slab = good;
}

static void a_page_of_the_heap_cannot_be_freed_as_a_page(void **state)
{
	char *p = alloc(16), *slab = (char *)slab_of(p);

	assert_panics(free_page(slab), "in use by its owner");
	assert_panics(shrink_pages(slab, 1), "in use by its owner");
	assert_panics(free_page_phys(page_phys(slab)), "in use by its owner");
	free(p);
}

/*
 * Leave in every free page what @cls had there in a life before this one: RAM
 * survives a reset. Each header is right for its place, to the last bit.
 */
static void leave_former_life(const struct heap_class *cls)
{
	void *taken = NULL, *p;

	while (!alloc_page(&p, NULL)) {
		struct slab *slab = p;

		memset(p, 0xff, PAGE_SIZE);
		*slab = (struct slab){.cls = (void *)cls};
		for (uint w = 0; w < cls->words; w++)
			slab->bitmap[w] = ~0UL;
		*(void **)&slab[1] = taken;
		taken = p;
	}
	while ((p = taken)) {
		taken = *(void **)((struct slab *)p + 1);
		free_page(p);
	}
}

static void what_a_former_life_left_in_a_page_is_not_believed(void **state)
{
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		uint n = HEAP_MIN << i;
		char *volatile page, *pages, *small;

		leave_former_life(&heap_classes[i]);
		page = alloc(PAGE_SIZE);
		pages = alloc(3 * PAGE_SIZE);
		small = alloc(n - n / 4);
		assert_int_equal(low_bits(page), 0);
		assert_panics(free(page + n), "inside a block, not its start");
		assert_panics(realloc(page + n, n), "inside a block");
		assert_panics(free(pages + PAGE_SIZE), "inside a block");
		assert_int_equal(mm_check(), 0);
		assert_int_equal(heap_objects(), 1);
		page = realloc(page, 2 * PAGE_SIZE);
		assert_non_null(page);
		free(page);
		assert_panics(free(page), "already free");
		free(pages);
		free(small);
		assert_int_equal(mm_check(), 0);
	}
}

/* A page of the list whose word is @word; 0 is the right one. */
static void assert_bad_word(struct slab *slab, u16 word, const char *why)
{
	slab->word = word;
	host_printed[0] = '\0';
	assert_int_not_equal(mm_check(), 0);
	assert_non_null(strstr(host_printed, why));
	assert_panics(for (;;) alloc(16), "is overwritten");
	slab->word = 0;
}

static void a_word_without_a_free_slot_is_noticed(void **state)
{
	static const u16 words[] = {1, 4, UINT16_MAX};

	for (uint i = 0; i < ARRAY_SIZE(words); i++) {
		uint pages = heap_classes[0].pages;
		char *p = alloc(16);

		while (heap_classes[0].pages < pages + 2)
			alloc(16);
		free(p); /* the third page is current, with room */
		assert_int_equal(slab_of(p)->word, 0);
		assert_bad_word(slab_of(p), words[i],
				words[i] < 4 ? "its word has no free slot"
					     : "there is no such word");
		while (heap_classes[0].pages < pages + 3)
			alloc(16);
	}
}

static uint flips;

/* Flip each bit of the @size bytes at @field; mm_check() must notice each. */
static void corrupt(void *field, size_t size, const char *name)
{
	u8 *bytes = field;

	for (uint bit = 0; bit < size * 8; bit++, flips++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		if (mm_check() == 0)
			fail_msg("bit %u of %s is flipped unnoticed", bit,
				 name);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(mm_check(), 0);
}

static void corrupt_slab(struct slab *slab)
{
	u64 i = ((u64)slab - (u64)vmm_pool.virt) / PAGE_SIZE;

	corrupt(&vmm_pool.page[i].type, 4, "type");
	corrupt(&slab->cls, 8, "class");
	corrupt(&slab->used, 4, "used");
	corrupt(slab->bitmap, class_of(slab)->words * 8, "bitmap");
	if (slab->link.next)
		corrupt(&slab->link, 16, "link");
}

static void the_checker_notices_each_bit_that_is_flipped(void **state)
{
	for (uint n = 16; n <= 1024; n *= 2) {
		struct heap_class *cls = &heap_classes[__builtin_ctz(n) - 4];
		void *p[3] = {NULL};

		p[0] = alloc(n);         /* a page that will be on the list */
		while (cls->pages < 3) { /* one full, one current */
			p[1] = p[2];
			p[2] = alloc(n);
		}
		free(p[0]);
		corrupt_slab(slab_of(p[0]));
		corrupt_slab(slab_of(p[1]));
		corrupt_slab(slab_of(p[2]));
		corrupt(&cls->pages, 4, "pages");
		corrupt(&cls->current, 8, "current");
		corrupt(&cls->partial, 16, "partial");
	}
	print_message("%u flipped bits, all noticed\n", flips);
}

/*
 * A second field that goes wrong with the first can hide it from the sums. So
 * here both are changed, and mm_check() must say @why all the same.
 */
static void assert_slab_is_wrong(struct slab *slab, u64 bits, uint used,
				 const char *why)
{
	struct slab good = *slab;

	slab->bitmap[0] = bits;
	slab->used = used;
	host_printed[0] = '\0';
	assert_int_not_equal(mm_check(), 0);
	assert_non_null(strstr(host_printed, why));
	*slab = good;
	assert_int_equal(mm_check(), 0);
}

static void a_slot_where_no_object_can_be_is_never_free(void **state)
{
	for (uint n = HEAP_MIN; n <= HEAP_MAX; n *= 2) {
		struct slab *slab = slab_of(alloc(n));
		uint slots = PAGE_SIZE / n, first = class_of(slab)->first;
		u64 bits = slab->bitmap[0];

		for (uint i = 0; i < first; i++)
			assert_slab_is_wrong(slab, bits | BIT(i), 0,
					     "slot of the header is free");
		for (uint i = slots; i < 64; i++)
			assert_slab_is_wrong(
				slab, bits | BIT(i), 0,
				"slot past the end of the page is free");
	}
}

static void a_page_on_the_list_is_never_empty(void **state)
{
	struct slab *slab;
	void *p[7]; /* two pages of three, and a third that is current */

	for (uint i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = alloc(1024);
	free(p[0]);
	slab = slab_of(p[0]);
	assert_non_null(slab->link.next);
	assert_slab_is_wrong(slab, 0xe, 0,
			     "empty page that is not the current one");
}

static void the_current_page_of_a_class_is_of_that_class(void **state)
{
	struct heap_class *cls = &heap_classes[0];
	struct slab *none = cls->current;

	cls->current = slab_of(alloc(64)); /* of class 2, whose it is too */
	host_printed[0] = '\0';
	assert_int_not_equal(mm_check(), 0);
	assert_non_null(
		strstr(host_printed, "current page is none of the class"));
	cls->current = none;
}

static void force_unlock_opens_the_locks_of_the_heap(void **state)
{
	for (uint i = 0; i < HEAP_CLASSES; i++)
		spin_lock(&heap_classes[i].lock);
	spin_lock(&vmm_pool.lock);
	mm_force_unlock();
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		assert_false(spin_is_locked(&heap_classes[i].lock));
		assert_non_null(alloc(HEAP_MIN << i));
	}
	assert_non_null(alloc(5000));
}

static void after_a_panic_every_object_is_for_the_cpu_that_panicked(
	void **state)
{
	void *before = alloc(64), *p;

	assert_non_null(alloc(16)); /* both pages have free slots */
	while (alloc_page(NULL, NULL) == 0)
		;
	*this_cpu(cpu_number) = 3;
	mm_free_panicmem();
	p = alloc(512); /* from the reserve */
	assert_non_null(p);
	assert_non_null(alloc(16));
	assert_non_null(alloc(0));
	assert_non_null(alloc(5000));
	*this_cpu(cpu_number) = 0;
	for (uint n = 0; n <= 2048; n = n * 2 + 16)
		assert_null(alloc(n));
	assert_ptr_equal(realloc(before, 60), before);
	free(before);
	*this_cpu(cpu_number) = 3;
	free(p);
	assert_ptr_equal(alloc(64), before);
	*this_cpu(cpu_number) = 0;
}

static void a_changed_class_is_noticed(void **state)
{
	for (uint i = 0; i < HEAP_CLASSES; i++) {
		struct heap_class *cls = &heap_classes[i];

		corrupt(&cls->shift, 4, "shift");
		corrupt(&cls->mask, 4, "mask");
		corrupt(&cls->first, 4, "first");
		corrupt(&cls->objects, 4, "objects");
		corrupt(&cls->words, 4, "words");
	}
	corrupt(size_class, sizeof(size_class), "size_class");
}

/*
 * A random walk beside a simple model: each live object is filled with a byte
 * of its own, so any two that overlap, and any write into one, are noticed.
 */
struct object {
	u8 *p;
	uint n;
	u8 fill;
};

static void assert_filled(const struct object *o, uint n)
{
	for (uint i = 0; i < n; i++)
		if (o->p[i] != o->fill)
			fail_msg("byte %u of object of %u changed", i, o->n);
}

static uint random_size(void)
{
	switch (host_random(8)) {
	case 0:
		return host_random(20000);
	case 1:
		return 1000 + host_random(50);
	default:
		return host_random(1UL << (1 + host_random(10))) + 1;
	}
}

static bool step_alloc(struct object *o)
{
	o->n = random_size();
	o->p = alloc(o->n);
	o->fill = host_random(256);
	if (o->p)
		memset(o->p, o->fill, o->n);
	return o->p;
}

static void step_realloc(struct object *o)
{
	uint n = random_size() + 1;
	void *p = realloc(o->p, n);

	if (!p) {
		assert_true(n > o->n);
		assert_filled(o, o->n);
		return;
	}
	o->p = p;
	assert_filled(o, MIN(n, o->n));
	o->n = n;
	memset(p, o->fill, n);
}

static void a_random_walk_never_damages_an_object(void **state)
{
	static struct object live[4000];
	u32 count = 0;

	for (u64 i = host_operations(100000); i; i--) {
		u32 k = count ? host_random(count) : 0;
		bool grow = host_random(8) < (i / 8000 % 2 ? 6 : 3);

		if (grow && count < ARRAY_SIZE(live)) {
			count += step_alloc(&live[count]);
		} else if (count && host_random(6) == 0) {
			step_realloc(&live[k]);
		} else if (count) {
			assert_filled(&live[k], live[k].n);
			free(live[k].p);
			live[k] = live[--count];
		}
		if (i % 64 == 0)
			assert_int_equal(mm_check(), 0);
	}
	while (count--) {
		assert_filled(&live[count], live[count].n);
		free(live[count].p);
	}
	assert_all_free(FREE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_class_has_the_slots_that_its_header_leaves),
		TEST(sizes_round_up_to_a_class_or_to_whole_pages),
		TEST(an_object_is_aligned_to_the_next_power_of_two),
		TEST(only_whole_pages_have_low_bits_of_zero),
		TEST(alloc2_tells_the_physical_address),
		TEST(a_freed_slot_is_used_before_a_new_page),
		TEST(one_empty_page_is_kept_for_each_class_and_others_go_back),
		TEST(one_object_that_comes_and_goes_takes_no_page_each_time),
		TEST(two_cpus_that_need_a_page_at_once_keep_one),
		TEST(without_a_page_what_another_cpu_frees_meanwhile_will_do),
		TEST(whole_pages_go_back_at_once),
		TEST(free_of_null_does_nothing),
		TEST(out_of_memory_is_null_and_memory_that_comes_back_is_used),
		TEST(absurd_sizes_are_null),
		TEST(realloc_of_null_allocates_and_to_zero_frees),
		TEST(realloc_keeps_the_address_while_the_object_fits),
		TEST(realloc_carries_the_bytes_over),
		TEST(realloc_gives_back_the_pages_that_are_too_many),
		TEST(realloc_without_memory_leaves_the_object_as_it_was),
		TEST(freeing_twice_panics_by_name),
		TEST(freeing_twice_is_named_even_when_the_page_has_gone_back),
		TEST(a_page_that_has_gone_back_is_no_page_of_the_heap),
		TEST(freeing_what_is_no_object_panics_by_name),
		TEST(the_header_of_a_page_cannot_be_freed),
		TEST(a_copy_of_a_heap_page_is_no_heap_page),
		TEST(an_overwritten_header_is_noticed_by_alloc_and_free),
		TEST(a_page_of_the_heap_cannot_be_freed_as_a_page),
		TEST(what_a_former_life_left_in_a_page_is_not_believed),
		TEST(a_word_without_a_free_slot_is_noticed),
		TEST(the_checker_notices_each_bit_that_is_flipped),
		TEST(a_slot_where_no_object_can_be_is_never_free),
		TEST(a_page_on_the_list_is_never_empty),
		TEST(the_current_page_of_a_class_is_of_that_class),
		TEST(force_unlock_opens_the_locks_of_the_heap),
		TEST(after_a_panic_every_object_is_for_the_cpu_that_panicked),
		TEST(a_changed_class_is_noticed),
		TEST(a_random_walk_never_damages_an_object),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
