/*
 * Doing a guest's store in its place: where the value comes from, and which of
 * the guest's registers change.
 *
 * An instruction that is not known, or that can't be done, ends in #GP for the
 * guest and a line in the log. Book: chapter 6, "Taking a store apart".
 */
#include "smp/store.h"

#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "vmm/decode.h"
#include "vmm/exit.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"

#define REFUSALS_LOGGED 8

#define RFLAGS_DF BIT(10)
#define ATTR_B    BIT(14) /* of SS: rSP has 32 bits */

#define SEGMENT_SS 2 /* as instructions number them */
#define SEGMENT_DS 3
#define SEGMENT_FS 4

exit_handler_fn handle_exit_TRIPLE_FAULT; /* vmm/exit.c */

/* RIP of an instruction that we could not take apart, when we saw it first. */
static PERCPU(u64, unknown_at);

static void refuse(struct vcpu *vcpu, const char *why, const u8 *code,
		   uint size)
{
	static u32 refused;
	char bytes[3 * INSTRUCTION_MOST + 1] = "";

	vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
	if (__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED) >=
	    REFUSALS_LOGGED)
		return;
	for (uint i = 0; i < size; i++)
		snprintf(bytes + 3 * i, 4, " %02x", code[i]);
	printf("smp: a store to the local APIC at 0x%lx %s: #GP%s%s\n",
	       vcpu_ops->get(vcpu, VCPU_RIP), why, size ? "; bytes" : "",
	       bytes);
}

/*
 * The bytes may have changed since they were executed: Linux puts a breakpoint
 * over an instruction while it replaces it. So what is no store gets a second
 * chance, as the CPU would execute it now; if it exits again it is unknown.
 */
static void refuse_unknown(struct vcpu *vcpu, const u8 *code, uint size)
{
	u64 *seen = this_cpu(unknown_at), at = vcpu_ops->get(vcpu, VCPU_RIP);
	bool again = *seen == at;

	*seen = again ? 0 : at;
	if (again)
		refuse(vcpu, "is by an instruction that Vellum can't do", code,
		       size);
}

/* The last instruction, taken apart: most come again and again. */
struct known {
	u64 code[2]; /* unused bytes are 0 */
	uint size, mode;
	struct store store;
};

static PERCPU(struct known, known);

static int decode(const u64 code[2], uint size, uint mode, struct store *store)
{
	struct known *k = this_cpu(known);
	int error = 0;

	if (k->code[0] != code[0] || k->code[1] != code[1] || k->size != size ||
	    k->mode != mode) {
		error = store_decode((const u8 *)code, size, mode, &k->store);
		k->code[0] = code[0];
		k->code[1] = code[1];
		k->mode = mode;
		k->size = error ? 0 : size;
	}
	*store = k->store;
	return error;
}

int store_fetch(struct vcpu *vcpu, const struct vm_exit *exit,
		struct store *store)
{
	u64 words[2] = {0};
	u8 *code = (u8 *)words;
	uint size;

	if (exit->implicit) {
		printf("smp: the guest has its stack or its page tables where "
		       "its local APIC is\n");
		handle_exit_TRIPLE_FAULT(vcpu, exit);
		return -EINVAL;
	}
	size = guest_fetch(vcpu, code);
	if (decode(words, size, guest_address_size(vcpu), store)) {
		refuse_unknown(vcpu, code, size);
		return -EINVAL;
	}
	if ((exit->gpa.v & PAGE_MASK) + store->size > PAGE_SIZE) {
		refuse(vcpu, "goes beyond its page", code, size);
		return -EINVAL;
	}
	*this_cpu(unknown_at) = 0;
	return 0;
}

/* In 64-bit code only FS and GS have a base. */
static u64 linear(struct vcpu *vcpu, uint segment, u64 offset)
{
	bool long_mode = guest_address_size(vcpu) == 8;

	if (!long_mode || segment >= SEGMENT_FS)
		offset += vcpu_ops->get(vcpu, VCPU_ES_BASE + segment);
	return long_mode ? offset : (u32)offset;
}

/* A register of a device wants one access; memory does not mind. */
static int read_memory(struct vcpu *vcpu, u64 at, void *value, uint size)
{
	gphys_t gpa;

	if (size != 4 || guest_virt_to_phys(vcpu, at, &gpa) ||
	    (gpa.v & ~PAGE_MASK) != lapic_page().v || gpa.v & 15)
		return guest_read_virt(vcpu, at, value, size);
	*(u32 *)value = *(volatile u32 *)((volatile char *)lapic_registers() +
					  (gpa.v & PAGE_MASK));
	return 0;
}

static uint stack_address_size(struct vcpu *vcpu)
{
	if (guest_address_size(vcpu) == 8)
		return 8;
	return vcpu_ops->get(vcpu, VCPU_SS_ATTR) & ATTR_B ? 4 : 2;
}

static int pop(struct vcpu *vcpu, const struct store *s, u64 *value)
{
	u64 rsp = guest_gpr(vcpu, GPR_RSP);
	uint width = stack_address_size(vcpu);
	int error = read_memory(
		vcpu, linear(vcpu, SEGMENT_SS, register_merge(0, rsp, width)),
		value, s->size);

	if (!error)
		guest_set_gpr(vcpu, GPR_RSP,
			      register_merge(rsp, rsp + s->size, width));
	return error;
}

struct fxsave {
	u8 other[160];
	u64 xmm[16][2];
	u8 reserved[96];
} __packed __aligned(16);

_Static_assert(sizeof(struct fxsave) == 512, "SDM 1 table 10-2");

/* The guest's SSE registers are still in the CPU. CR0 and CR4, ours, may not
 * let us at them. */
static void read_xmm(const struct store *s, u64 value[2])
{
	struct fxsave area;
	u64 cr0 = read_cr0(), cr4 = read_cr4();

	write_cr0(cr0 & ~(CR0_EM | CR0_TS));
	write_cr4(cr4 | CR4_OSFXSR);
	asm volatile("fxsave64 %0" : "=m"(area));
	write_cr4(cr4);
	write_cr0(cr0);
	value[0] = area.xmm[s->reg][s->high];
	value[1] = area.xmm[s->reg][1];
}

static int read_source(struct vcpu *vcpu, const struct store *s, u64 value[2])
{
	uint segment = s->segment == NO_SEGMENT ? SEGMENT_DS : s->segment;
	u64 rsi = register_merge(0, vcpu->regs.rsi, s->address_size);

	value[0] = s->value;
	switch (s->source) {
	case FROM_IMMEDIATE:
		return 0;
	case FROM_REGISTER:
		value[0] = guest_gpr(vcpu, s->reg) >> (s->high ? 8 : 0);
		return 0;
	case FROM_XMM:
		read_xmm(s, value);
		return 0;
	case FROM_STRING:
		return read_memory(vcpu, linear(vcpu, segment, rsi), value,
				   s->size);
	case FROM_STACK:
		return pop(vcpu, s, value);
	case FROM_RFLAGS: /* PUSHF: without VM and RF */
		value[0] = vcpu_ops->get(vcpu, VCPU_RFLAGS) &
			   ~(RFLAGS_VM | RFLAGS_RF);
		return 0;
	}
	return -EFAULT;
}

/* XCHG and XADD have the old value to give back. */
static void give_back(struct vcpu *vcpu, const struct store *s, u64 value)
{
	u64 old = guest_gpr(vcpu, s->reg);

	if (s->high)
		value = (old & ~0xff00UL) | (value & 0xff) << 8;
	guest_set_gpr(vcpu, s->reg,
		      register_merge(old, value, s->high ? 8 : s->size));
}

static u64 compute(struct vcpu *vcpu, const struct store *s, u64 old,
		   u64 source)
{
	struct guest_regs *regs = &vcpu->regs;
	struct store_operands o = {
		.source = source,
		.rax = regs->rax,
		.count = s->count_cl ? (u8)regs->rcx : s->count,
		.rflags = vcpu_ops->get(vcpu, VCPU_RFLAGS),
	};
	u64 result;

	if (s->op == STORE_CMPXCHG8B) {
		o.rax = regs->rdx << 32 | (u32)regs->rax;
		o.source = regs->rcx << 32 | (u32)regs->rbx;
	}
	result = store_result(s, old, &o);
	vcpu_ops->set(vcpu, VCPU_RFLAGS, o.rflags);
	if (s->op == STORE_XCHG || s->op == STORE_XADD)
		give_back(vcpu, s, o.source);
	if (s->op == STORE_CMPXCHG)
		regs->rax = o.rax;
	if (s->op == STORE_CMPXCHG8B &&
	    o.rax != (regs->rdx << 32 | (u32)regs->rax)) {
		regs->rdx = o.rax >> 32;
		regs->rax = (u32)o.rax;
	}
	return result;
}

static void advance(u64 *reg, s64 by, uint width)
{
	*reg = register_merge(*reg, *reg + by, width);
}

/* One iteration; is it the last? */
static bool step_string(struct vcpu *vcpu, const struct store *s)
{
	struct guest_regs *regs = &vcpu->regs;
	bool down = vcpu_ops->get(vcpu, VCPU_RFLAGS) & RFLAGS_DF;
	s64 by = down ? -(s64)s->size : s->size;

	advance(&regs->rdi, by, s->address_size);
	if (s->source == FROM_STRING)
		advance(&regs->rsi, by, s->address_size);
	if (!s->repeat)
		return true;
	advance(&regs->rcx, -1, s->address_size);
	return !register_merge(0, regs->rcx, s->address_size);
}

int store_finish(struct vcpu *vcpu, const struct store *s, u64 old,
		 u8 bytes[16])
{
	u64 value[2] = {0}, rsp = guest_gpr(vcpu, GPR_RSP);
	bool done = true;

	if (read_source(vcpu, s, value)) {
		refuse(vcpu, "has a source that can't be read", NULL, 0);
		return -EFAULT;
	}
	if (s->op != STORE_MOV)
		value[0] = compute(vcpu, s, old, value[0]);
	if (s->string)
		done = step_string(vcpu, s);
	if (s->push)
		guest_set_gpr(vcpu, GPR_RSP,
			      register_merge(rsp, rsp - s->size,
					     stack_address_size(vcpu)));
	memcpy(bytes, value, sizeof(value));
	vcpu_ops->skip_bytes(vcpu, done ? s->length : 0);
	return 0;
}
