/*
 * NMIs that come while the CPU runs Vellum, and the calls among them.
 */
#include "vmm/signals.h"

#include "lib/cpu.h"
#include "paging/trap.h"
#include "vmm/vcpu.h"

const struct cpu_signals *cpu_signals;

PERCPU(u32, called);

/* A call came in the midst of Vellum; cpu_call_serve() will see to it. */
static PERCPU(u32, call_waits);

extern const char cpu_idle_start[], cpu_idle_end[];

bool cpu_call_taken(void)
{
	return __atomic_exchange_n(this_cpu(called), 0, __ATOMIC_SEQ_CST);
}

u32 *cpu_call_waits(void)
{
	return this_cpu(call_waits);
}

void cpu_call_serve(struct vcpu *vcpu)
{
	while (__atomic_exchange_n(this_cpu(call_waits), 0, __ATOMIC_SEQ_CST))
		cpu_signals->call(vcpu);
}

/* What comes between the last look at *wake and HLT must not be slept over. */
static void leave_idle(struct trap_frame *frame)
{
	if (frame->rip >= (u64)cpu_idle_start && frame->rip < (u64)cpu_idle_end)
		frame->rip = (u64)cpu_idle_end;
}

static bool nmi_in_host(struct trap_frame *frame)
{
	if (!vcpu_ops)
		return false;
	leave_idle(frame);
	if (!cpu_call_taken())
		return vcpu_ops->nmi_in_host(frame);
	cpu_signals->call_nmi();
	__atomic_store_n(this_cpu(call_waits), 1, __ATOMIC_SEQ_CST);
	if (vcpu_ops->stop_entry)
		vcpu_ops->stop_entry(frame);
	return true;
}

void vmm_take_nmis(void)
{
	trap_set_handler(VECTOR_NMI, nmi_in_host);
}
