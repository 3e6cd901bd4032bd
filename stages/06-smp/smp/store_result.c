/*
 * What a store writes, and what it does to flags.
 *
 * The CPU knows best what its instructions do, so each is executed on a copy in
 * a register, with the guest's status flags going in and coming out. No other
 * flag does. Book: chapter 6, "Taking a store apart".
 */
#include "lib/cpu.h"
#include "smp/decode_store.h"

#define RFLAGS_CF     BIT(0)
#define RFLAGS_PF     BIT(2)
#define RFLAGS_ZF     BIT(6)
#define RFLAGS_SF     BIT(7)
#define RFLAGS_OF     BIT(11)
#define RFLAGS_STATUS 0x8d5UL /* these, and AF */

/* In every text: %[a] is the memory's value, %[b] the source, RAX and CL. */
#define EXECUTE(text)                                                     \
	asm("push %[f]; popfq; " text "; pushfq; pop %[f]"                \
	    : [a] "+r"(a), [b] "+r"(o->source), "+a"(o->rax), [f] "+r"(f) \
	    : "c"(o->count)                                               \
	    : "cc")

/* A function for one instruction, written in its four sizes. */
#define RESULT_OF(name, byte, word, dword, qword)                        \
	static u64 do_##name(uint size, u64 a, struct store_operands *o) \
	{                                                                \
		u64 f = o->rflags & RFLAGS_STATUS;                       \
                                                                         \
		if (size == 1)                                           \
			EXECUTE(byte);                                   \
		else if (size == 2)                                      \
			EXECUTE(word);                                   \
		else if (size == 4)                                      \
			EXECUTE(dword);                                  \
		else                                                     \
			EXECUTE(qword);                                  \
		f &= RFLAGS_STATUS;                                      \
		o->rflags = (o->rflags & ~RFLAGS_STATUS) | f;            \
		return a;                                                \
	}

#define ONE(name)                                                          \
	RESULT_OF(name, #name "b %b[a]", #name "w %w[a]", #name "l %k[a]", \
		  #name "q %q[a]")
#define SHIFT(name)                                                   \
	RESULT_OF(name, #name "b %%cl, %b[a]", #name "w %%cl, %w[a]", \
		  #name "l %%cl, %k[a]", #name "q %%cl, %q[a]")
#define TWO(name)                                                       \
	RESULT_OF(name, #name "b %b[b], %b[a]", #name "w %w[b], %w[a]", \
		  #name "l %k[b], %k[a]", #name "q %q[b], %q[a]")
/* These have no form for bytes. */
#define BIT_OF(name)                                                           \
	RESULT_OF(name, "ud2", #name "w %w[b], %w[a]", #name "l %k[b], %k[a]", \
		  #name "q %q[b], %q[a]")
#define DOUBLE_SHIFT(name)                                   \
	RESULT_OF(name, "ud2", #name "w %%cl, %w[b], %w[a]", \
		  #name "l %%cl, %k[b], %k[a]", #name "q %%cl, %q[b], %q[a]")

TWO(add)
TWO(or)
TWO(adc)
TWO(sbb)
TWO(and)
TWO(sub)
TWO(xor)
TWO(xadd)
TWO(cmpxchg)
TWO(xchg)
SHIFT(rol)
SHIFT(ror)
SHIFT(rcl)
SHIFT(rcr)
SHIFT(shl)
SHIFT(shr)
SHIFT(sar)
ONE(inc)
ONE(dec)
ONE(not )
ONE(neg)
BIT_OF(bts)
BIT_OF(btr)
BIT_OF(btc)
DOUBLE_SHIFT(shld)
DOUBLE_SHIFT(shrd)

static u64 (*const compute[])(uint, u64, struct store_operands *) = {
	[STORE_ADD] = do_add,           [STORE_OR] = do_or,
	[STORE_ADC] = do_adc,           [STORE_SBB] = do_sbb,
	[STORE_AND] = do_and,           [STORE_SUB] = do_sub,
	[STORE_XOR] = do_xor,           [STORE_ROL] = do_rol,
	[STORE_ROR] = do_ror,           [STORE_RCL] = do_rcl,
	[STORE_RCR] = do_rcr,           [STORE_SHL] = do_shl,
	[STORE_SHR] = do_shr,           [STORE_SAL] = do_shl,
	[STORE_SAR] = do_sar,           [STORE_BTS] = do_bts,
	[STORE_BTR] = do_btr,           [STORE_BTC] = do_btc,
	[STORE_INC] = do_inc,           [STORE_DEC] = do_dec,
	[STORE_NOT] = do_not,           [STORE_NEG] = do_neg,
	[STORE_SHLD] = do_shld,         [STORE_SHRD] = do_shrd,
	[STORE_XADD] = do_xadd,         [STORE_CMPXCHG] = do_cmpxchg,
	[STORE_CMPXCHG8B] = do_cmpxchg, [STORE_XCHG] = do_xchg,
};

/* Condition @code of Jcc, SETcc and CMOVcc (SDM 1 appendix B). */
static bool condition(u64 f, uint code)
{
	bool less = !(f & RFLAGS_SF) != !(f & RFLAGS_OF);
	const bool is[] = {
		f & RFLAGS_OF, f & RFLAGS_CF,
		f & RFLAGS_ZF, f & (RFLAGS_CF | RFLAGS_ZF),
		f & RFLAGS_SF, f & RFLAGS_PF,
		less,          less || (f & RFLAGS_ZF),
	};

	return is[code >> 1] != (code & 1);
}

u64 store_result(const struct store *store, u64 old, struct store_operands *o)
{
	u64 result, rflags = o->rflags;

	if (store->op == STORE_MOV)
		return o->source;
	if (store->op == STORE_SETCC)
		return condition(rflags, o->source);
	if (store->op == STORE_MOVBE)
		return __builtin_bswap64(o->source) >> (64 - 8 * store->size);
	result = compute[store->op](store->size, old, o);
	if (store->op == STORE_CMPXCHG8B) /* changes no other flag */
		o->rflags = (rflags & ~RFLAGS_ZF) | (o->rflags & RFLAGS_ZF);
	return result;
}

u64 register_merge(u64 old, u64 value, uint size)
{
	u64 mask = size == 8 ? ~0UL : BIT(8 * size) - 1;

	return (size == 4 ? 0 : old & ~mask) | (value & mask);
}
