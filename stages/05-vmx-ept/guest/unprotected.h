/*
 * The way back from long mode to real mode: layout of the code that is copied
 * to low memory, for C and assembly. Private to guest/.
 */
#ifndef GUEST_UNPROTECTED_H
#define GUEST_UNPROTECTED_H

/* Where it is copied to: below 1 MiB, below any boot sector, and deep
 * enough below its stack. */
#define UNPROTECTED_AT 0x6000

/* Its fields, from UNPROTECTED_AT; then comes code. */
#define UNPROTECTED_SP 0
#define UNPROTECTED_SS 2
#define UNPROTECTED_IP 4
#define UNPROTECTED_CS 6
#define UNPROTECTED_DS 8
#define UNPROTECTED_DL 10

#ifndef __ASSEMBLER__

#include "lib/types.h"

/* Far pointers, so that LSS and LJMP can take them from memory. */
struct unprotected {
	u16 sp, ss;
	u16 ip, cs;
	u16 ds;
	u16 dl;
};

_Static_assert(offsetof(struct unprotected, ip) == UNPROTECTED_IP, "asm");
_Static_assert(offsetof(struct unprotected, ds) == UNPROTECTED_DS, "asm");
_Static_assert(offsetof(struct unprotected, dl) == UNPROTECTED_DL, "asm");

/* The code as it lies in our image; where to enter it, in 64-bit mode. */
extern const char unprotected_start[], unprotected_end[], unprotected_enter[];

#endif
#endif
