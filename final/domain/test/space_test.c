/*
 * A domain's address space on the host: what its page tables allow, entry by
 * entry, and that Vellum's own reads and writes there ask them.
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "domain/space.h"
#include "host.h"
#include "lib/errno.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/paging.h"

#define ARENA      64
#define ARENA_PHYS 0x37c00000UL

struct boot_info boot_info = {.vmm_size = 3 * GIB};

/* Our range: pages are given out in order, and counted when they are freed. */
static char arena[ARENA][PAGE_SIZE] __aligned(4096);
static uint given, freed, left;

int alloc_pages(void **virt, phys_t *phys, int n)
{
	if ((uint)n > left)
		return -ENOMEM;
	memset(arena[given], 0xaa, n * PAGE_SIZE); /* another's, before */
	*virt = arena[given];
	if (phys)
		*phys = PHYS(ARENA_PHYS + given * PAGE_SIZE);
	given += n;
	left -= n;
	return 0;
}

void free_page(void *virt)
{
	freed++;
}

phys_t virt_to_phys(const void *virt)
{
	return PHYS(ARENA_PHYS + ((char *)virt - arena[0]));
}

void *vmm_phys_to_virt(phys_t phys)
{
	assert_in_range(phys.v, ARENA_PHYS, ARENA_PHYS + sizeof(arena) - 1);
	return arena[0] + (phys.v - ARENA_PHYS);
}

bool in_vmm_range(phys_t phys, u64 size)
{
	return phys.v >= ARENA_PHYS &&
	       phys.v + size <= ARENA_PHYS + sizeof(arena);
}

int table_alloc(phys_t *phys)
{
	fail_msg("a look-up made a table");
	return -ENOMEM;
}

/* The first pages: Vellum's two upper tables, then an image. */
enum {
	TOP,
	LOW,
	IMAGE,
	IMAGE_PAGES = 4,
	FIRST_FREE = IMAGE + IMAGE_PAGES
};

#define DATA_SIZE 100

static const struct program program = {
	.name = "test",
	.image = arena[IMAGE],
	.text_end = PROGRAM_BASE + 2 * PAGE_SIZE,
	.rodata_end = PROGRAM_BASE + 3 * PAGE_SIZE,
	.data_end = PROGRAM_BASE + 3 * PAGE_SIZE + DATA_SIZE,
	.end = PROGRAM_BASE + 5 * PAGE_SIZE - 8,
};

#define TEXT   PROGRAM_BASE
#define RODATA (PROGRAM_BASE + 2 * PAGE_SIZE)
#define DATA   (PROGRAM_BASE + 3 * PAGE_SIZE)
#define END    (PROGRAM_BASE + 5 * PAGE_SIZE)
#define STACK  (PROGRAM_STACK_TOP - PROGRAM_STACK)

static struct space space;

phys_t paging_root(void)
{
	return PHYS(ARENA_PHYS + TOP * PAGE_SIZE);
}

static int set_up(void **state)
{
	u64 *top = (u64 *)arena[TOP], *low = (u64 *)arena[LOW];

	given = FIRST_FREE;
	left = ARENA - given;
	freed = 0;
	for (uint i = 0; i < IMAGE_PAGES; i++)
		memset(arena[IMAGE + i], 'a' + i, PAGE_SIZE);
	memset(top, 0, PAGE_SIZE);
	memset(low, 0, PAGE_SIZE);
	top[0] = (ARENA_PHYS + LOW * PAGE_SIZE) | PTE_P | PTE_W;
	for (uint i = 256; i < PT_ENTRIES; i += 3)
		top[i] = i * PAGE_SIZE | PTE_P | PTE_W;
	for (uint i = 1; i <= 3; i++)
		low[i] = (0x100 + i) * PAGE_SIZE | PTE_P | PTE_W;
	assert_int_equal(space_create(&space, &program), 0);
	return 0;
}

static u64 lookup(u64 virt)
{
	struct pagetable pt = {.root = space.root, .levels = 4};

	return pt_lookup(&pt, virt, NULL);
}

static u64 rights(u64 virt)
{
	return lookup(virt) & (PTE_P | PTE_W | PTE_U | PTE_NX);
}

static void each_part_has_its_rights_and_no_more(void **state)
{
	for (u64 virt = 0; virt < VMM_VIRT; virt += PAGE_SIZE) {
		u64 want = 0;

		if (virt >= TEXT && virt < RODATA)
			want = PTE_P | PTE_U;
		else if (virt >= RODATA && virt < DATA)
			want = PTE_P | PTE_U | PTE_NX;
		else if ((virt >= DATA && virt < END) ||
			 (virt >= STACK && virt < PROGRAM_STACK_TOP))
			want = PTE_P | PTE_U | PTE_NX | PTE_W;
		if (rights(virt) != want)
			fail_msg("0x%lx: 0x%lx", virt, rights(virt));
	}
}

static void text_and_rodata_are_the_images_own_pages(void **state)
{
	for (uint i = 0; i < 3; i++)
		assert_int_equal(lookup(TEXT + i * PAGE_SIZE) & PTE_ADDRESS,
				 virt_to_phys(arena[IMAGE + i]).v);
	assert_int_not_equal(lookup(DATA) & PTE_ADDRESS,
			     virt_to_phys(arena[IMAGE + 3]).v);
}

static void data_is_a_copy_and_the_rest_is_zero(void **state)
{
	char data[2 * PAGE_SIZE], stack[PROGRAM_STACK];

	assert_int_equal(space_read(&space, DATA, data, sizeof(data)), 0);
	for (uint i = 0; i < sizeof(data); i++)
		assert_int_equal(data[i], i < DATA_SIZE ? 'd' : 0);
	assert_int_equal(space_read(&space, STACK, stack, sizeof(stack)), 0);
	for (uint i = 0; i < sizeof(stack); i++)
		assert_int_equal(stack[i], 0);
}

static void what_is_vellums_is_there_without_the_u_bit(void **state)
{
	const u64 *top = space.tables, *low = top + PT_ENTRIES;
	const u64 *theirs = (u64 *)arena[TOP], *their_low = (u64 *)arena[LOW];

	space_refresh(&space);
	for (uint i = 1; i < PT_ENTRIES; i++) {
		assert_int_equal(top[i], theirs[i]);
		assert_int_equal(low[i], their_low[i]);
		assert_false((top[i] | low[i]) & PTE_U);
	}
	assert_int_not_equal(top[0], theirs[0]);
}

static void what_vellum_maps_later_comes_with_the_next_entry(void **state)
{
	u64 *theirs = (u64 *)arena[TOP];

	space_refresh(&space);
	theirs[400] = 0x1234000 | PTE_P;
	theirs[256] = 0;
	space_refresh(&space);
	assert_int_equal(space.tables[400], 0x1234000 | PTE_P);
	assert_int_equal(space.tables[256], 0);
}

static void what_is_written_is_read_again_across_pages(void **state)
{
	char text[3000], back[3000];

	for (uint i = 0; i < sizeof(text); i++)
		text[i] = i * 7;
	assert_int_equal(space_write(&space, DATA + 2000, text, 3000), 0);
	assert_int_equal(space_read(&space, DATA + 2000, back, 3000), 0);
	assert_memory_equal(text, back, 3000);
	assert_int_equal(space_read(&space, RODATA - 10, back, 20), 0);
	assert_memory_equal(back, "bbbbbbbbbbcccccccccc", 20);
}

/* Addresses that a program might name, and what may be done there. */
static void only_what_the_program_may_do_itself_is_done(void **state)
{
	static const struct {
		u64 address;
		size_t size;
		bool read, write;
	} row[] = {
		{0, 1, false, false},
		{TEXT - 1, 1, false, false},
		{TEXT - 1, 2, false, false},
		{TEXT, 3 * PAGE_SIZE, true, false},
		{DATA - 1, 2, true, false},
		{DATA, 2 * PAGE_SIZE, true, true},
		{END - 1, 1, true, true},
		{END - 1, 2, false, false},
		{STACK - 1, 1, false, false},
		{STACK, PROGRAM_STACK, true, true},
		{PROGRAM_STACK_TOP - 1, 2, false, false},
		{PROGRAM_WINDOW, 1, false, false},
		{VMM_VIRT - 1, 1, false, false},
		{VMM_VIRT, 1, false, false},
		{DIRECT_VIRT, 8, false, false},
		{DEVICE_VIRT, 8, false, false},
		{0x0000800000000000, 8, false, false}, /* not canonical */
		{BIT(48) + DATA, 8, false, false},     /* nor is this */
		{~0UL, 1, false, false},
		{~0UL - 3, 16, false, false},
		{0, 0, true, true}, /* nothing is touched */
	};
	static char bytes[3 * PAGE_SIZE];

	space_refresh(&space);
	for (uint i = 0; i < ARRAY_SIZE(row); i++) {
		int read =
			space_read(&space, row[i].address, bytes, row[i].size);
		int write =
			space_write(&space, row[i].address, bytes, row[i].size);

		if (read != (row[i].read ? 0 : -EFAULT) ||
		    write != (row[i].write ? 0 : -EFAULT))
			fail_msg("row %u: 0x%lx: %d %d", i, row[i].address,
				 read, write);
	}
}

static void a_length_beyond_all_memory_ends_at_the_first_hole(void **state)
{
	static char bytes[3 * PAGE_SIZE];

	/* 2 pages of data can be read, then nothing is there. */
	assert_int_equal(space_read(&space, DATA, bytes, ~0UL), -EFAULT);
	assert_int_equal(space_write(&space, DATA, bytes, ~0UL), -EFAULT);
}

static void the_window_shows_a_page_as_long_as_it_is_mapped(void **state)
{
	phys_t phys = PHYS(ARENA_PHYS + (ARENA - 1) * PAGE_SIZE);
	char byte = 'x';

	space_map(&space, PROGRAM_WINDOW, phys, false);
	assert_int_equal(rights(PROGRAM_WINDOW), PTE_P | PTE_U | PTE_NX);
	assert_int_equal(space_write(&space, PROGRAM_WINDOW, &byte, 1),
			 -EFAULT);
	space_map(&space, PROGRAM_WINDOW, phys, true);
	assert_int_equal(space_write(&space, PROGRAM_WINDOW, &byte, 1), 0);
	assert_int_equal(arena[ARENA - 1][0], 'x');
	space_unmap(&space, PROGRAM_WINDOW);
	assert_int_equal(rights(PROGRAM_WINDOW), 0);
	assert_panics(space_map(&space, DATA, phys, true), "in_window");
	assert_panics(
		space_map(&space, PROGRAM_WINDOW + 4 * PAGE_SIZE, phys, true),
		"in_window");
	assert_panics(space_map(&space, PROGRAM_WINDOW, PHYS(PAGE_SIZE), true),
		      "in_vmm_range");
}

static void without_memory_nothing_is_kept(void **state)
{
	struct space s;

	for (uint pages = 0; pages < 8; pages++) {
		freed = 0;
		given = FIRST_FREE;
		left = pages;
		assert_int_equal(space_create(&s, &program), -ENOMEM);
		assert_int_equal(freed, pages >= SPACE_TABLES);
	}
	given = FIRST_FREE;
	left = 8;
	assert_int_equal(space_create(&s, &program), 0);
}

static void a_space_is_freed_once(void **state)
{
	space_free(&space);
	assert_int_equal(freed, 2);
	space_free(&space);
	assert_int_equal(freed, 2);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_part_has_its_rights_and_no_more),
		TEST(text_and_rodata_are_the_images_own_pages),
		TEST(data_is_a_copy_and_the_rest_is_zero),
		TEST(what_is_vellums_is_there_without_the_u_bit),
		TEST(what_vellum_maps_later_comes_with_the_next_entry),
		TEST(what_is_written_is_read_again_across_pages),
		TEST(only_what_the_program_may_do_itself_is_done),
		TEST(a_length_beyond_all_memory_ends_at_the_first_hole),
		TEST(the_window_shows_a_page_as_long_as_it_is_mapped),
		TEST(without_memory_nothing_is_kept),
		TEST(a_space_is_freed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
