/*
 * A guest that goes on from a given state, in 64-bit mode: the firmware of a
 * UEFI machine. The VMCB gets what VMRUN loads, and what VMLOAD loads, too.
 * Book: chapter 7.
 */
#include "efi/resume.h"
#include "lib/cpu.h"
#include "svm/svm.h"

/* The VMCB keeps access rights without the hole that the VMX layout has. */
static struct vmcb_segment to_vmcb(const struct segment_state *s)
{
	struct vmcb_segment v = {
		.selector = s->selector,
		.limit = s->limit,
		.base = s->base,
	};

	if (!(s->access & SEGMENT_UNUSABLE))
		v.attributes = (s->access & 0xff) | (s->access >> 4 & 0xf00);
	return v;
}

static void set_segments(struct vmcb_save *save, const struct cpu_state *state)
{
	const struct segment_state *s = state->segment;

	save->es = to_vmcb(&s[SEGMENT_ES]);
	save->cs = to_vmcb(&s[SEGMENT_CS]);
	save->ss = to_vmcb(&s[SEGMENT_SS]);
	save->ds = to_vmcb(&s[SEGMENT_DS]);
	save->fs = to_vmcb(&s[SEGMENT_FS]);
	save->gs = to_vmcb(&s[SEGMENT_GS]);
	save->ldtr = to_vmcb(&s[SEGMENT_LDTR]);
	save->tr = to_vmcb(&s[SEGMENT_TR]);
	save->gdtr.base = state->gdtr_base;
	save->gdtr.limit = state->gdtr_limit;
	save->idtr.base = state->idtr_base;
	save->idtr.limit = state->idtr_limit;
}

void svm_resume(struct vcpu *vcpu, const struct cpu_state *state)
{
	struct vmcb_save *save = &svm_vmcb(vcpu)->save;

	svm_reset(vcpu, NULL);
	set_segments(save, state);
	save->cr0 = state->cr0;
	save->cr3 = state->cr3;
	save->cr4 = state->cr4;
	save->efer = state->efer | EFER_SVME;
	save->rip = state->rip;
	save->rsp = state->rsp;
	save->rflags = state->rflags;
	vcpu->regs.rax = state->rax;
	vcpu->regs.rdx = 0;
}
