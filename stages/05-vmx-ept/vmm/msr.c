/*
 * RDMSR and WRMSR exits. Reads come from MSRs that are not the guest's to see;
 * writes from all that msr_rules.c does not let pass; both from numbers outside
 * the ranges that the hardware's bitmap covers.
 *
 * Closed by default: a write that no rule allows is taken in silence if it
 * changes nothing, since systems write back what they have read, and is #GP
 * otherwise. That is logged once for each MSR, and counted for `vellumctl msr`.
 * Book: chapter 5.3, "Model-specific registers".
 */
#include "vmm/msr.h"

#include "boot/settings.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/spinlock.h"
#include "paging/guarded.h"
#include "vmm/hypercall.h"
#include "vmm/msr_rules.h"
#include "vmm/vcpu.h"

#define APIC_BASE_MODE (BIT(10) | BIT(11)) /* x2APIC mode, enabled */

#define MSR_XSS           0xda0
#define XSS_GUEST_MAY_SET (BIT(13) | BIT(16))

extern const struct msr_handler __table_msr_start[], __table_msr_end[];

/* What `msr=pass:` names. */
#define PASSED_MOST 16
static u32 passed[PASSED_MOST];
static uint passed_count;

SETTING(msr_setting, .name = "msr", .type = &list_type, .key = "pass",
	.max = UINT32_MAX, .numbers = passed, .most = PASSED_MOST,
	.help = "MSRs that the guest may write, against the rule");

/* Writes that were refused, or of which not all bits counted: one entry for
 * each MSR; msr_lock protects it all. */
static struct msr_refusal {
	u32 msr;
	u32 count;
	u64 value; /* the last one */
	u64 bits;  /* those that counted; 0: it was a #GP */
} refusals[64];
static uint refusal_count;
static spinlock_t msr_lock = SPINLOCK_INIT;

static const struct msr_handler *find_handler(u32 msr)
{
	for (const struct msr_handler *h = __table_msr_start;
	     h != __table_msr_end; h++)
		if (msr >= h->first && msr <= h->last &&
		    (!h->wanted || h->wanted()))
			return h;
	return NULL;
}

static bool is_passed(u32 msr)
{
	for (uint i = 0; i < passed_count; i++)
		if (passed[i] == msr)
			return true;
	return false;
}

static enum msr_verdict verdict_of(u32 msr, u64 *bits)
{
	const struct msr_rule *rule = msr_rule_find(msr, vcpu_ops->id);

	*bits = rule ? rule->bits : 0;
	if ((!rule || rule->verdict == MSR_BITS) && is_passed(msr))
		return MSR_PASS;
	return rule ? rule->verdict : MSR_KEEP;
}

/* CPU 0, before the others: which MSRs does the command line let pass? */
static void read_passed(void)
{
	u64 bits;

	passed_count = setting_list(&msr_setting);
	for (uint i = 0; i < passed_count; i++) {
		bool ours = verdict_of(passed[i], &bits) != MSR_PASS;

		printf("vmm: MSR 0x%x %s\n", passed[i],
		       ours ? "is Vellum's to answer: msr=pass does not help"
			    : "can be written (msr=pass)");
	}
}

/* A verdict that is not the default, for one MSR. */
static void apply_verdict(struct vcpu *vcpu, u32 msr)
{
	u64 bits;

	switch (verdict_of(msr, &bits)) {
	case MSR_PASS:
		vcpu_ops->intercept_msr(vcpu, msr, false, false);
		break;
	case MSR_ABSENT:
		vcpu_ops->intercept_msr(vcpu, msr, true, true);
		break;
	default:
		break;
	}
}

void msr_intercept_all(struct vcpu *vcpu)
{
	const struct msr_rule *r;

	if (!vcpu_first())
		read_passed();
	for (uint i = 0; (r = msr_rule_get(i)); i++)
		for (u32 msr = r->first; msr <= r->last; msr++)
			apply_verdict(vcpu, msr);
	for (uint i = 0; i < passed_count; i++)
		apply_verdict(vcpu, passed[i]);
	for (const struct msr_handler *h = __table_msr_start;
	     h != __table_msr_end; h++) {
		if (h->wanted && !h->wanted())
			continue;
		for (u32 msr = h->first; msr <= h->last; msr++)
			vcpu_ops->intercept_msr(vcpu, msr, h->read, h->write);
	}
}

/* Count a write that was refused; true if it is the first to this MSR, and
 * there is room to remember it. */
static bool note_refusal(u32 msr, u64 value, u64 bits)
{
	bool first = false;
	uint i;

	spin_lock(&msr_lock);
	for (i = 0; i < refusal_count && refusals[i].msr != msr; i++)
		;
	if (i == refusal_count && i < ARRAY_SIZE(refusals)) {
		refusals[refusal_count++].msr = msr;
		first = true;
	}
	if (i < refusal_count) {
		refusals[i].count++;
		refusals[i].value = value;
		refusals[i].bits = bits;
	}
	spin_unlock(&msr_lock);
	return first;
}

/* The guest's RCX-th MSR of which a write was refused. */
static int call_msr(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;
	int error = -ENOENT;

	spin_lock(&msr_lock);
	if (r->rcx < refusal_count) {
		struct msr_refusal *refusal = &refusals[r->rcx];

		r->rbx = refusal->msr;
		r->rdx = refusal->count;
		r->rsi = refusal->value;
		r->rdi = refusal->bits;
		error = 0;
	}
	spin_unlock(&msr_lock);
	return error;
}

HYPERCALL(6, call_msr);

static int refuse_write(u32 msr, u64 value)
{
	if (note_refusal(msr, value, 0))
		printf("vmm: WRMSR of 0x%lx to MSR 0x%x: #GP\n", value, msr);
	return -EPERM;
}

/* Write those of @bits; the others stay as they are, without a #GP. */
static int write_bits(u32 msr, u64 value, u64 bits)
{
	u64 now;
	int error = guarded_rdmsr(msr, &now);

	if (error)
		return error;
	if (((value ^ now) & ~bits) && note_refusal(msr, value, bits))
		printf("vmm: WRMSR of 0x%lx to MSR 0x%x: only 0x%lx counts\n",
		       value, msr, bits);
	value = (now & ~bits) | (value & bits);
	return value == now ? 0 : guarded_wrmsr(msr, value);
}

/* What no handler answers. */
static int write_by_rule(u32 msr, u64 value)
{
	u64 bits, now;

	switch (verdict_of(msr, &bits)) {
	case MSR_PASS:
		return guarded_wrmsr(msr, value);
	case MSR_BITS:
		return write_bits(msr, value, bits);
	case MSR_ABSENT:
		return -EPERM;
	default:
		if (guarded_rdmsr(msr, &now) || now != value)
			return -EPERM;
		return 0;
	}
}

static int read_msr(struct vcpu *vcpu, u32 msr, u64 *value)
{
	const struct msr_handler *h = find_handler(msr);
	int error = vcpu_ops->read_msr(vcpu, msr, value);
	u64 bits;

	if (error != -ENOENT)
		return error;
	if (h && h->read)
		return h->read(vcpu, msr, value);
	if (verdict_of(msr, &bits) == MSR_ABSENT)
		return -EPERM;
	return guarded_rdmsr(msr, value);
}

/* -EPERM is our refusal; of others the hardware is the author. */
static int write_msr(struct vcpu *vcpu, u32 msr, u64 value)
{
	const struct msr_handler *h = find_handler(msr);
	int error = vcpu_ops->write_msr(vcpu, msr, value);

	if (error == -ENOENT)
		error = h && h->write ? h->write(vcpu, msr, value)
				      : write_by_rule(msr, value);
	return error == -EPERM ? refuse_write(msr, value) : error;
}

EXIT_HANDLER(RDMSR)
{
	u64 value;

	if (read_msr(vcpu, vcpu->regs.rcx, &value)) {
		vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
		return;
	}
	vcpu->regs.rax = (u32)value;
	vcpu->regs.rdx = value >> 32;
	vcpu_ops->skip_instruction(vcpu);
}

EXIT_HANDLER(WRMSR)
{
	u64 value = vcpu->regs.rdx << 32 | (u32)vcpu->regs.rax;

	if (write_msr(vcpu, vcpu->regs.rcx, value))
		vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
	else
		vcpu_ops->skip_instruction(vcpu);
}

/*
 * The APIC's page lies over the memory at its address. Moved over a page of
 * ours, it would take our loads and stores: the guest's nested page tables have
 * no say in that. So it stays, and the CPU that INIT makes the first one, too.
 * Changes of mode are the hardware's to judge (SDM 3A 11.12.5); who disables
 * the APIC may find, as on the bare machine, that it can't be enabled again.
 */
static int write_apic_base(struct vcpu *vcpu, u32 msr, u64 value)
{
	if ((value ^ rdmsr(msr)) & ~APIC_BASE_MODE)
		return -EPERM;
	return guarded_wrmsr(msr, value);
}

MSR_HANDLER(apic_base, MSR_APIC_BASE, MSR_APIC_BASE, NULL, write_apic_base);

/* State components without side effects on us: HDC, HWP (SDM 1 13.1). CPUID
 * shows no other (cpuid.c). */
static int write_xss(struct vcpu *vcpu, u32 msr, u64 value)
{
	return value & ~XSS_GUEST_MAY_SET ? -EPERM : guarded_wrmsr(msr, value);
}

MSR_HANDLER(xss, MSR_XSS, MSR_XSS, NULL, write_xss);

/*
 * Microcode is the firmware's affair: an update from under us could add or
 * remove features that we looked at. The write is taken and dropped, so that
 * the guest's loader finds the old revision and gives up.
 */
int msr_drop_microcode(struct vcpu *vcpu, u32 msr, u64 value)
{
	if (note_refusal(msr, value, 0))
		printf("vmm: microcode update dropped (MSR 0x%x, 0x%lx)\n", msr,
		       value);
	return 0;
}
