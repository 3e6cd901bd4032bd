/*
 * Calling another CPU, and being called: see call.h.
 */
#include "smp/call.h"

#include "lib/cpu.h"
#include "paging/trap.h"
#include "smp/lapic.h"
#include "vmm/vcpu.h"

extern const char cpu_idle_start[], cpu_idle_end[];

bool (*smp_on_call)(struct vcpu *vcpu, bool waits);

static void (*do_at_once)(const struct trap_frame *frame);

void smp_call(struct smp_cpu *cpu)
{
	__atomic_store_n(&cpu->wake, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_exchange_n(&cpu->called, 1, __ATOMIC_SEQ_CST))
		lapic_send(cpu->apic_id, ICR_MODE_NMI | ICR_ASSERT);
}

bool smp_call_taken(void)
{
	return __atomic_exchange_n(&smp_self()->called, 0, __ATOMIC_SEQ_CST);
}

/* What comes between the last look at *wake and HLT must not be slept over. */
static void leave_idle(struct trap_frame *frame)
{
	if (frame->rip >= (u64)cpu_idle_start && frame->rip < (u64)cpu_idle_end)
		frame->rip = (u64)cpu_idle_end;
}

static bool nmi_in_host(struct trap_frame *frame)
{
	leave_idle(frame);
	if (!smp_call_taken()) {
		vcpu_ops->nmi_in_host();
		return true;
	}
	do_at_once(frame);
	__atomic_store_n(&vcpu_current()->stop, 1, __ATOMIC_SEQ_CST);
	if (vcpu_ops->stop_entry)
		vcpu_ops->stop_entry(frame);
	return true;
}

void smp_take_calls(void (*at_once)(const struct trap_frame *frame))
{
	do_at_once = at_once;
	trap_set_handler(VECTOR_NMI, nmi_in_host);
}
