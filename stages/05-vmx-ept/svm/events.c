/*
 * Events into the guest: exceptions that Vellum raises, and those that an exit
 * held up half way. NMIs are a subject of their own (nmi.c).
 * Book: chapter 5.
 */
#include "lib/cpu.h"
#include "svm/svm.h"

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

/*
 * While Vellum runs GIF is 0, but for a CPU that waits for its start, and that
 * has nothing else on its way in.
 */
bool svm_inject_machine_check(struct vcpu *vcpu)
{
	if (svm_vmcb(vcpu)->control.event_injection & EVENT_VALID)
		return false;
	svm_inject_exception(vcpu, VECTOR_MC, 0);
	return true;
}

/*
 * The exit came while the guest was being given an interrupt or exception,
 * which is lost unless we give it again. Software interrupts are left out: RIP
 * still points at them. QEMU's TCG calls an external interrupt an exception.
 */
void svm_resume_delivery(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;
	u64 event = c->exit_int_info;
	uint vector = event & EVENT_VECTOR;
	u64 type = event >> EVENT_TYPE_SHIFT & 7;

	if (!(event & EVENT_VALID) || c->event_injection & EVENT_VALID)
		return;
	if (type == EVENT_TYPE_EXCEPTION && vector >= 32)
		event &= ~(7UL << EVENT_TYPE_SHIFT);
	else if (type == EVENT_TYPE_EXCEPTION &&
		 (vector == VECTOR_BP || vector == VECTOR_OF))
		return;
	else if (type != EVENT_TYPE_EXCEPTION && type != EVENT_TYPE_INTR &&
		 type != EVENT_TYPE_NMI)
		return;
	c->event_injection = event;
}

/*
 * A guest can make the delivery of #DB or #AC raise the same exception again,
 * without end and without an interruptible moment, and so hold the CPU for
 * ever (CVE-2015-5307, CVE-2015-8104). Intercepted, each round passes here,
 * where NMIs get through; then the guest gets its exception. DR6 and DR7 are
 * already as the guest must find them (APM 2 15.12.2). Others exit only while
 * an IRET is stepped over (nmi.c).
 */
bool svm_return_exception(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;
	u64 vector = c->exit_code - SVM_EXIT_EXCEPTION;

	if (vector >= 32)
		return false;
	if (svm_nmi_step_done(vcpu, vector))
		return true;
	svm_inject_exception(vcpu, vector, c->exit_info1);
	return true;
}
