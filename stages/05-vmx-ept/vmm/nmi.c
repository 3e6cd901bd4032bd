/*
 * NMIs: those that make the guest exit, and those that come while the CPU runs
 * Vellum. Both are the guest's, unless another CPU of ours has sent them.
 */
#include "vmm/nmi.h"

#include "lib/cpu.h"
#include "paging/trap.h"
#include "vmm/machine_check.h"
#include "vmm/vcpu.h"

const struct cpu_signals *cpu_signals;

void cpu_stop_serve(struct vcpu *vcpu)
{
	while (__atomic_exchange_n(&vcpu->stop, 0, __ATOMIC_SEQ_CST))
		if (cpu_signals)
			cpu_signals->stop(vcpu);
	machine_check_serve(vcpu);
}

EXIT_HANDLER(NMI)
{
	if (!cpu_signals || !cpu_signals->nmi(vcpu))
		vcpu_ops->nmi(vcpu, exit);
}

EXIT_HANDLER(NMI_WINDOW)
{
	vcpu_ops->nmi_window(vcpu, exit);
}

/* Without a guest there is nobody who could use it: it is dropped. */
static bool nmi_in_host(struct trap_frame *frame)
{
	if (vcpu_ops)
		vcpu_ops->nmi_in_host();
	return true;
}

void vmm_take_nmis(void)
{
	trap_set_handler(VECTOR_NMI, nmi_in_host);
	machine_checks_keep();
}
