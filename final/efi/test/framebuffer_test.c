/*
 * The console on a screen of 4K, in memory that may be touched only while
 * stores are combined: whoever draws at another time ends the test.
 */
#include <sys/mman.h>

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/printf.h"
#include "efi/framebuffer.c"
#include "efi/write_combining.h"
#include "host.h"

#define WIDTH  3840
#define HEIGHT 2160
#define PITCH  (WIDTH * 4 + 256) /* as some screens have it */
#define SIZE   ((size_t)PITCH * HEIGHT)

struct boot_info boot_info;
static u8 *screen;

/* One device, on bus 0: the display. */
static u32 bar;

static u32 read_pci(uint function, uint reg)
{
	if (function)
		return ~0U;
	return reg == 0x04   ? 2
	       : reg == 0x08 ? 0x03000000
	       : reg == 0x10 ? bar
			     : 0;
}

const struct chipset_bus chipset_bus = {.pci = read_pci};

u64 write_combining_begin(void)
{
	mprotect(screen, SIZE, PROT_READ | PROT_WRITE);
	return 0x0007040600070406;
}

void write_combining_end(u64 pat)
{
	assert_int_equal(pat, 0x0007040600070406);
	mprotect(screen, SIZE, PROT_NONE);
}

static int begin(void **state)
{
	screen =
		mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	boot_info.fb = (struct framebuffer){
		.base = PHYS((u64)screen - DIRECT_VIRT),
		.width = WIDTH,
		.height = HEIGHT,
		.pitch = PITCH,
		.bits_per_pixel = 32,
	};
	bar = 0x10000000; /* below it, as nearly all is */
	return !fb.init(&fb);
}

static int end(void **state)
{
	return munmap(screen, SIZE);
}

static void print(const char *text)
{
	while (*text)
		fb.putc(&fb, *text++);
}

/* Is the dot at @x, @y of the cell in @at_row, @at_column lit, all of it? */
static bool lit(uint at_row, uint at_column, uint x, uint y)
{
	uint left = (at_column * FONT_WIDTH + x) * scale;
	uint top = (at_row * FONT_HEIGHT + y) * scale, count = 0;

	for (uint i = 0; i < scale; i++)
		for (uint j = 0; j < scale; j++)
			count += ((u32 *)(screen + (size_t)(top + i) *
							   PITCH))[left + j] ==
				 DOT;
	assert_true(count == 0 || count == scale * scale);
	return count;
}

static void assert_shows(uint at_row, const char *text)
{
	u64 pat = write_combining_begin();

	for (uint c = 0; c < strlen(text); c++)
		for (uint y = 0; y < FONT_HEIGHT; y++)
			for (uint x = 0; x < FONT_WIDTH; x++)
				assert_int_equal(lit(at_row, c, x, y),
						 font_dot(text[c], x, y));
	write_combining_end(pat);
}

static void a_line_is_drawn_in_large_dots(void **state)
{
	assert_int_equal(scale, 6);
	print("Vellum {g}\r\nsecond");
	assert_shows(0, "Vellum {g}");
	assert_shows(1, "second    ");
}

static void the_lower_half_moves_up_when_the_screen_is_full(void **state)
{
	char text[8];

	for (uint i = 0; i < rows; i++) {
		snprintf(text, sizeof(text), "%03u\r\n", i);
		print(text);
	}
	print("end");
	assert_int_equal(row, rows - rows / 2);
	assert_shows(0, "020");
	assert_shows(row, "end");
	assert_shows(rows - 1, "   ");
}

static void a_screen_of_any_size_has_dots_that_fit_a_line_of_ours(void **state)
{
	boot_info.fb.height = SCALE_MAX * HEIGHT_PER_SCALE + 999;
	boot_info.fb.pitch = boot_info.fb.width = 4;
	assert_false(fb.init(&fb));
	assert_int_equal(scale, SCALE_MAX);
}

static void only_one_entry_of_the_pat_changes(void **state)
{
	assert_int_equal(pat_write_combining(0x0007040600070406),
			 0x0007040600070106);
	assert_int_equal(pat_write_combining(~0UL), 0xffffffffffff01ff);
}

/* The guest has moved it: what is at the old address must not be touched. */
static void a_screen_that_is_elsewhere_is_left_alone(void **state)
{
	assert_true(fb.init(&fb));
	bar += 0x1000000;
	assert_false(fb.init(&fb));
	bar -= 0x1000000;
	assert_true(fb.init(&fb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_is_drawn_in_large_dots,
						begin, end),
		cmocka_unit_test_setup_teardown(
			the_lower_half_moves_up_when_the_screen_is_full, begin,
			end),
		cmocka_unit_test_setup_teardown(
			a_screen_of_any_size_has_dots_that_fit_a_line_of_ours,
			begin, end),
		cmocka_unit_test_setup_teardown(
			a_screen_that_is_elsewhere_is_left_alone, begin, end),
		cmocka_unit_test(only_one_entry_of_the_pat_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
