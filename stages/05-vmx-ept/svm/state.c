/*
 * The guest's state by name, its next instruction, its exceptions.
 */
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "svm/svm.h"
#include "vmm/cpu_mode.h"

/* The VMCB keeps a descriptor's flags without the hole of the VMX layout. */
static u64 to_vmx_layout(u16 attributes)
{
	return (attributes & 0xff) | (u64)(attributes & 0xf00) << 4;
}

static u64 *field(struct vmcb_save *s, enum vcpu_reg reg)
{
	switch (reg) {
	case VCPU_RIP:
		return &s->rip;
	case VCPU_RSP:
		return &s->rsp;
	case VCPU_RFLAGS:
		return &s->rflags;
	case VCPU_CR0:
		return &s->cr0;
	case VCPU_CR3:
		return &s->cr3;
	case VCPU_CR4:
		return &s->cr4;
	default:
		return NULL;
	}
}

u64 svm_get(struct vcpu *vcpu, enum vcpu_reg reg)
{
	struct vmcb_save *s = &svm_vmcb(vcpu)->save;
	u64 *f = field(s, reg);

	if (f)
		return *f;
	switch (reg) {
	case VCPU_EFER:
		return s->efer & ~EFER_SVME;
	case VCPU_CS_BASE:
		return s->cs.base;
	case VCPU_CS_ATTR:
		return to_vmx_layout(s->cs.attributes);
	case VCPU_SS_ATTR:
		return to_vmx_layout(s->ss.attributes);
	default:
		panic("svm_get: no register %d", reg);
	}
}

void svm_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value)
{
	struct vmcb_save *s = &svm_vmcb(vcpu)->save;
	u64 *f = field(s, reg);

	if (f)
		*f = value;
	else if (reg == VCPU_EFER)
		s->efer = value | EFER_SVME;
	else
		panic("svm_set: no register %d", reg);
}

static void skip_to(struct vcpu *vcpu, u64 rip)
{
	struct vmcb *vmcb = svm_vmcb(vcpu);

	vmcb->save.rip = rip;
	vmcb->control.interrupt_shadow &= ~INTERRUPT_SHADOW;
	/* RF holds for one instruction, and this one is done (APM 2 3.1.6). */
	vmcb->save.rflags &= ~RFLAGS_RF;
	/* A single-stepped instruction ends with a #DB (APM 2 13.1.4). */
	if (vmcb->save.rflags & RFLAGS_TF) {
		vmcb->save.dr6 |= BIT(14); /* BS */
		svm_inject_exception(vcpu, VECTOR_DB, 0);
	}
}

void svm_skip_bytes(struct vcpu *vcpu, uint length)
{
	skip_to(vcpu, guest_next_rip(vcpu, length));
}

void svm_skip_instruction(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;

	if (c->exit_code == SVM_EXIT_IO)
		skip_to(vcpu, c->exit_info2);
	else if (svm_vcpu(vcpu)->nrips && c->next_rip)
		skip_to(vcpu, c->next_rip);
	else
		svm_skip_bytes(vcpu, svm_instruction_length(vcpu));
}

/* Vectors whose frame has an error code (APM 2 8.2). */
#define HAS_ERROR_CODE \
	(BIT(8) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) | BIT(17))

/* In real mode no exception pushes an error code. */
void svm_inject_exception(struct vcpu *vcpu, uint vector, u32 error)
{
	u64 event =
		EVENT_VALID | EVENT_TYPE_EXCEPTION << EVENT_TYPE_SHIFT | vector;

	if ((HAS_ERROR_CODE >> vector & 1) &&
	    (svm_vmcb(vcpu)->save.cr0 & CR0_PE))
		event |= EVENT_ERROR_VALID | (u64)error << EVENT_ERROR_SHIFT;
	svm_vmcb(vcpu)->control.event_injection = event;
}

static void dump_segment(const char *name, const struct vmcb_segment *s)
{
	printf("  %-4s %04x base 0x%lx limit 0x%x attributes 0x%x\n", name,
	       s->selector, s->base, s->limit, s->attributes);
}

void svm_dump(struct vcpu *vcpu)
{
	struct vmcb *vmcb = svm_vmcb(vcpu);
	struct vmcb_save *s = &vmcb->save;
	struct guest_regs *r = &vcpu->regs;

	printf("guest: exit 0x%lx info 0x%lx 0x%lx\n", vmcb->control.exit_code,
	       vmcb->control.exit_info1, vmcb->control.exit_info2);
	printf("  rip 0x%lx rsp 0x%lx rflags 0x%lx\n", s->rip, s->rsp,
	       s->rflags);
	printf("  rax 0x%lx rbx 0x%lx rcx 0x%lx rdx 0x%lx\n", r->rax, r->rbx,
	       r->rcx, r->rdx);
	printf("  rsi 0x%lx rdi 0x%lx rbp 0x%lx\n", r->rsi, r->rdi, r->rbp);
	printf("  cr0 0x%lx cr2 0x%lx cr3 0x%lx cr4 0x%lx efer 0x%lx\n", s->cr0,
	       s->cr2, s->cr3, s->cr4, s->efer);
	dump_segment("cs", &s->cs);
	dump_segment("ss", &s->ss);
	dump_segment("ds", &s->ds);
	dump_segment("tr", &s->tr);
	dump_segment("gdtr", &s->gdtr);
	dump_segment("idtr", &s->idtr);
}
