/*
 * The virtual CPUs, and the back end that they all have. Book: chapter 5.
 */
#include "vmm/vcpu.h"

#include "lib/cpu.h"
#include "lib/percpu.h"

const struct vcpu_ops *vcpu_ops;

static PERCPU(struct vcpu *, current_vcpu);

static struct vcpu *all_vcpus;

struct vcpu *vcpu_current(void)
{
	return *this_cpu(current_vcpu);
}

struct vcpu *vcpu_first(void)
{
	return __atomic_load_n(&all_vcpus, __ATOMIC_ACQUIRE);
}

/* Others may be added at the same time. */
void vcpu_add(struct vcpu *vcpu)
{
	*this_cpu(current_vcpu) = vcpu;
	vcpu->next = __atomic_load_n(&all_vcpus, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&all_vcpus, &vcpu->next, vcpu,
					    false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		cpu_pause();
}
