/*
 * The VGA text screen: 80 x 25 cells of two bytes, a character and its
 * colours, at physical 0xb8000. We go on where the BIOS left its cursor, and
 * tell the BIOS where we stopped, for the guest's boot loader prints next.
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/console.h"
#include "lib/cpu.h"
#include "lib/string.h"

#define VGA_BASE   0xb8000
#define VGA_WIDTH  80
#define VGA_HEIGHT 25
#define VGA_COLOUR 0x0700 /* light grey on black */

/* The BIOS data area: video mode, and the cursor of page 0 as column, row. */
#define BDA_MODE   0x449
#define BDA_CURSOR 0x450

/* The CRT controller: an index port and a data port. */
#define CRTC_INDEX       0x3d4
#define CRTC_DATA        0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW  0x0f

static uint column, row;

static volatile u16 *cells(void)
{
	return phys_to_direct(PHYS(VGA_BASE));
}

static volatile u8 *bda(uint offset)
{
	return phys_to_direct(PHYS(offset));
}

/* Modes 2 and 3 are the colour text modes; on UEFI there is no such thing. */
static bool vga_init(struct console *console)
{
	u8 mode = boot_info.firmware == BOOT_BIOS ? *bda(BDA_MODE) : 0xff;

	if (mode != 2 && mode != 3)
		return false;
	column = *bda(BDA_CURSOR);
	row = *bda(BDA_CURSOR + 1);
	if (column >= VGA_WIDTH || row >= VGA_HEIGHT)
		column = row = 0;
	return true;
}

static void scroll(void)
{
	volatile u16 *cell = cells();

	for (uint i = 0; i < VGA_WIDTH * (VGA_HEIGHT - 1); i++)
		cell[i] = cell[i + VGA_WIDTH];
	for (uint i = 0; i < VGA_WIDTH; i++)
		cell[VGA_WIDTH * (VGA_HEIGHT - 1) + i] = VGA_COLOUR | ' ';
}

static void move_cursor(void)
{
	u16 at = row * VGA_WIDTH + column;

	outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
	outb(CRTC_DATA, at >> 8);
	outb(CRTC_INDEX, CRTC_CURSOR_LOW);
	outb(CRTC_DATA, (u8)at);
	*bda(BDA_CURSOR) = column;
	*bda(BDA_CURSOR + 1) = row;
}

static void vga_putc(struct console *console, char c)
{
	if (c == '\r') {
		column = 0;
	} else if (c != '\n') {
		cells()[row * VGA_WIDTH + column] = VGA_COLOUR | (u8)c;
		column++;
	}
	if (c == '\n' || column == VGA_WIDTH) {
		column = 0;
		row++;
	}
	if (row == VGA_HEIGHT) {
		scroll();
		row--;
	}
	if (c == '\n')
		move_cursor();
}

static struct console vga = {
	.name = "vga",
	.init = vga_init,
	.putc = vga_putc,
};

CONSOLE(vga);
