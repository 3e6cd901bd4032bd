/*
 * The piece of Vellum that the guest can see: a KiB or so of real-mode code in
 * conventional memory. This is its layout, for C (bios.c, which fills it in)
 * and for assembly (bios_stub.S, which is it).
 *
 *	segment:0	struct bios_stub
 *			code of INT 15h
 *	e820_table	the guest's memory map, e820_count entries
 *
 * Book: chapter 5, "The stub that answers".
 */
#ifndef GUEST_BIOS_STUB_H
#define GUEST_BIOS_STUB_H

/* Offsets of the fields of struct bios_stub. */
#define STUB_INT15      0
#define STUB_OLD_INT15  2
#define STUB_E801_LOW   6
#define STUB_E801_HIGH  8
#define STUB_AH88       10
#define STUB_E820_COUNT 12
#define STUB_E820_TABLE 14
#define STUB_CODE       16

#define E820_ENTRY_SIZE 20
#define E820_MOST       140 /* entries that the table has room for */

#define SMAP 0x534d4150 /* "SMAP", the signature of E820 */

#ifndef __ASSEMBLER__

#include "lib/types.h"

/* One entry of the memory map, as INT 15h AX=E820h returns it (ACPI 6.5,
 * table 15.2; without the extended attributes, which BIOSes don't have). */
struct e820_entry {
	u64 base;
	u64 size;
	u32 type;
} __packed;

_Static_assert(sizeof(struct e820_entry) == E820_ENTRY_SIZE, "ACPI 15.1");

/* All offsets are from the start of the stub, which begins a segment. */
struct bios_stub {
	u16 int15;        /* offset: the handler of INT 15h */
	u16 old_int15_ip; /* where it passes on what it doesn't know */
	u16 old_int15_cs;
	u16 e801_low;   /* KiB from 1 MiB up, at most to 16 MiB */
	u16 e801_high;  /* 64 KiB blocks from 16 MiB up */
	u16 ah88;       /* KiB from 1 MiB up */
	u16 e820_count; /* entries of the table */
	u16 e820_table; /* offset of the table: the end of the stub */
} __packed;

#define CHECK_OFFSET(field, offset)                                   \
	_Static_assert(offsetof(struct bios_stub, field) == (offset), \
		       "bios_stub.S believes so")

CHECK_OFFSET(int15, STUB_INT15);
CHECK_OFFSET(old_int15_ip, STUB_OLD_INT15);
CHECK_OFFSET(e801_low, STUB_E801_LOW);
CHECK_OFFSET(e801_high, STUB_E801_HIGH);
CHECK_OFFSET(ah88, STUB_AH88);
CHECK_OFFSET(e820_count, STUB_E820_COUNT);
CHECK_OFFSET(e820_table, STUB_E820_TABLE);
_Static_assert(sizeof(struct bios_stub) == STUB_CODE, "then comes code");

/* The stub as it lies in our image, to be copied; likewise the code that boots
 * a drive (bios_boot.S), which begins with its first instruction; or, when what
 * to boot is at 0000:7C00 already, with the one at bios_boot_loaded. */
extern const char bios_stub_start[], bios_stub_end[];
extern const char bios_boot_start[], bios_boot_loaded[], bios_boot_end[];

/* In it, three bytes: the instruction of a hypercall. */
extern const char bios_boot_call[];

#endif
#endif
