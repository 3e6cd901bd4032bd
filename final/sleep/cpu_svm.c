/*
 * Putting a VMCB away for a sleep, and taking it up again: it is in memory at
 * all times. Book: chapter 9.
 */
#include "lib/cpu.h"
#include "sleep/s3_internal.h"
#include "svm/svm.h"

void svm_put_away(struct vcpu *vcpu)
{
}

void svm_take_up(struct vcpu *vcpu)
{
	svm_flush_map(vcpu);
}

/* As svm_create() does. */
void svm_power_on(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_vcpu(vcpu);
	struct vmcb_save *s = &svm->vmcb->save;

	asm volatile("vmsave %%rax" : : "a"(svm->vmcb_phys) : "memory");
	s->g_pat = rdmsr(MSR_PAT);
	s->cr0 = read_cr0(); /* its CD and NW: the caches are on */
}
