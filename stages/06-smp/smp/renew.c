/*
 * A CPU remembers in its TLB what it has walked, and nobody else can make it
 * forget. So who has taken an entry away calls all others, and waits until none
 * is in the guest with the old one: once a CPU has taken its call it is in
 * Vellum, and it flushes before it goes back. Book: chapter 6, "A call".
 */
#include "smp/renew.h"

#include "lib/cpu.h"
#include "smp/call.h"
#include "smp/panic.h"
#include "vmm/vcpu.h"

void smp_renew_map(struct vcpu *vcpu)
{
	nested_root_renew(&vcpu->root);
	vcpu_ops->flush_map(vcpu);
}

/* One that waits in the guest flushes when it starts. */
static bool may_be_in_guest(struct smp_cpu *cpu)
{
	return cpu != smp_self() && smp_is_ready(cpu) &&
	       !smp_waits_in_guest(cpu);
}

void smp_renew_maps(void)
{
	for (uint i = 0; i < smp_count; i++)
		if (may_be_in_guest(&smp_cpus[i]))
			smp_call(&smp_cpus[i]);
	for (uint i = 0; i < smp_count; i++)
		while (may_be_in_guest(&smp_cpus[i]) &&
		       __atomic_load_n(&smp_cpus[i].called, __ATOMIC_SEQ_CST)) {
			smp_stop_if_panic();
			cpu_pause();
		}
	smp_renew_map(vcpu_current());
}
