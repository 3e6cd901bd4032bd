/*
 * A backtrace without frame pointers: what is found on a stack, and what not
 * taken for it. Three functions call each other; guard pages are memory that
 * really can't be touched.
 */
#include <sys/mman.h>

#undef CONFIG_BACKTRACE
#define CONFIG_BACKTRACE 0
#include "console/backtrace.c"
#include "host.h"

struct boot_info boot_info = {.vmm_size = 1UL << 62};

#define FUNCTION 0x40 /* bytes of each */

char text_start[3 * FUNCTION];
char stack_bottom[STACK_SIZE] __aligned(4096);
const struct symbol symbols_start[1];
asm(".globl text_end, stack_top, symbols_end\n"
    ".set text_end, text_start + 3 * 0x40\n"
    ".set stack_top, stack_bottom + 0x4000\n"
    ".set symbols_end, symbols_start");

#define PAGES 8

static u64 (*page)[512]; /* other stacks; which of its pages are guards */
static bool guards[PAGES];
static u64 frames[BACKTRACE_MOST];

static bool is_our_guard(u64 address)
{
	u64 i = (address - (u64)page) / PAGE_SIZE;

	return i < PAGES && guards[i];
}

static void make_guard(uint i)
{
	guards[i] = true;
	assert_int_equal(mprotect(page[i], PAGE_SIZE, PROT_NONE), 0);
}

static int set_up(void **state)
{
	memset(text_start, 0, 3 * FUNCTION);
	memset(stack_bottom, 0, STACK_SIZE);
	memset(guards, 0, sizeof(guards));
	page = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	backtrace_is_guard = is_our_guard;
	return page == MAP_FAILED;
}

static int tear_down(void **state)
{
	return munmap(page, PAGES * PAGE_SIZE);
}

/* Function @from calls, at byte @at of it, function @to; where it returns. */
static u64 call(uint from, uint at, uint to)
{
	char *p = text_start + from * FUNCTION + at;
	int distance = text_start + to * FUNCTION - (p + 5);

	*p = (char)0xe8;
	memcpy(p + 1, &distance, sizeof(distance));
	return (u64)p + 5;
}

static uint scan(const void *from)
{
	return backtrace_walk(0x1234, (u64)from, frames);
}

static void each_return_address_is_found_in_order(void **state)
{
	u64 *at = (u64 *)stack_top;

	at[-1] = call(0, 4, 1);
	at[-5] = call(1, 9, 2);
	at[-6] = 0x77; /* a saved register */
	assert_int_equal(scan(at - 8), 3);
	assert_int_equal(frames[0], 0x1234);
	assert_int_equal(frames[1], at[-5]);
	assert_int_equal(frames[2], at[-1]);
	assert_int_equal(scan(at - 5), 3);
	assert_int_equal(scan(at - 4), 2); /* the inner one has returned */
	assert_int_equal(scan((char *)(at - 5) + 1), 2);
	assert_int_equal(scan(at), 1);
}

static void a_pointer_to_code_is_no_return_address(void **state)
{
	u64 *at = (u64 *)stack_top, back = call(0, 4, 1);
	int outside = 3 * FUNCTION;

	at[-1] = (u64)text_start;
	at[-2] = (u64)text_start + 4; /* the call itself, */
	at[-3] = back - 1;            /* within it, */
	at[-4] = back + 1;            /* and behind the next instruction */
	at[-5] = (u64)text_end;
	at[-6] = (u64)text_start + FUNCTION;
	at[-7] = back + (1UL << 32);
	assert_int_equal(scan(at - 8), 1);
	memcpy(text_start + 5, &outside, sizeof(outside));
	at[-1] = back; /* 0xe8 may be a part of any other instruction */
	assert_int_equal(scan(at - 8), 1);
}

static void what_lies_above_the_stack_of_cpu_0_is_not_scanned(void **state)
{
	u64 *at = (u64 *)stack_bottom;

	memset(stack_bottom, 0x11, STACK_SIZE);
	at[0] = call(0, 4, 1);
	assert_int_equal(scan(at), 2);
	for (u64 i = 0; i < STACK_SIZE / 8; i++)
		at[i] = call(0, 4, 1);
	assert_int_equal(scan(at), BACKTRACE_MOST);
	assert_int_equal(scan((u64 *)stack_top - 2), 3);
}

static void a_guard_page_ends_the_stack_below_it(void **state)
{
	page[2][511] = page[4][0] = call(0, 4, 1);
	make_guard(3);
	assert_int_equal(scan(&page[1][5]), 2);
	assert_int_equal(scan(&page[2][511]), 2);
}

/* RSP is where nothing can be pushed any more. */
static void a_stack_that_has_overflowed_is_scanned_from_its_bottom(void **state)
{
	make_guard(1);
	make_guard(4);
	page[2][0] = call(0, 4, 1);
	page[3][511] = call(1, 4, 2);
	assert_int_equal(scan(&page[1][0]), 3);
	assert_int_equal(scan(&page[1][511]), 3);
	assert_int_equal(frames[1], page[2][0]);
}

static void no_more_than_a_stack_is_scanned(void **state)
{
	page[STACK_SIZE / PAGE_SIZE][0] = call(0, 4, 1);
	assert_int_equal(scan(page), 1);
	assert_int_equal(scan(&page[0][1]), 2);
}

static void what_is_no_memory_of_ours_is_not_touched(void **state)
{
	assert_int_equal(scan(NULL), 1);
	assert_int_equal(scan((void *)~7UL), 1);
	assert_int_equal(scan((void *)~0UL), 1);
	assert_int_equal(scan((void *)(VMM_VIRT - 8UL)), 1);
	assert_int_equal(scan((void *)(VMM_VIRT + (1UL << 62) - 4)), 1);
	backtrace_is_guard = NULL; /* stage 01 has none */
	page[1][0] = call(0, 4, 1);
	assert_int_equal(scan(page[1]), 2);
}

static void the_line_says_that_it_was_scanned(void **state)
{
	u64 *at = (u64 *)stack_top;
	char text[128];

	at[-1] = call(0, 4, 1);
	host_printed[0] = '\0';
	backtrace_print(0x1234, (u64)(at - 1));
	sprintf(text, "backtrace (scanned)<-0x1234<-0x%lx\n", at[-1]);
	assert_memory_equal(host_printed, text, strlen(text));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_return_address_is_found_in_order),
		TEST(a_pointer_to_code_is_no_return_address),
		TEST(what_lies_above_the_stack_of_cpu_0_is_not_scanned),
		TEST(a_guard_page_ends_the_stack_below_it),
		TEST(a_stack_that_has_overflowed_is_scanned_from_its_bottom),
		TEST(no_more_than_a_stack_is_scanned),
		TEST(what_is_no_memory_of_ours_is_not_touched),
		TEST(the_line_says_that_it_was_scanned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
