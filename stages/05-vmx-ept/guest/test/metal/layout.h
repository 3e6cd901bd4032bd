/*
 * Where things lie in a test guest, and its segment selectors; for C and
 * assembly.
 *
 *	00600..07c00	stack of real mode, growing down
 *	07c00..60000	the image
 *	60000..70000	stack of long mode, growing down
 *	70000..76000	page tables: all of the first 4 GiB, one to one
 *	76000..78000	page tables for modes.c and modes_tour.S
 */
#ifndef GUEST_TEST_METAL_LAYOUT_H
#define GUEST_TEST_METAL_LAYOUT_H

#define REAL_STACK   0x7c00
#define LONG_STACK   0x70000
#define PAGE_TABLES  0x70000
#define PAGE_TABLE_3 (PAGE_TABLES + 0x1000)
#define PAGE_TABLE_2 (PAGE_TABLES + 0x2000) /* four of them */
#define SPARE_TABLES 0x76000

#define SEL_CODE64 0x08
#define SEL_DATA   0x10 /* flat */
#define SEL_CODE32 0x18 /* flat */
#define SEL_CODE16 0x20 /* base 0, 64 KiB */
#define SEL_DATA16 0x28 /* base 0, 64 KiB */

#endif
