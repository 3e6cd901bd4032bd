/*
 * Decoding the stores that compilers make for a device register.
 *
 *	| prefixes | REX | opcode | ModRM | SIB | displacement | immediate |
 *
 * The address is not computed: the hardware tells where the write went. So of
 * ModRM and what follows only the length matters, and the source. And since the
 * register is memory, forms that name two registers are none of ours.
 *
 *	88 89	    MOV r/m, r		    C6 C7 /0   MOV r/m, imm
 *	A2 A3	    MOV moffs, AL/AX/EAX    86 87      XCHG r/m, r
 *	00..31	    op r/m, r		    80 81 83   op r/m, imm
 *
 * SDM 2A chapter 2, 2D appendix A. Book: chapter 6, "Taking a store apart".
 */
#include "smp/store.h"

#include "lib/cpu.h"
#include "lib/errno.h"

#define REX_W BIT(3)
#define REX_R BIT(2)

#define RFLAGS_STATUS 0x8d5UL /* OF SF ZF AF PF CF */

struct cursor {
	const u8 *code;
	uint at, size;
	bool short_of; /* the instruction is longer than what is there */
	bool operand16, address_changed;
	u8 rex;
};

static u8 next(struct cursor *c)
{
	if (c->at < c->size)
		return c->code[c->at++];
	c->short_of = true;
	return 0;
}

/* A REX prefix counts only right before the opcode. Returns the opcode. */
static u8 read_prefixes(struct cursor *c, uint mode)
{
	for (;;) {
		u8 byte = next(c);

		switch (byte) {
		case 0x66:
			c->operand16 = true;
			break;
		case 0x67:
			c->address_changed = true;
			break;
		case 0xf0: /* LOCK: a device register doesn't care */
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
			break;
		default:
			if (mode != 8 || (byte & 0xf0) != 0x40)
				return byte;
			c->rex = byte;
			return next(c);
		}
		c->rex = 0;
	}
}

static void pass_over(struct cursor *c, uint bytes)
{
	while (bytes--)
		next(c);
}

static u64 read_immediate(struct cursor *c, uint bytes, uint size)
{
	u64 value = 0;
	uint bits = 8 * bytes;

	for (uint i = 0; i < bytes; i++)
		value |= (u64)next(c) << 8 * i;
	if (bytes < size && value >> (bits - 1) & 1) /* sign-extended */
		value |= ~0UL << bits;
	return value;
}

/* ModRM, SIB and displacement; the field that is no part of the address. */
static int read_modrm(struct cursor *c, uint address_size, uint *field)
{
	u8 modrm = next(c), mod = modrm >> 6, rm = modrm & 7, sib;

	*field = modrm >> 3 & 7;
	if (mod == 3)
		return -EINVAL; /* a register, not memory */
	if (address_size == 2) {
		pass_over(c, mod == 0 ? (rm == 6 ? 2 : 0) : mod);
		return 0;
	}
	if (rm == 4) {
		sib = next(c);
		rm = sib & 7; /* 5: as in ModRM, there is no base */
	}
	if (mod == 0)
		pass_over(c, rm == 5 ? 4 : 0);
	else
		pass_over(c, mod == 1 ? 1 : 4);
	return 0;
}

static uint address_size(const struct cursor *c, uint mode)
{
	if (!c->address_changed)
		return mode;
	return mode == 4 ? 2 : 4;
}

static uint operand_size(const struct cursor *c, u8 opcode, uint mode)
{
	if (!(opcode & 1))
		return 1;
	if (c->rex & REX_W)
		return 8;
	return (mode == 2) != c->operand16 ? 2 : 4;
}

/* Opcode @op writes a register's value to memory: which operation? */
static bool from_register(u8 op, enum store_op *which)
{
	if (op == 0x88 || op == 0x89)
		*which = STORE_MOV;
	else if (op == 0x86 || op == 0x87)
		*which = STORE_XCHG;
	else if (op < 0x38 && (op & 7) < 2)
		*which = op >> 3;
	else
		return false;
	return true;
}

/* The field of ModRM, with REX.R, as a register; of a byte, without any REX, 4
 * to 7 are the high halves of the first four. */
static void set_register(struct store *s, const struct cursor *c, uint field)
{
	s->reg = field + (c->rex & REX_R ? 8 : 0);
	s->high = s->size == 1 && !c->rex && field >= 4;
	if (s->high)
		s->reg -= 4;
}

static int read_operands(struct cursor *c, u8 op, uint mode, struct store *s)
{
	uint field, immediate = MIN(s->size, 4U);

	s->reg = STORE_IMMEDIATE;
	if (op == 0xa2 || op == 0xa3) {
		s->op = STORE_MOV;
		s->reg = 0;
		pass_over(c, address_size(c, mode));
		return 0;
	}
	if (!from_register(op, &s->op) && op != 0xc6 && op != 0xc7 &&
	    op != 0x80 && op != 0x81 && op != 0x83)
		return -EINVAL;
	if (read_modrm(c, address_size(c, mode), &field))
		return -EINVAL;
	if (from_register(op, &s->op)) {
		set_register(s, c, field);
		return 0;
	}
	if (op == 0xc6 || op == 0xc7) {
		if (field)
			return -EINVAL;
		s->op = STORE_MOV;
	} else {
		if (field == 7)
			return -EINVAL; /* CMP writes nothing */
		s->op = field;
	}
	s->value = read_immediate(c, op == 0x83 ? 1 : immediate, s->size);
	return 0;
}

int store_decode(const u8 *code, uint size, uint mode, struct store *store)
{
	struct cursor c = {.code = code, .size = MIN(size, (uint)STORE_MOST)};
	u8 opcode = read_prefixes(&c, mode);
	int error;

	*store = (struct store){.size = operand_size(&c, opcode, mode)};
	error = read_operands(&c, opcode, mode, store);
	store->length = c.at;
	return error || c.short_of ? -EINVAL : 0;
}

/*
 * The CPU knows best what its instructions do to flags. Of the old ones only
 * the carry goes in (BT puts it in place), and only status flags come out.
 */
#define ALU(instruction, type)                                          \
	do {                                                            \
		type x = a;                                             \
                                                                        \
		asm("bt $0, %1; " instruction " %2, %0; pushfq; pop %1" \
		    : "+r"(x), "+r"(f)                                  \
		    : "r"((type)b)                                      \
		    : "cc");                                            \
		a = x;                                                  \
	} while (0)

#define ALU_OF(name)                                                        \
	static u64 do_##name(uint size, u64 a, u64 b, u64 *rflags)          \
	{                                                                   \
		u64 f = *rflags;                                            \
                                                                            \
		if (size == 1)                                              \
			ALU(#name "b", u8);                                 \
		else if (size == 2)                                         \
			ALU(#name "w", u16);                                \
		else if (size == 4)                                         \
			ALU(#name "l", u32);                                \
		else                                                        \
			ALU(#name "q", u64);                                \
		*rflags = (*rflags & ~RFLAGS_STATUS) | (f & RFLAGS_STATUS); \
		return a;                                                   \
	}

ALU_OF(add)
ALU_OF(or)
ALU_OF(adc)
ALU_OF(sbb)
ALU_OF(and)
ALU_OF(sub)
ALU_OF(xor)

u64 store_result(const struct store *store, u64 old, u64 operand, u64 *rflags)
{
	static u64 (*const compute[])(uint, u64, u64, u64 *) = {
		[STORE_ADD] = do_add, [STORE_OR] = do_or,
		[STORE_ADC] = do_adc, [STORE_SBB] = do_sbb,
		[STORE_AND] = do_and, [STORE_SUB] = do_sub,
		[STORE_XOR] = do_xor,
	};

	if (store->op >= ARRAY_SIZE(compute))
		return operand;
	return compute[store->op](store->size, old, operand, rflags);
}
