/*
 * The guest's state after INIT, or where the BIOS would have jumped to a boot
 * sector (APM 2 14.1.3).
 */
#include "lib/cpu.h"
#include "lib/string.h"
#include "svm/svm.h"

#define SEGMENT_DATA 0x93 /* present, writable, accessed */
#define SEGMENT_CODE 0x9b /* present, readable, accessed */
#define SEGMENT_LDT  0x82
#define SEGMENT_TSS  0x8b /* busy */

static struct vmcb_segment make_segment(u16 selector, u64 base, u16 attributes)
{
	return (struct vmcb_segment){
		.selector = selector,
		.base = base,
		.limit = 0xffff,
		.attributes = attributes,
	};
}

static struct vmcb_segment real_mode_data(u16 selector)
{
	return make_segment(selector, (u64)selector << 4, SEGMENT_DATA);
}

/*
 * APM 2 14.1.3, table 14-1: the state after INIT. What is not named here stays:
 * the caches are as they were, and so are the MSRs (PAT, STAR, SYSENTER, ...).
 */
static void reset_save_area(struct vmcb_save *s)
{
	s->cs = make_segment(0xf000, 0xffff0000, SEGMENT_CODE);
	s->es = s->ss = s->ds = s->fs = s->gs = real_mode_data(0);
	s->gdtr = s->idtr = make_segment(0, 0, 0);
	s->ldtr = make_segment(0, 0, SEGMENT_LDT);
	s->tr = make_segment(0, 0, SEGMENT_TSS);
	s->cpl = 0;
	s->rip = 0xfff0;
	s->rsp = s->rax = 0;
	s->rflags = RFLAGS_FIXED;
	s->cr0 = CR0_ET | (s->cr0 & (CR0_CD | CR0_NW));
	s->cr2 = s->cr3 = s->cr4 = 0;
	s->dr6 = DR6_RESET;
	s->dr7 = DR7_RESET;
	s->efer = EFER_SVME; /* must be set; the guest doesn't see it */
}

static void set_real_mode_entry(struct vcpu *vcpu,
				const struct real_mode_entry *entry)
{
	struct vmcb_save *s = &svm_vmcb(vcpu)->save;

	s->cs = make_segment(entry->cs, (u64)entry->cs << 4, SEGMENT_CODE);
	s->ss = real_mode_data(entry->ss);
	s->ds = real_mode_data(entry->ds);
	s->es = real_mode_data(entry->es);
	s->idtr.limit = 0x3ff; /* the real-mode vector table */
	s->rip = entry->ip;
	s->rsp = entry->sp;
	vcpu->regs.rdx = entry->dl;
}

void svm_reset(struct vcpu *vcpu, const struct real_mode_entry *entry)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;

	c->event_injection = 0;
	svm_nmi_reset(vcpu);
	svm_vcpu(vcpu)->nmi.waits = false;
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	vcpu->regs.rdx = cpuid(1, 0).eax; /* family, model, stepping */
	reset_save_area(&svm_vmcb(vcpu)->save);
	clear_breakpoints();
	c->interrupt_shadow = 0;
	if (entry)
		set_real_mode_entry(vcpu, entry);
	svm_flush_map(vcpu);
}

void svm_start(struct vcpu *vcpu, u8 vector)
{
	struct vmcb_save *s = &svm_vmcb(vcpu)->save;

	svm_reset(vcpu, NULL);
	s->cs = make_segment(vector << 8, (u64)vector << 12, SEGMENT_CODE);
	s->rip = 0;
}
