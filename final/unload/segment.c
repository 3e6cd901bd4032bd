/*
 * What is pure in leaving: segment registers, and which slot to borrow.
 *
 * A segment register has a hidden half, which the CPU keeps from when it was
 * loaded: base, limit and rights. The guest may have changed the descriptor
 * since. So its table is not asked. Each register is loaded from a table of
 * ours that has but one descriptor, made of the hidden half, in the very place
 * that the selector names:
 *
 *	base of the table      base + selector
 *	|  (nothing is read)   | descriptor |
 *
 * With the task register there is no other way: the descriptor that the guest
 * used says "busy" since, and LTR refuses that. CS and SS come from the guest's
 * table all the same, as IRETQ loads them when that is in force already.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "unload/leave.h"

/* Access rights in the VMX layout (SDM 3C 25.4.1), and, 40 bits up, those of a
 * descriptor. */
#define ACCESS_A        BIT(0)
#define ACCESS_WRITABLE BIT(1) /* of data */
#define ACCESS_BUSY     BIT(1) /* of a TSS */
#define ACCESS_CODE     BIT(3)
#define ACCESS_S        BIT(4) /* no system segment */
#define ACCESS_DPL(a)   ((a) >> 5 & 3)
#define ACCESS_P        BIT(7)
#define ACCESS_L        BIT(13)
#define ACCESS_G        BIT(15)
#define ACCESS_TYPE(a)  ((a)&0xf)

#define TYPE_LDT 2
#define TYPE_TSS 9 /* and with "busy" 11; the VMCB may have either */

#define SELECTOR_TI    4
#define SELECTOR_RPL   3
#define SELECTOR_INDEX (~7UL)

static u32 descriptor_access(u64 low)
{
	return (low >> 40 & 0xff) | (low >> 52 & 0xf) << 12;
}

static u32 descriptor_limit(u64 low)
{
	u32 limit = (low & 0xffff) | (low >> 32 & 0xf0000);

	return descriptor_access(low) & ACCESS_G ? limit << 12 | 0xfff : limit;
}

static u32 descriptor_base(u64 low)
{
	return (low >> 16 & 0xffffff) | low >> 56 << 24;
}

static bool is_null(const struct segment_state *s)
{
	return !(s->selector & ~SELECTOR_RPL);
}

static bool is_tss(const struct segment_state *s)
{
	return ACCESS_TYPE(s->access & ~ACCESS_BUSY) == TYPE_TSS;
}

/* Loading sets "accessed" and "busy" by itself; the latter must not be there
 * before. */
static u64 access_to_load(const struct segment_state *s)
{
	if (s->access & ACCESS_S)
		return s->access | ACCESS_A;
	return is_tss(s) ? s->access & ~ACCESS_BUSY : s->access;
}

struct leave_segment leave_segment_of(const struct segment_state *s, u64 at)
{
	struct leave_segment l = {.selector = s->selector};
	u64 access = access_to_load(s);
	u64 limit = access & ACCESS_G ? s->limit >> 12 : s->limit;

	l.table.limit = 0xffff;
	l.table.base = at - (s->selector & SELECTOR_INDEX);
	if (is_null(s))
		return l;
	l.descriptor[0] = (limit & 0xffff) | (s->base & 0xffffff) << 16 |
			  (access & 0xff) << 40 | (limit & 0xf0000) << 32 |
			  (access >> 12 & 0xf) << 52 |
			  (s->base >> 24 & 0xff) << 56;
	l.descriptor[1] = s->base >> 32;
	return l;
}

/* Of ES, DS, FS, GS: can it be loaded, or is it null? */
static bool can_load_data(const struct segment_state *s)
{
	u32 needed = ACCESS_S | ACCESS_P;

	return is_null(s) || (!(s->selector & SELECTOR_TI) &&
			      !(s->access & SEGMENT_UNUSABLE) &&
			      (s->access & needed) == needed);
}

static bool can_load_all_data(const struct segment_state *s)
{
	return can_load_data(&s[SEGMENT_ES]) && can_load_data(&s[SEGMENT_DS]) &&
	       can_load_data(&s[SEGMENT_FS]) && can_load_data(&s[SEGMENT_GS]);
}

static bool is_canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

const char *leave_obstacle(const struct cpu_state *s)
{
	const struct segment_state *tr = &s->segment[SEGMENT_TR];
	const struct segment_state *ldtr = &s->segment[SEGMENT_LDTR];

	if (!(s->efer & EFER_LMA))
		return "it is not in 64-bit mode";
	if (s->cr4 & CR4_LA57)
		return "its page tables have five levels";
	if (!is_canonical(s->rip))
		return "it is about to fault";
	if (s->rflags & RFLAGS_TF)
		return "it is being single-stepped";
	if (!can_load_all_data(s->segment))
		return "it uses a segment of an LDT";
	if (is_null(tr) || !is_tss(tr))
		return "it has no task register";
	if (!is_null(ldtr) && ACCESS_TYPE(ldtr->access) != TYPE_LDT)
		return "it has a strange LDT";
	return NULL;
}

/* Outside of 64-bit code, base and limit matter. */
static bool is_as_loaded(const struct segment_state *s, u64 low)
{
	return descriptor_base(low) == s->base &&
	       descriptor_limit(low) == s->limit;
}

static bool is_code_as_loaded(const struct segment_state *cs, u64 low)
{
	u32 access = descriptor_access(low);
	u32 needed = ACCESS_S | ACCESS_P | ACCESS_CODE | ACCESS_A;

	return (access & needed) == needed &&
	       ACCESS_DPL(access) == (cs->selector & SELECTOR_RPL) &&
	       !((access ^ cs->access) & ACCESS_L) &&
	       (access & ACCESS_L || is_as_loaded(cs, low));
}

static bool is_stack_as_loaded(const struct segment_state *ss, u64 low,
			       uint cpl, bool code_64)
{
	u32 access = descriptor_access(low);
	u32 needed = ACCESS_S | ACCESS_P | ACCESS_WRITABLE | ACCESS_A;

	if (is_null(ss))
		return code_64 && cpl < 3;
	return (access & (needed | ACCESS_CODE)) == needed &&
	       ACCESS_DPL(access) == cpl &&
	       (ss->selector & SELECTOR_RPL) == cpl &&
	       (code_64 || is_as_loaded(ss, low));
}

const char *leave_obstacle_frame(const struct cpu_state *s, u64 code, u64 stack)
{
	const struct segment_state *cs = &s->segment[SEGMENT_CS];
	const struct segment_state *ss = &s->segment[SEGMENT_SS];

	if ((cs->selector | ss->selector) & SELECTOR_TI)
		return "it runs with a segment of an LDT";
	if (!is_code_as_loaded(cs, code) ||
	    !is_stack_as_loaded(ss, stack, cs->selector & SELECTOR_RPL,
				cs->access & ACCESS_L))
		return "CS or SS is no longer what its GDT says";
	return NULL;
}

/*
 * The first one that is empty. Linux keeps the slots from 256 to 271 free for
 * hypervisors (Documentation/arch/x86/x86_64/mm.rst: "guard hole"), at whatever
 * address its KASLR puts the rest; 256 itself is our own direct map's.
 */
int leave_choose_slot(const struct leave_slots *slots)
{
	for (uint i = 0; i < 4 * 64; i++)
		if (slots->empty[i / 64] & BIT(i % 64))
			return SLOTS_FIRST + i;
	return -ENOSPC;
}
