/*
 * A console on the screen that the firmware has left in graphics mode: the
 * framebuffer that GOP (UEFI 2.10, 12.9) describes. It needs nothing of the
 * firmware, so it still works when boot services are gone, which makes it the
 * place where a panic can be seen on a machine without a serial port.
 *
 * To read video memory is very slow on real machines, so what the screen shows
 * is kept as text, too. When the last line is full, the lower half moves up,
 * and only cells that change are drawn: that costs as much as two lines do.
 * It is written in bursts (write_combining.h).
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/console.h"
#include "efi/display.h"
#include "efi/font.h"
#include "efi/write_combining.h"
#include "lib/string.h"

#define COLUMNS_MAX 160
#define ROWS_MAX    80

#define DOT 0x00c0c0c0 /* grey: the same in RGB and BGR */

/* Below this height a dot of the font is one pixel, below twice this two. */
#define HEIGHT_PER_SCALE 360
#define SCALE_MAX        16

static char cells[ROWS_MAX][COLUMNS_MAX];
static uint columns, rows, column, row;
static uint scale; /* pixels to a dot, each way */

static u32 *pixels(uint y)
{
	const struct framebuffer *fb = &boot_info.fb;

	return phys_to_direct(PHYS(fb->base.v + (u64)y * fb->pitch));
}

/* One row of a character's dots at a time: made once, then put @scale times. */
static void draw(uint at_row, uint at_column)
{
	u32 line[FONT_WIDTH * SCALE_MAX];
	char c = cells[at_row][at_column];
	uint width = FONT_WIDTH * scale, top = at_row * FONT_HEIGHT * scale;

	for (uint y = 0; y < FONT_HEIGHT; y++) {
		for (uint x = 0; x < width; x++)
			line[x] = font_dot(c, x / scale, y) ? DOT : 0;
		for (uint i = 0; i < scale; i++)
			memcpy(pixels(top++) + at_column * width, line,
			       width * sizeof(*line));
	}
}

static void put_cell(uint at_row, uint at_column, char c)
{
	if (cells[at_row][at_column] == c)
		return;
	cells[at_row][at_column] = c;
	draw(at_row, at_column);
}

/* The lower half becomes the upper one. */
static void scroll(void)
{
	uint half = rows / 2;

	for (uint r = 0; r < rows; r++)
		for (uint c = 0; c < columns; c++)
			put_cell(r, c,
				 r + half < rows ? cells[r + half][c] : ' ');
	row -= half;
}

/* Also called by a panic: whatever is on the screen then is wiped, if it is
 * the screen still. */
static bool fb_init(struct console *console)
{
	static bool noted;
	const struct framebuffer *fb = &boot_info.fb;
	u64 pat;

	scale = MIN(MAX(1U, fb->height / HEIGHT_PER_SCALE), (uint)SCALE_MAX);
	columns = MIN(fb->width / (FONT_WIDTH * scale), COLUMNS_MAX);
	rows = MIN(fb->height / (FONT_HEIGHT * scale), ROWS_MAX);
	if (!fb->base.v || fb->bits_per_pixel != 32 || !columns || rows < 2)
		return false;
	if (noted && !display_is_unchanged(&chipset_bus))
		return false;
	if (!noted)
		display_note(&chipset_bus, fb->base);
	noted = true;
	pat = write_combining_begin();
	for (uint y = 0; y < fb->height; y++)
		memset(pixels(y), 0, fb->width * sizeof(u32));
	write_combining_end(pat);
	memset(cells, ' ', sizeof(cells));
	row = column = 0;
	return true;
}

static void fb_putc(struct console *console, char c)
{
	u64 pat = write_combining_begin();

	if (c == '\r')
		column = 0;
	else if (c != '\n')
		put_cell(row, column++, c);
	if (c == '\n' || column == columns) {
		column = 0;
		row++;
	}
	if (row == rows)
		scroll();
	write_combining_end(pat);
}

static struct console fb = {
	.name = "fb",
	.init = fb_init,
	.putc = fb_putc,
};

CONSOLE(fb);
