/*
 * Non-maskable interrupts under SVM.
 *
 * An NMI is the guest's, or a call of another of Vellum's CPUs. So that a call
 * always gets through, NMIs are always intercepted, also while the guest is in
 * its NMI handler, maybe for ever. Then the CPU does not keep for us what it
 * would keep without us: an NMI that waits, and that others are blocked until
 * the handler's IRET (APM 2 15.21.8).
 *
 *	NMI exit ---> taken in the host ---> waits ---> injected, blocked
 *	                                       ^              | IRET is about
 *	                                       |              v to run
 *	                   the #DB after it <--- run IRET with TF set
 *
 * The exit for IRET comes before it. Were NMIs let in then, they would find the
 * handler's frame still in use. So IRET runs alone, as if single-stepped: with
 * all exceptions intercepted, interrupts held back, and TF set. It ends with a
 * #DB, or with the exception that IRET itself raises; both end the blocking.
 * With NT set it is the end of a task, which a task gate began: TF would stay
 * behind in its TSS. Then the blocking ends when the next exit comes from
 * elsewhere; what waits, waits until then.
 * As in hardware, one NMI can wait; a second one while it waits is lost.
 * Book: chapter 5, "NMIs".
 */
#include "lib/cpu.h"
#include "svm/svm.h"

#define VECTORS_ALL 0xffffffff

/*
 * From the first VMRUN on GIF is 0 in Vellum, so an NMI waits for the next one
 * and exits there. This is one that svm_take_pending() lets in, or came to a
 * CPU that waits for a start-up IPI, which takes no NMI.
 */
void svm_nmi_in_host(void)
{
}

/* Let NMIs come while Vellum runs, or no longer. */
void svm_listen(bool on)
{
	if (on)
		asm volatile("stgi" : : : "memory");
	else
		asm volatile("clgi" : : : "memory");
}

void svm_end_nmi(struct vcpu *vcpu)
{
	svm_take_pending();
}

/* The NMI is pending still: let it come, and end in svm_nmi_in_host(). */
void svm_nmi(struct vcpu *vcpu, const struct vm_exit *exit)
{
	svm_take_pending();
	svm_vcpu(vcpu)->nmi.waits = true;
}

void svm_nmi_before_entry(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;
	struct svm_nmi *nmi = &svm_vcpu(vcpu)->nmi;

	if (nmi->leaves_task && svm_vmcb(vcpu)->save.rip != nmi->iret)
		nmi->leaves_task = nmi->blocked = false;
	if (nmi->steps)
		c->interrupt_shadow |= INTERRUPT_SHADOW;
	if (!nmi->waits || nmi->blocked || (c->event_injection & EVENT_VALID))
		return;
	c->event_injection =
		EVENT_VALID | EVENT_TYPE_NMI << EVENT_TYPE_SHIFT | VECTOR_NMI;
	c->interrupt_shadow &= ~INTERRUPT_SHADOW;
	c->intercept1 |= INTERCEPT1_IRET;
	nmi->waits = false;
	nmi->blocked = true;
}

/* The handler's IRET is next. */
void svm_nmi_window(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vmcb *vmcb = svm_vmcb(vcpu);
	struct svm_nmi *nmi = &svm_vcpu(vcpu)->nmi;

	vmcb->control.intercept1 &= ~INTERCEPT1_IRET;
	if (vmcb->save.rflags & RFLAGS_NT) {
		nmi->leaves_task = true;
		nmi->iret = vmcb->save.rip;
		return;
	}
	nmi->steps = true;
	nmi->trap_flag = vmcb->save.rflags & RFLAGS_TF;
	nmi->dr6 = vmcb->save.dr6;
	vmcb->save.rflags |= RFLAGS_TF;
	vmcb->control.intercept_exceptions = VECTORS_ALL;
}

/* IRET is done. Is there anything in its #DB that the guest must see? */
static bool has_other_cause(const struct svm_nmi *nmi, struct vmcb_save *s)
{
	if (nmi->trap_flag)
		return true;
	s->dr6 = (s->dr6 & ~DR6_BS) | (nmi->dr6 & DR6_BS);
	return (s->dr6 ^ nmi->dr6) & DR6_B;
}

/* IRET has raised @vector instead, and is to see the RFLAGS that it had. */
static void undo_step(const struct svm_nmi *nmi, struct vmcb *vmcb, u64 vector)
{
	if (!nmi->trap_flag)
		vmcb->save.rflags &= ~RFLAGS_TF;
	if (vector == VECTOR_PF) /* an intercepted one leaves CR2 to us */
		vmcb->save.cr2 = vmcb->control.exit_info2;
}

bool svm_nmi_step_done(struct vcpu *vcpu, u64 vector)
{
	struct vmcb *vmcb = svm_vmcb(vcpu);
	struct svm_nmi *nmi = &svm_vcpu(vcpu)->nmi;
	bool quiet = false;

	if (!nmi->steps)
		return false;
	if (vector == VECTOR_DB)
		quiet = !has_other_cause(nmi, &vmcb->save);
	else
		undo_step(nmi, vmcb, vector);
	svm_nmi_reset(vcpu);
	return quiet;
}

/* NMIs are not blocked; one that waits goes on waiting. */
void svm_nmi_reset(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;
	struct svm_nmi *nmi = &svm_vcpu(vcpu)->nmi;

	nmi->blocked = nmi->steps = nmi->leaves_task = false;
	c->intercept1 &= ~INTERCEPT1_IRET;
	c->intercept_exceptions = SVM_EXITING_EXCEPTIONS;
	c->interrupt_shadow &= ~INTERRUPT_SHADOW;
}
