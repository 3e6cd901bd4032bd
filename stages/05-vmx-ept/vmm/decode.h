/*
 * How every instruction of a guest begins. Pure; tested on the host.
 */
#ifndef VMM_DECODE_H
#define VMM_DECODE_H

#include "lib/types.h"

#define INSTRUCTION_MOST 15 /* bytes (SDM 2A 2.3.11, APM 3 1.1) */

/* Bits of a REX prefix. */
#define REX_W BIT(3)
#define REX_R BIT(2)
#define REX_B BIT(0)

#define NO_SEGMENT 0xff

struct instruction {
	const u8 *code;
	uint size; /* bytes that are there, at most INSTRUCTION_MOST */
	uint at;   /* the next one to be read */
	bool cut;  /* more would have been read than are there */
	bool operand_changed; /* prefix 66: the other operand size */
	bool address_changed; /* prefix 67: the other address size */
	u8 repeat;            /* prefix F2 or F3, the last one, or 0 */
	u8 segment; /* 0 to 5: ES to GS, the last one named; or NO_SEGMENT */
	u8 rex;     /* 0: none that counts */
	u8 opcode;  /* its first byte */
};

/*
 * Read prefixes and opcode of the instruction at @code, of which @size bytes
 * are there, in code whose addresses have @mode bytes: 2, 4 or 8. What is not
 * there reads as 0.
 */
struct instruction decode_opcode(const u8 *code, uint size, uint mode);

/* The next byte. */
u8 decode_byte(struct instruction *i);

#endif
