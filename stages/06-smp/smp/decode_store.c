/*
 * Decoding a guest's store to a device register.
 *
 *	| prefixes | REX | opcode | ModRM | SIB | displacement | immediate |
 *
 * The address is not computed: the hardware tells where the write went. So of
 * ModRM and what follows only the length matters, and the source. And since the
 * register is memory, forms that name two registers are none of ours.
 *
 * SDM 2A chapter 2, 2D appendix A. Book: chapter 6, "Taking a store apart".
 */
#include "smp/decode_store.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "vmm/decode.h"

#define ESCAPE   0x0f00 /* opcodes of two bytes, 0F and this one */
#define ESCAPE38 0x3800 /* of three: 0F 38 and this one */

enum form_bits {
	MODRM = BIT(0),     /* an address follows, and a field of 3 bits */
	REG = BIT(1),       /* the source is the register in that field */
	IMM = BIT(2),       /* it is an immediate, of at most 4 bytes */
	IMM8 = BIT(3),      /* it is a byte, and its sign is extended */
	OFFSET = BIT(4),    /* it is rAX; an address without ModRM follows */
	OPERATION = BIT(5), /* the field adds to the operation's number */
	COUNT8 = BIT(6),    /* the count, else 1, is a byte that follows, */
	COUNTCL = BIT(7),   /* or CL */
	WIDE = BIT(8),      /* never a byte, even if the opcode is even */
	STRING = BIT(9),    /* STOS, MOVS */
	PUSH = BIT(10),
	POP = BIT(11),
};

struct form {
	u16 opcode;
	u8 ignored; /* bits of the opcode */
	u8 fields;  /* one bit for each value that ModRM's field may have */
	u8 op;
	u16 bits;
};

#define ANY     0xff
#define ONLY(n) (1 << (n))

/* Of each pair of opcodes, the even one is for bytes. */
static const struct form forms[] = {
	{0x88, 1, ANY, STORE_MOV, MODRM | REG},
	{0xc6, 1, ONLY(0), STORE_MOV, MODRM | IMM},
	{0xa2, 1, ANY, STORE_MOV, OFFSET},
	{0x86, 1, ANY, STORE_XCHG, MODRM | REG},
	{0x00, 1, ANY, STORE_ADD, MODRM | REG},
	{0x08, 1, ANY, STORE_OR, MODRM | REG},
	{0x10, 1, ANY, STORE_ADC, MODRM | REG},
	{0x18, 1, ANY, STORE_SBB, MODRM | REG},
	{0x20, 1, ANY, STORE_AND, MODRM | REG},
	{0x28, 1, ANY, STORE_SUB, MODRM | REG},
	{0x30, 1, ANY, STORE_XOR, MODRM | REG},
	{0x80, 1, ANY, STORE_ADD, MODRM | OPERATION | IMM},
	{0x82, 1, ANY, STORE_ADD, MODRM | OPERATION | IMM8},
	{0xc0, 1, ANY, STORE_ROL, MODRM | OPERATION | COUNT8},
	{0xd0, 1, ANY, STORE_ROL, MODRM | OPERATION},
	{0xd2, 1, ANY, STORE_ROL, MODRM | OPERATION | COUNTCL},
	{0xf6, 1, ONLY(2), STORE_NOT, MODRM},
	{0xf6, 1, ONLY(3), STORE_NEG, MODRM},
	{0xfe, 1, ONLY(0), STORE_INC, MODRM},
	{0xfe, 1, ONLY(1), STORE_DEC, MODRM},
	{0xaa, 1, ANY, STORE_MOV, STRING},
	{0xa4, 1, ANY, STORE_MOV, STRING},
	{0x8f, 0, ONLY(0), STORE_MOV, MODRM | WIDE | POP},
	{0x50, 7, ANY, STORE_MOV, WIDE | PUSH},
	{0x68, 0, ANY, STORE_MOV, IMM | WIDE | PUSH},
	{0x6a, 0, ANY, STORE_MOV, IMM8 | WIDE | PUSH},
	{0x9c, 0, ANY, STORE_MOV, WIDE | PUSH},
	{ESCAPE | 0xc0, 1, ANY, STORE_XADD, MODRM | REG},
	{ESCAPE | 0xb0, 1, ANY, STORE_CMPXCHG, MODRM | REG},
	{ESCAPE | 0xc7, 0, ONLY(1), STORE_CMPXCHG8B, MODRM},
	{ESCAPE | 0xab, 0, ANY, STORE_BTS, MODRM | REG},
	{ESCAPE | 0xb3, 0, ANY, STORE_BTR, MODRM | REG},
	{ESCAPE | 0xbb, 0, ANY, STORE_BTC, MODRM | REG},
	{ESCAPE | 0xba, 0, ONLY(5), STORE_BTS, MODRM | WIDE | IMM8},
	{ESCAPE | 0xba, 0, ONLY(6), STORE_BTR, MODRM | WIDE | IMM8},
	{ESCAPE | 0xba, 0, ONLY(7), STORE_BTC, MODRM | WIDE | IMM8},
	{ESCAPE | 0xa4, 0, ANY, STORE_SHLD, MODRM | REG | WIDE | COUNT8},
	{ESCAPE | 0xa5, 0, ANY, STORE_SHLD, MODRM | REG | COUNTCL},
	{ESCAPE | 0xac, 0, ANY, STORE_SHRD, MODRM | REG | WIDE | COUNT8},
	{ESCAPE | 0xad, 0, ANY, STORE_SHRD, MODRM | REG | COUNTCL},
	{ESCAPE | 0xc3, 0, ANY, STORE_MOV, MODRM | REG}, /* MOVNTI */
	{ESCAPE | 0x90, 15, ANY, STORE_SETCC, MODRM},
	{ESCAPE38 | 0xf1, 0, ANY, STORE_MOVBE, MODRM | REG},
	{ESCAPE38 | 0xf9, 0, ANY, STORE_MOV, MODRM | REG}, /* MOVDIRI */
};

static void pass_over(struct instruction *i, uint bytes)
{
	while (bytes--)
		decode_byte(i);
}

static u64 read_immediate(struct instruction *i, uint bytes)
{
	u64 value = 0;
	uint bits = 8 * bytes;

	for (uint k = 0; k < bytes; k++)
		value |= (u64)decode_byte(i) << 8 * k;
	if (value >> (bits - 1) & 1) /* sign-extended */
		value |= ~0UL << (bits - 1);
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

static uint operand_size(const struct instruction *i, uint mode, u16 opcode,
			 const struct form *f)
{
	if (f->op == STORE_SETCC || (!(opcode & 1) && !(f->bits & WIDE)))
		return 1;
	if (f->op == STORE_CMPXCHG8B ||
	    (mode == 8 && (f->bits & (PUSH | POP)) && !i->operand_changed))
		return 8;
	if (i->rex & REX_W)
		return 8;
	return (mode == 2) != i->operand_changed ? 2 : 4;
}

/* The field of ModRM, with REX.R, as a register; of a byte, without any REX, 4
 * to 7 are the high halves of the first four. */
static void set_register(struct store *s, const struct instruction *i,
			 uint field)
{
	s->source = FROM_REGISTER;
	s->reg = field + (i->rex & REX_R ? 8 : 0);
	s->high = s->size == 1 && !i->rex && field >= 4;
	if (s->high)
		s->reg -= 4;
}

/* Those whose opcode alone says where the value comes from. */
static void set_implied_source(struct store *s, const struct instruction *i,
			       u16 opcode, const struct form *f)
{
	if (f->bits & POP)
		s->source = FROM_STACK;
	else if (f->bits & STRING) /* MOVS, or STOS of rAX */
		s->source = opcode & 8 ? FROM_REGISTER : FROM_STRING;
	else if (f->bits & OFFSET)
		s->source = FROM_REGISTER;
	else if (s->push && opcode == 0x9c)
		s->source = FROM_RFLAGS;
	else if (s->push && opcode < 0x60) {
		s->source = FROM_REGISTER;
		s->reg = (opcode & 7) + (i->rex & REX_B ? 8 : 0);
	}
	if (f->op == STORE_SETCC)
		s->value = opcode & 15;
}

static int read_operands(struct instruction *i, uint mode, u16 opcode,
			 const struct form *f, struct store *s)
{
	uint field = 0;

	s->op = f->op;
	s->size = operand_size(i, mode, opcode, f);
	s->string = f->bits & STRING;
	s->repeat = s->string && i->repeat;
	s->push = f->bits & PUSH;
	set_implied_source(s, i, opcode, f);
	if (f->bits & OFFSET)
		pass_over(i, s->address_size);
	if ((f->bits & MODRM) && read_modrm(i, s->address_size, &field))
		return -EINVAL;
	if (f->bits & OPERATION)
		s->op += field;
	if (f->bits & REG)
		set_register(s, i, field);
	if (f->bits & IMM)
		s->value = read_immediate(i, MIN(s->size, 4U));
	if (f->bits & IMM8)
		s->value = read_immediate(i, 1);
	s->count = f->bits & COUNT8 ? decode_byte(i) : 1;
	s->count_cl = f->bits & COUNTCL;
	return s->op == STORE_CMP ? -EINVAL : 0;
}

/* Stores of an XMM register, all 0F and one byte more: how many bytes, without
 * a prefix, with 66, with F3 and with F2. (0: no store, or one of MMX.) */
struct sse_form {
	u8 opcode;
	u8 size[4];
};

static const struct sse_form sse_forms[] = {
	{0x11, {16, 16, 4, 8}}, /* MOVUPS, MOVUPD, MOVSS, MOVSD */
	{0x13, {8, 8}},         /* MOVLPS, MOVLPD */
	{0x17, {8, 8}},         /* MOVHPS, MOVHPD: the upper half */
	{0x29, {16, 16}},       /* MOVAPS, MOVAPD */
	{0x2b, {16, 16, 4, 8}}, /* MOVNTPS, MOVNTPD, MOVNTSS, MOVNTSD */
	{0x7e, {0, 4}},         /* MOVD; with REX.W MOVQ */
	{0x7f, {0, 16, 16}},    /* MOVDQA, MOVDQU */
	{0xd6, {0, 8}},         /* MOVQ */
	{0xe7, {0, 16}},        /* MOVNTDQ */
};

static int read_sse(struct instruction *i, u8 opcode, struct store *s)
{
	uint field, column = i->repeat == 0xf3    ? 2
			     : i->repeat          ? 3
			     : i->operand_changed ? 1
						  : 0;

	for (uint k = 0; k < ARRAY_SIZE(sse_forms); k++)
		if (sse_forms[k].opcode == opcode)
			s->size = sse_forms[k].size[column];
	if (!s->size || read_modrm(i, s->address_size, &field))
		return -EINVAL;
	if (opcode == 0x7e && (i->rex & REX_W))
		s->size = 8;
	s->op = STORE_MOV;
	set_register(s, i, field);
	s->source = FROM_XMM;
	s->high = opcode == 0x17;
	return 0;
}

static u16 whole_opcode(struct instruction *i)
{
	u8 second;

	if (i->opcode != 0x0f)
		return i->opcode;
	second = decode_byte(i);
	return second == 0x38 ? ESCAPE38 | decode_byte(i) : ESCAPE | second;
}

static int read_form(struct instruction *i, uint mode, struct store *s)
{
	u16 opcode = whole_opcode(i);
	u8 field = i->at < i->size ? i->code[i->at] >> 3 & 7 : 0;

	for (uint k = 0; k < ARRAY_SIZE(forms); k++) {
		const struct form *f = &forms[k];

		if ((opcode & ~f->ignored) == f->opcode &&
		    (f->fields & ONLY(field)))
			return read_operands(i, mode, opcode, f, s);
	}
	return (opcode & 0xff00) == ESCAPE ? read_sse(i, opcode, s) : -EINVAL;
}

int store_decode(const u8 *code, uint size, uint mode, struct store *store)
{
	struct instruction i = decode_opcode(code, size, mode);
	int error;

	*store = (struct store){.address_size = address_size(&i, mode),
				.segment = i.segment};
	error = read_form(&i, mode, store);
	store->length = i.at;
	return error || i.cut ? -EINVAL : 0;
}
