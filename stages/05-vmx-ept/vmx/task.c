/*
 * Hardware task switches, which VMX leaves to the hypervisor (SDM 3C 26.4.2).
 *
 * A far CALL or JMP to a task state segment, an interrupt through a task gate,
 * and the IRET that goes back store all registers in one TSS and load them from
 * another (SDM 3A 8.3). 32-bit kernels take NMIs and double faults so; the
 * first Linux switched all its processes so. SVM's hardware does it itself.
 *
 * The CPU has checked gate, selector and descriptor of the new TSS when it
 * exits; the rest is here, in the manual's order: nothing changes before the
 * last of both TSS was found readable, and what is wrong after that is found by
 * the new task. Book: chapter 5.
 */
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/reset.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"
#include "vmx/vmx.h"

/* Exit qualification (SDM 3C table 28-2). */
#define SELECTOR(info) ((u16)(info))
#define SOURCE(info)   ((info) >> 30 & 3)
enum source {
	BY_CALL,
	BY_IRET,
	BY_JMP,
	BY_GATE /* of the IDT */
};

struct tss_32 {
	u16 link, reserved_0;
	u32 stacks[6], cr3, eip, eflags, gpr[8];
	struct {
		u16 selector, reserved;
	} segment[6];
	u16 ldt, reserved_1, trap, io_map;
};
struct tss_16 {
	u16 link, stacks[6], ip, flags, gpr[8], segment[4], ldt;
};

_Static_assert(sizeof(struct tss_32) == 104, "SDM 3A figure 8-2");
_Static_assert(sizeof(struct tss_16) == 44, "SDM 3A figure 8-10");

union tss {
	struct tss_32 wide;
	struct tss_16 narrow;
};

#define GPR_SP    4 /* of gpr[], in the order of an instruction's registers */
#define TSS_BUSY  2 /* in a descriptor's byte 5, which begins with the type */
#define TSS_WIDE  8
#define TRAP      BIT(0)
#define DR6_BT    BIT(15)
#define DR7_LOCAL 0x155UL /* L0-L3 and LE: a task's own */

#define RFLAGS_THERE 0x3f7fd7U
#define CONTRIBUTORY                                                         \
	(BIT(VECTOR_DE) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | \
	 BIT(VECTOR_GP))

#define FIELD(kind, s) vmcs_read(VMCS_GUEST_ES_##kind + 2 * (s))

/* An exception and its error code; 0 is none (#DE does not come up here). */
typedef u32 fault_t;
#define FAULT(vector, error) ((u32)(vector) << 16 | (u16)(error))
#define FAULT_VECTOR(fault)  ((fault) >> 16)
#define FAULT_ERROR(fault)   ((fault)&0xffff)

/* #PF at the first byte that can't be reached, as the CPU's own access. */
static fault_t page_fault(struct vcpu *vcpu, u32 at, size_t size, u32 error)
{
	gphys_t gpa;

	if (!guest_virt_to_phys(vcpu, at, &gpa))
		at = (u32)(at + size - 1) & ~PAGE_MASK;
	vcpu->regs.cr2 = at;
	return FAULT(VECTOR_PF, error);
}

static fault_t fetch(struct vcpu *vcpu, u32 at, void *to, size_t size)
{
	return guest_read_virt(vcpu, at, to, size)
		       ? page_fault(vcpu, at, size, 0)
		       : 0;
}

static fault_t store(struct vcpu *vcpu, u32 at, const void *from, size_t size)
{
	return guest_write_virt(vcpu, at, from, size)
		       ? page_fault(vcpu, at, size, PF_WRITE)
		       : 0;
}

/* Set @set and clear @clear in byte 5 of the descriptor at @at. */
static fault_t change_type(struct vcpu *vcpu, u32 at, u8 set, u8 clear)
{
	u8 type;
	fault_t fault = fetch(vcpu, at + 5, &type, 1);

	type = (type & ~clear) | set;
	return fault ? fault : store(vcpu, at + 5, &type, 1);
}

/* Where the descriptor lies; 0 where the table has none. */
static u32 descriptor_address(u16 selector)
{
	u64 base = vmcs_read(VMCS_GUEST_GDTR_BASE);
	u64 limit = vmcs_read(VMCS_GUEST_GDTR_LIMIT);

	if (selector & SELECTOR_TI) {
		if (FIELD(AR, LDTR) & AR_UNUSABLE)
			return 0;
		base = FIELD(BASE, LDTR);
		limit = FIELD(LIMIT, LDTR);
	}
	return (selector | 7) > limit ? 0 : base + (selector & ~7);
}

static void write_segment(enum segment s, u16 selector, u32 base, u32 limit,
			  u32 rights)
{
	vmcs_write(VMCS_GUEST_ES_SELECTOR + 2 * s, selector);
	vmcs_write(VMCS_GUEST_ES_BASE + 2 * s, base);
	vmcs_write(VMCS_GUEST_ES_LIMIT + 2 * s, limit);
	vmcs_write(VMCS_GUEST_ES_AR + 2 * s, rights);
}

/* Take @descriptor apart (SDM 3A figure 3-8). */
static void load_descriptor(enum segment s, u16 selector, u64 descriptor)
{
	u32 rights = descriptor >> 40 & 0xf0ff;
	u32 limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000);
	u32 base =
		(descriptor >> 16 & 0xffffff) | (descriptor >> 32 & 0xff000000);

	if (rights & AR_G)
		limit = limit << 12 | 0xfff;
	write_segment(s, selector, base, limit, rights);
}

/* May code of level @cpl have this in segment register @s? (SDM 3A 5.5) */
static bool segment_fits(enum segment s, uint rpl, u32 rights, uint cpl)
{
	uint dpl = AR_DPL(rights);
	bool code = rights & AR_CODE, conforms = code && (rights & AR_CONFORM);

	if (s == LDTR)
		return !(rights & AR_S) && AR_TYPE(rights) == TYPE_LDT;
	if (!(rights & AR_S))
		return false;
	if (s == CS)
		return code && (conforms ? dpl <= cpl : dpl == cpl);
	if (s == SS)
		return !code && (rights & BIT(1)) && dpl == cpl && rpl == cpl;
	return (!code || (rights & AR_READABLE)) &&
	       (conforms || (dpl >= cpl && dpl >= rpl));
}

static uint absent_vector(enum segment s)
{
	return s == SS ? VECTOR_SS : s == LDTR ? VECTOR_TS : VECTOR_NP;
}

static fault_t load_segment(struct vcpu *vcpu, enum segment s, u16 selector,
			    uint cpl)
{
	u32 at = descriptor_address(selector), error = selector & ~3;
	u64 descriptor;
	fault_t fault;

	if (!error && s != CS && s != SS) {
		write_segment(s, selector, 0, 0, AR_UNUSABLE);
		return 0;
	}
	if (!error || !at || (s == LDTR && (selector & SELECTOR_TI)))
		return FAULT(VECTOR_TS, error);
	if ((fault = fetch(vcpu, at, &descriptor, sizeof(descriptor))))
		return fault;
	if (!segment_fits(s, RPL(selector), descriptor >> 40 & 0xff, cpl))
		return FAULT(VECTOR_TS, error);
	if (!(descriptor >> 40 & AR_P))
		return FAULT(absent_vector(s), error);
	if (s != LDTR) /* the CPU demands it of those in use */
		fault = change_type(vcpu, at, AR_ACCESSED, 0);
	if (!fault)
		load_descriptor(s, selector,
				s == LDTR ? descriptor
					  : descriptor | AR_ACCESSED << 40);
	return fault;
}

/*
 * Until each is loaded, a segment register is one that a VM entry accepts and
 * no access gets through; but CS and SS, with which a fault is delivered, are
 * flat, and of the new level.
 */
static fault_t load_segments(struct vcpu *vcpu, const u16 *selectors, u16 ldt)
{
	static const u8 order[] = {CS, SS, ES, DS, FS, GS};
	uint cpl = RPL(selectors[CS]);
	u32 flat = AR_P | AR_S | AR_DB | AR_G | cpl << 5 | TYPE_DATA_RW;
	fault_t fault;

	for (enum segment s = ES; s <= LDTR; s++)
		write_segment(s, s == LDTR ? ldt : selectors[s], 0, 0,
			      AR_UNUSABLE);
	write_segment(CS, selectors[CS], 0, ~0U, flat | AR_CODE);
	write_segment(SS, selectors[SS], 0, ~0U, flat);
	fault = load_segment(vcpu, LDTR, ldt, 0);
	for (uint i = 0; i < ARRAY_SIZE(order) && !fault; i++)
		fault = load_segment(vcpu, order[i], selectors[order[i]], cpl);
	return fault;
}

static void load_v86_segments(const u16 *selectors)
{
	for (enum segment s = ES; s <= GS; s++)
		write_segment(s, selectors[s], selectors[s] << 4, 0xffff,
			      AR_V86);
}

/* regs of @vcpu in the order of instructions; RSP is in the VMCS. */
static u64 read_gpr(struct vcpu *vcpu, uint i)
{
	return i == GPR_SP ? vmcs_read(VMCS_GUEST_RSP)
			   : (&vcpu->regs.rax)[i - (i > GPR_SP)];
}

static void write_gpr(struct vcpu *vcpu, uint i, u32 value)
{
	if (i == GPR_SP)
		vmcs_write(VMCS_GUEST_RSP, value);
	else
		(&vcpu->regs.rax)[i - (i > GPR_SP)] = value;
}

/* The old task's registers into @tss, as the manual says which. */
static void save_registers(struct vcpu *vcpu, union tss *tss, bool wide,
			   u32 eip, u32 eflags)
{
	for (uint i = 0; i < 8; i++) {
		if (wide)
			tss->wide.gpr[i] = read_gpr(vcpu, i);
		else
			tss->narrow.gpr[i] = read_gpr(vcpu, i);
	}
	for (enum segment s = ES; s <= (wide ? GS : DS); s++) {
		if (wide)
			tss->wide.segment[s].selector = FIELD(SELECTOR, s);
		else
			tss->narrow.segment[s] = FIELD(SELECTOR, s);
	}
	if (wide) {
		tss->wide.eip = eip;
		tss->wide.eflags = eflags;
	} else {
		tss->narrow.ip = eip;
		tss->narrow.flags = eflags;
	}
}

/* A 16-bit TSS as a 32-bit one: what it has not is 0, or all ones above what
 * it has of a register (as in Intel's CPUs since the 386). */
static void widen(union tss *tss)
{
	struct tss_16 narrow = tss->narrow;
	struct tss_32 wide = {
		.link = narrow.link,
		.cr3 = vmcs_read(VMCS_GUEST_CR3),
		.eip = narrow.ip,
		.eflags = narrow.flags,
		.ldt = narrow.ldt,
	};

	for (uint i = 0; i < 8; i++)
		wide.gpr[i] = 0xffff0000 | narrow.gpr[i];
	for (enum segment s = ES; s <= DS; s++)
		wide.segment[s].selector = narrow.segment[s];
	tss->wide = wide;
}

/* All of the new task, out of @tss. */
static fault_t load_task(struct vcpu *vcpu, const struct tss_32 *tss)
{
	u16 selectors[6];

	for (uint i = 0; i < 8; i++)
		write_gpr(vcpu, i, tss->gpr[i]);
	vmcs_write(VMCS_GUEST_RIP, tss->eip);
	vmcs_write(VMCS_GUEST_RFLAGS,
		   (tss->eflags & RFLAGS_THERE) | RFLAGS_FIXED);
	vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~DR7_LOCAL);
	if (vmx_get(vcpu, VCPU_CR0) & CR0_PG)
		vmcs_write(VMCS_GUEST_CR3, tss->cr3);
	vmx_load_cr0(vcpu, vmx_get(vcpu, VCPU_CR0) | CR0_TS); /* flushes, too */
	for (enum segment s = ES; s <= GS; s++)
		selectors[s] = tss->segment[s].selector;
	if (!(tss->eflags & RFLAGS_VM))
		return load_segments(vcpu, selectors, tss->ldt);
	load_v86_segments(selectors);
	return load_segment(vcpu, LDTR, tss->ldt, 0);
}

/* The event's error code, on the new task's stack. */
static fault_t push_error(struct vcpu *vcpu, u32 error)
{
	u32 mask = FIELD(AR, SS) & AR_DB ? ~0U : 0xffff;
	u32 size = AR_TYPE(FIELD(AR, TR)) & TSS_WIDE ? 4 : 2;
	u64 rsp = vmcs_read(VMCS_GUEST_RSP);
	u32 at = (rsp - size) & mask;

	if (guest_write_virt(vcpu, (u32)(FIELD(BASE, SS) + at), &error, size))
		return FAULT(VECTOR_SS, 0);
	vmcs_write(VMCS_GUEST_RSP, (rsp & ~(u64)mask) | at);
	return 0;
}

/* With PAE the CPU holds the four top entries of the new page tables, too. */
static bool paging_is_bad(struct vcpu *vcpu, u32 cr3)
{
	return (vmx_get(vcpu, VCPU_CR0) & CR0_PG) &&
	       (vmx_get(vcpu, VCPU_CR4) & CR4_PAE) &&
	       cr3 != vmcs_read(VMCS_GUEST_CR3) && vmx_load_pdptes(vcpu, cr3);
}

/* From which TSS to which. */
struct change {
	bool nested, from_wide, to_wide;
	u32 from, to;   /* where they lie */
	u32 at;         /* where the new one's descriptor does, */
	u64 descriptor; /* and what it is */
	union tss old, new;
};

static size_t tss_size(bool wide)
{
	return wide ? sizeof(struct tss_32) : sizeof(struct tss_16);
}

static fault_t read_both(struct vcpu *vcpu, u16 selector, struct change *c)
{
	fault_t fault;

	c->at = descriptor_address(selector);
	fault = fetch(vcpu, c->at, &c->descriptor, sizeof(c->descriptor));
	if (fault)
		return fault;
	c->to_wide = c->descriptor >> 40 & TSS_WIDE;
	c->to = (c->descriptor >> 16 & 0xffffff) |
		(c->descriptor >> 32 & 0xff000000);
	c->from_wide = AR_TYPE(FIELD(AR, TR)) & TSS_WIDE;
	c->from = FIELD(BASE, TR);
	fault = fetch(vcpu, c->from, &c->old, tss_size(c->from_wide));
	if (!fault)
		fault = fetch(vcpu, c->to, &c->new, tss_size(c->to_wide));
	if (!fault && c->to_wide && paging_is_bad(vcpu, c->new.wide.cr3))
		fault = FAULT(VECTOR_TS, selector & ~3);
	return fault;
}

/* The old task is in its TSS, and each of the two busy or not. */
static fault_t store_old(struct vcpu *vcpu, enum source source, u32 next,
			 struct change *c)
{
	u32 eflags = vmcs_read(VMCS_GUEST_RFLAGS);
	u16 selector = FIELD(SELECTOR, TR);
	fault_t fault = 0;

	if (source == BY_IRET)
		eflags &= ~RFLAGS_NT;
	if (!c->nested)
		fault = change_type(vcpu, descriptor_address(selector), 0,
				    TSS_BUSY);
	save_registers(vcpu, &c->old, c->from_wide, next, eflags);
	if (!fault)
		fault = store(vcpu, c->from, &c->old, tss_size(c->from_wide));
	if (!fault && c->nested)
		fault = store(vcpu, c->to, &selector, sizeof(selector));
	if (!fault && source != BY_IRET)
		fault = change_type(vcpu, c->at, TSS_BUSY, 0);
	return fault;
}

static fault_t switch_task(struct vcpu *vcpu, enum source source, u16 selector,
			   u32 next)
{
	struct change c = {.nested = source == BY_CALL || source == BY_GATE};
	fault_t fault = read_both(vcpu, selector, &c);

	if (!fault)
		fault = store_old(vcpu, source, next, &c);
	if (fault)
		return fault;
	if (!c.to_wide)
		widen(&c.new);
	if (c.nested)
		c.new.wide.eflags |= RFLAGS_NT;
	load_descriptor(TR, selector, c.descriptor | (u64)TSS_BUSY << 40);
	fault = load_task(vcpu, &c.new.wide);
	if (!fault && (c.new.wide.trap &TRAP))
		fault = FAULT(VECTOR_DB, 0);
	return fault;
}

/* Is @second, raised while @first was delivered, a double fault? (SDM 3A table
 * 6-5) */
static bool is_double(uint first, uint second)
{
	if (first == VECTOR_PF && second == VECTOR_PF)
		return true;
	return (BIT(second) & CONTRIBUTORY) &&
	       (BIT(first) & (CONTRIBUTORY | BIT(VECTOR_PF)));
}

static void raise(struct vcpu *vcpu, fault_t fault, u64 event)
{
	uint vector = FAULT_VECTOR(fault);
	u32 error = FAULT_ERROR(fault);
	bool delivery = event & EVENT_VALID;
	bool second = delivery && EVENT_TYPE(event) == EVENT_EXCEPTION;

	if (second && (event & EVENT_VECTOR) == VECTOR_DF) {
		printf("vmm: the guest's double-fault task can't run: reset\n");
		machine_reset();
	}
	if (second && is_double(event & EVENT_VECTOR, vector)) {
		vector = VECTOR_DF;
		error = 0;
	} else if (delivery && vector != VECTOR_PF &&
		   EVENT_TYPE(event) < EVENT_SOFT_INTERRUPT) {
		error |= 1; /* EXT: none of the program's doing */
	}
	vmx_inject_exception(vcpu, vector, error);
}

/* The T flag of the TSS: #DB before the task's first instruction. */
static void note_trap(void)
{
	u64 dr6;

	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	asm volatile("mov %0, %%dr6" : : "r"(dr6 | DR6_BT));
}

void vmx_task_switch(struct vcpu *vcpu, const struct vm_exit *exit)
{
	enum source source = SOURCE(exit->info);
	u64 event = source == BY_GATE ? vmcs_read(VMCS_IDT_VECTORING) : 0;
	u32 next = vmcs_read(VMCS_GUEST_RIP);
	fault_t fault;

	if (source != BY_GATE || EVENT_TYPE(event) >= EVENT_SOFT_INTERRUPT)
		next += vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);
	vmx_clear_events(); /* the switch is its delivery */
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
		   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKED_BY_NMI);
	vmcs_write(VMCS_GUEST_ACTIVITY, 0);
	if (source == BY_IRET)
		vmx_block_nmi(false);
	if ((event & EVENT_VALID) && EVENT_TYPE(event) == EVENT_NMI)
		vmx_block_nmi(true);
	fault = switch_task(vcpu, source, SELECTOR(exit->info), next);
	if (!fault && (event & EVENT_HAS_ERROR))
		fault = push_error(vcpu, vmcs_read(VMCS_IDT_VECTORING_ERROR));
	if (FAULT_VECTOR(fault) == VECTOR_DB)
		note_trap();
	if (fault)
		raise(vcpu, fault, event);
}
