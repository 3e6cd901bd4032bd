/*
 * The guest's state, out of the VMCB and what VMSAVE put there: the reverse of
 * efi/resume_svm.c. Book: chapter 16.
 */
#include "lib/cpu.h"
#include "paging/guarded.h"
#include "svm/svm.h"
#include "unload/leave.h"

#define MSR_OLD_PERF_CTL0 0xc0010000
#define MSR_OLD_PERF_CTL3 0xc0010003
#define MSR_PERF_CTL0     0xc0010200
#define MSR_PERF_CTL5     0xc001020a

#define PERF_GUEST_ONLY BIT(40)

const char *svm_leave_obstacle(struct vcpu *vcpu)
{
	const struct vmcb_control *c = &svm_vmcb(vcpu)->control;
	const struct svm_nmi *nmi = &svm_vcpu(vcpu)->nmi;

	if (nmi->blocked || nmi->steps)
		return "it is in an NMI handler";
	if (nmi->waits || (c->event_injection & EVENT_VALID))
		return "an event is on its way to it";
	if (c->interrupt_shadow & INTERRUPT_SHADOW)
		return "it is behind STI or MOV SS";
	return NULL;
}

/* Access rights with the hole that the VMX layout has. */
static struct segment_state from_vmcb(const struct vmcb_segment *v)
{
	return (struct segment_state){
		.selector = v->selector,
		.access = (v->attributes & 0xff) | (u32)(v->attributes & 0xf00)
							   << 4,
		.limit = v->limit,
		.base = v->base,
	};
}

static void take_segments(const struct vmcb_save *s, struct cpu_state *state)
{
	struct segment_state *to = state->segment;

	to[SEGMENT_ES] = from_vmcb(&s->es);
	to[SEGMENT_CS] = from_vmcb(&s->cs);
	to[SEGMENT_SS] = from_vmcb(&s->ss);
	to[SEGMENT_DS] = from_vmcb(&s->ds);
	to[SEGMENT_FS] = from_vmcb(&s->fs);
	to[SEGMENT_GS] = from_vmcb(&s->gs);
	to[SEGMENT_LDTR] = from_vmcb(&s->ldtr);
	to[SEGMENT_TR] = from_vmcb(&s->tr);
	state->gdtr_base = s->gdtr.base;
	state->gdtr_limit = s->gdtr.limit;
	state->idtr_base = s->idtr.base;
	state->idtr_limit = s->idtr.limit;
}

void svm_leave_state(struct vcpu *vcpu, struct leave_state *state)
{
	const struct vmcb_save *s = &svm_vmcb(vcpu)->save;

	take_segments(s, &state->cpu);
	state->cpu.rip = s->rip;
	state->cpu.rsp = s->rsp;
	state->cpu.rflags = s->rflags;
	state->cpu.cr0 = s->cr0;
	state->cpu.cr3 = s->cr3;
	state->cpu.cr4 = s->cr4;
	state->cpu.efer = s->efer & ~EFER_SVME;
	state->cr2 = s->cr2;
	state->dr7 = s->dr7;
}

/* Without SVM a counter that is to count in guests alone does not count
 * (APM 2 13.2.1). */
static void let_count(u32 msr)
{
	u64 control;

	if (!guarded_rdmsr(msr, &control) && (control & PERF_GUEST_ONLY))
		guarded_wrmsr(msr, control & ~PERF_GUEST_ONLY);
}

void svm_leave_msrs(struct vcpu *vcpu)
{
	const struct vmcb_save *s = &svm_vmcb(vcpu)->save;

	wrmsr(MSR_STAR, s->star);
	wrmsr(MSR_LSTAR, s->lstar);
	wrmsr(MSR_CSTAR, s->cstar);
	wrmsr(MSR_SFMASK, s->sfmask);
	wrmsr(MSR_KERNEL_GS_BASE, s->kernel_gs_base);
	wrmsr(MSR_SYSENTER_CS, s->sysenter_cs);
	wrmsr(MSR_SYSENTER_ESP, s->sysenter_esp);
	wrmsr(MSR_SYSENTER_EIP, s->sysenter_eip);
	wrmsr(MSR_PAT, s->g_pat);
	asm volatile("mov %0, %%dr6" : : "r"(s->dr6));
	for (u32 msr = MSR_OLD_PERF_CTL0; msr <= MSR_OLD_PERF_CTL3; msr++)
		let_count(msr);
	for (u32 msr = MSR_PERF_CTL0; msr <= MSR_PERF_CTL5; msr += 2)
		let_count(msr);
}

void svm_leave_a20(void)
{
	u64 vm_cr;

	if (!guarded_rdmsr(MSR_VM_CR, &vm_cr))
		guarded_wrmsr(MSR_VM_CR, vm_cr & ~VM_CR_DIS_A20M);
}
