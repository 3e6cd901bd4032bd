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
#include "smp/decode_store.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "vmm/decode.h"

#define RFLAGS_STATUS 0x8d5UL /* OF SF ZF AF PF CF */

static void pass_over(struct instruction *i, uint bytes)
{
	while (bytes--)
		decode_byte(i);
}

static u64 read_immediate(struct instruction *i, uint bytes, uint size)
{
	u64 value = 0;
	uint bits = 8 * bytes;

	for (uint k = 0; k < bytes; k++)
		value |= (u64)decode_byte(i) << 8 * k;
	if (bytes < size && value >> (bits - 1) & 1) /* sign-extended */
		value |= ~0UL << bits;
	return value;
}

/* ModRM, SIB and displacement; the field that is no part of the address. */
static int read_modrm(struct instruction *i, uint address_size, uint *field)
{
	u8 modrm = decode_byte(i), mod = modrm >> 6, rm = modrm & 7, sib;

	*field = modrm >> 3 & 7;
	if (mod == 3)
		return -EINVAL; /* a register, not memory */
	if (address_size == 2) {
		pass_over(i, mod == 0 ? (rm == 6 ? 2 : 0) : mod);
		return 0;
	}
	if (rm == 4) {
		sib = decode_byte(i);
		rm = sib & 7; /* 5: as in ModRM, there is no base */
	}
	if (mod == 0)
		pass_over(i, rm == 5 ? 4 : 0);
	else
		pass_over(i, mod == 1 ? 1 : 4);
	return 0;
}

static uint address_size(const struct instruction *i, uint mode)
{
	if (!i->address_changed)
		return mode;
	return mode == 4 ? 2 : 4;
}

static uint operand_size(const struct instruction *i, uint mode)
{
	if (!(i->opcode & 1))
		return 1;
	if (i->rex & REX_W)
		return 8;
	return (mode == 2) != i->operand_changed ? 2 : 4;
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
static void set_register(struct store *s, const struct instruction *i,
			 uint field)
{
	s->reg = field + (i->rex & REX_R ? 8 : 0);
	s->high = s->size == 1 && !i->rex && field >= 4;
	if (s->high)
		s->reg -= 4;
}

static int read_operands(struct instruction *i, uint mode, struct store *s)
{
	u8 op = i->opcode;
	uint field, immediate = MIN(s->size, 4U);

	s->reg = STORE_IMMEDIATE;
	if (op == 0xa2 || op == 0xa3) {
		s->op = STORE_MOV;
		s->reg = 0;
		pass_over(i, address_size(i, mode));
		return 0;
	}
	if (!from_register(op, &s->op) && op != 0xc6 && op != 0xc7 &&
	    op != 0x80 && op != 0x81 && op != 0x83)
		return -EINVAL;
	if (read_modrm(i, address_size(i, mode), &field))
		return -EINVAL;
	if (from_register(op, &s->op)) {
		set_register(s, i, field);
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
	s->value = read_immediate(i, op == 0x83 ? 1 : immediate, s->size);
	return 0;
}

int store_decode(const u8 *code, uint size, uint mode, struct store *store)
{
	struct instruction i = decode_opcode(code, size, mode);
	int error;

	*store = (struct store){.size = operand_size(&i, mode)};
	error = read_operands(&i, mode, store);
	store->length = i.at;
	return error || i.cut ? -EINVAL : 0;
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
