/*
 * Making a VMCB: one that exits as rarely as can be.
 *
 * Not intercepted: interrupts (with V_INTR_MASKING off they go straight to the
 * guest), HLT, control registers, page faults, nearly all MSRs and I/O ports.
 * Intercepted: CPUID, so that the guest sees what we want it to see; SVM's own
 * instructions, since EFER.SVME must be set in the VMCB and they would work;
 * INVD; NMI; INIT; shutdown; #DB and #AC (see events.c); the few MSRs of msr.c
 * and I/O ports of io.c.
 * Control registers need no intercept: AMD has no CR4 bit that is dangerous to
 * us, and ours come back with every exit. Book: chapter 5.
 */
#include "heap/heap.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "svm/svm.h"
#include "vmm/msr.h"

#define INTERCEPTS1                                              \
	(INTERCEPT1_NMI | INTERCEPT1_INIT | INTERCEPT1_CPUID |   \
	 INTERCEPT1_INVD | INTERCEPT1_INVLPGA | INTERCEPT1_MSR | \
	 INTERCEPT1_SHUTDOWN)
#define INTERCEPTS2                                                  \
	(INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD | \
	 INTERCEPT2_VMSAVE | INTERCEPT2_STGI | INTERCEPT2_CLGI |     \
	 INTERCEPT2_SKINIT)

static void set_controls(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;

	c->intercept_exceptions = SVM_EXITING_EXCEPTIONS;
	c->intercept1 = INTERCEPTS1;
	c->intercept2 = INTERCEPTS2;
	c->msrpm_base = svm_vcpu(vcpu)->msrpm_phys.v;
	c->asid = 1;
	c->tlb_control = TLB_CONTROL_FLUSH_ALL;
	c->nested_control = NESTED_NP_ENABLE;
}

/* Our own FS, GS, TR and SYSCALL registers, for the VMLOAD after an exit. */
static int save_host_state(struct svm_vcpu *svm)
{
	void *page;
	int error = alloc_page(&page, &svm->host_vmcb_phys);

	if (error)
		return error;
	memset(page, 0, PAGE_SIZE);
	asm volatile("vmsave %%rax" : : "a"(svm->host_vmcb_phys) : "memory");
	return 0;
}

/* What INIT leaves alone: the guest starts with what firmware set. */
static void set_guest_msrs(struct svm_vcpu *svm)
{
	struct vmcb_save *s = &svm->vmcb->save;

	asm volatile("vmsave %%rax" : : "a"(svm->vmcb_phys) : "memory");
	s->g_pat = rdmsr(MSR_PAT);
	s->cr0 = read_cr0(); /* its CD and NW */
}

int svm_create(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = alloc(sizeof(*svm));
	int error;

	if (!svm)
		return -ENOMEM;
	memset(svm, 0, sizeof(*svm));
	vcpu->backend = svm;
	svm->nrips = cpuid(0x8000000a, 0).edx & SVM_FEATURE_NRIPS;
	svm->vmcb = new_page(&svm->vmcb_phys);
	svm->msrpm = new_pages(&svm->msrpm_phys, MSRPM_SIZE / PAGE_SIZE);
	if (!svm->vmcb || !svm->msrpm)
		return -ENOMEM;
	memset(svm->vmcb, 0, sizeof(*svm->vmcb));
	memset(svm->msrpm, MSRPM_WRITES_EXIT, MSRPM_SIZE);
	set_guest_msrs(svm); /* before svm_build_map() sets our PAT */
	error = save_host_state(svm);
	if (!error)
		error = svm_build_map(vcpu);
	if (error)
		return error;
	set_controls(vcpu);
	svm_intercept_own_msrs(vcpu);
	msr_intercept_all(vcpu);
	return 0;
}
