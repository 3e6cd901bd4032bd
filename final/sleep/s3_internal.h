/*
 * What going to sleep and coming back know of each other. Private to sleep/.
 */
#ifndef SLEEP_S3_INTERNAL_H
#define SLEEP_S3_INTERNAL_H

#include "sleep/facs.h"
#include "vmm/vcpu.h"

/*
 * A virtual CPU without its CPU, in each back end. Put away: all its state is
 * in memory. Take up: the CPU, with VMX or SVM on, has it again. Power on: what
 * the hardware resets with the power, and INIT does not, becomes what this CPU
 * has now. On its CPU.
 */
void vmx_put_away(struct vcpu *vcpu);
void vmx_take_up(struct vcpu *vcpu);
void vmx_power_on(struct vcpu *vcpu);
void svm_put_away(struct vcpu *vcpu);
void svm_take_up(struct vcpu *vcpu);
void svm_power_on(struct vcpu *vcpu);

static inline void vcpu_put_away(struct vcpu *vcpu)
{
	if (CONFIG_VMX && vcpu_ops == &vmx_ops)
		vmx_put_away(vcpu);
	else if (CONFIG_SVM)
		svm_put_away(vcpu);
}

static inline void vcpu_take_up(struct vcpu *vcpu)
{
	if (CONFIG_VMX && vcpu_ops == &vmx_ops)
		vmx_take_up(vcpu);
	else if (CONFIG_SVM)
		svm_take_up(vcpu);
}

static inline void vcpu_power_on(struct vcpu *vcpu)
{
	if (CONFIG_VMX && vcpu_ops == &vmx_ops)
		vmx_power_on(vcpu);
	else if (CONFIG_SVM)
		svm_power_on(vcpu);
}

/*
 * Keep what CPU 0 needs to come back, and have it expected: the firmware is to
 * call the result, an address below 1 MiB. Awake again, CPUs that were never
 * here run @each, and before the guest goes on, at @guest's vector, CPU 0 runs
 * @awake. CPU 0.
 */
u32 wake_prepare(const struct facs_vectors *guest, void (*each)(void),
		 void (*awake)(void));

/* Nobody is to come back any more. */
void wake_cancel(void);

#endif
