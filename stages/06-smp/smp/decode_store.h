/*
 * A guest's instruction that writes to a device register, taken apart, and
 * computed. Pure; tested on the host.
 */
#ifndef SMP_DECODE_STORE_H
#define SMP_DECODE_STORE_H

#include "lib/types.h"

enum store_op { /* the first sixteen as instructions number them */
	STORE_ADD,
	STORE_OR,
	STORE_ADC,
	STORE_SBB,
	STORE_AND,
	STORE_SUB,
	STORE_XOR,
	STORE_CMP, /* writes nothing: none of ours */
	STORE_ROL,
	STORE_ROR,
	STORE_RCL,
	STORE_RCR,
	STORE_SHL,
	STORE_SHR,
	STORE_SAL, /* is SHL */
	STORE_SAR,
	STORE_BTS,
	STORE_BTR,
	STORE_BTC,
	STORE_INC,
	STORE_DEC,
	STORE_NOT,
	STORE_NEG,
	STORE_SHLD,
	STORE_SHRD,
	STORE_XADD,
	STORE_CMPXCHG,
	STORE_CMPXCHG8B,
	/* The old value plays no part in these. */
	STORE_XCHG,
	STORE_MOV,
	STORE_MOVBE,
	STORE_SETCC,
};

enum store_source {
	FROM_IMMEDIATE, /* value */
	FROM_REGISTER,  /* reg, high */
	FROM_XMM,       /* reg, its upper half if high */
	FROM_STRING,    /* memory at rSI */
	FROM_STACK,     /* memory at rSP */
	FROM_RFLAGS,
};

struct store {
	uint length;       /* of the instruction */
	uint size;         /* 1, 2, 4, 8 or 16 bytes are written */
	uint address_size; /* 2, 4 or 8: of rSI, rDI and rCX */
	enum store_op op;
	enum store_source source;
	uint reg;      /* 0 to 15 */
	bool high;     /* a byte register that is AH, CH, DH or BH */
	bool count_cl; /* a shift by CL, or else by count */
	u8 count;
	u64 value;   /* the immediate; of SETcc, the condition */
	bool string; /* rDI moves on, and rSI if it is the source */
	bool repeat; /* rCX counts */
	bool push;   /* rSP has moved down */
	u8 segment;  /* 0 to 5: a prefix names ES to GS; or NO_SEGMENT */
};

/*
 * Take apart the instruction at @code, of which @size bytes are there, in code
 * whose addresses have @mode bytes: 2, 4 or 8. -EINVAL: it is none that the
 * table in decode_store.c has.
 */
int store_decode(const u8 *code, uint size, uint mode, struct store *store);

/* What else an instruction computes with, and changes. */
struct store_operands {
	u64 source; /* XCHG and XADD change it */
	u64 rax;    /* CMPXCHG changes it; CMPXCHG8B: EDX:EAX */
	u64 count;  /* of a shift */
	u64 rflags;
};

/* What @store makes of memory that holds @old. */
u64 store_result(const struct store *store, u64 old, struct store_operands *o);

/* The lowest @size bytes of a register that held @old take on @value: 4 bytes
 * clear the upper half, 1 or 2 leave the others. */
u64 register_merge(u64 old, u64 value, uint size);

#endif
