/*
 * A guest's instruction that writes to a device register, taken apart. Pure;
 * tested on the host.
 */
#ifndef SMP_DECODE_STORE_H
#define SMP_DECODE_STORE_H

#include "lib/types.h"

enum store_op { /* the first eight as instructions number them */
	STORE_ADD,
	STORE_OR,
	STORE_ADC,
	STORE_SBB,
	STORE_AND,
	STORE_SUB,
	STORE_XOR,
	STORE_MOV,
	STORE_XCHG,
};

#define STORE_IMMEDIATE (-1)

struct store {
	uint length; /* of the instruction */
	uint size;   /* 1, 2, 4 or 8 bytes are written */
	enum store_op op;
	int reg;   /* the source, 0 to 15, or STORE_IMMEDIATE */
	bool high; /* a byte register that is AH, CH, DH or BH */
	u64 value; /* the immediate */
};

/*
 * Take apart the instruction at @code, of which @size bytes are there, in code
 * whose addresses have @mode bytes: 2, 4 or 8. Knows MOV and XCHG to memory,
 * and ADD, OR, ADC, SBB, AND, SUB, XOR with a register or an immediate for the
 * source. -EINVAL: it is none of these.
 */
int store_decode(const u8 *code, uint size, uint mode, struct store *store);

/*
 * What @store makes of memory that holds @old, with @operand for its source.
 * *@rflags changes as the instruction has it.
 */
u64 store_result(const struct store *store, u64 old, u64 operand, u64 *rflags);

#endif
