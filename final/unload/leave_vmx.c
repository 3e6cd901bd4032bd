/*
 * The guest's state, out of the VMCS: the reverse of efi/resume_vmx.c. MSRs
 * that it does not hold are in the CPU already. Book: chapter 16.
 */
#include "unload/leave.h"
#include "vmx/vmx.h"

/* GUEST_ACTIVITY (SDM 3C 25.4.2): it runs, or HLT has stopped it. */
#define ACTIVITY_HLT 1

#define MSR_DEBUGCTL 0x1d9

/* It has opened the window, whoever has taken it (vmx/nmi.c). */
bool vmx_leave_nmi_waits(void)
{
	return vmcs_read(VMCS_PROC_CONTROLS) & PROC_NMI_WINDOW;
}

/*
 * HLT is no obstacle: the guest goes on behind it, as after an interrupt that
 * nobody else has seen. An SMI can do the same to it.
 */
const char *vmx_leave_obstacle(struct vcpu *vcpu)
{
	u64 state = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (state & BLOCKED_BY_NMI)
		return "it is in an NMI handler";
	if ((vmcs_read(VMCS_ENTRY_EVENT) & EVENT_VALID) ||
	    vmcs_read(VMCS_GUEST_PENDING_DEBUG) || vmx_leave_nmi_waits())
		return "an event is on its way to it";
	if (state)
		return "it is behind STI or MOV SS";
	if (vmcs_read(VMCS_GUEST_ACTIVITY) > ACTIVITY_HLT)
		return "it is shut down";
	return NULL;
}

/* Numbers of a segment register's four fields differ by 2 from the next's. */
static struct segment_state get_segment(enum segment_name name)
{
	return (struct segment_state){
		.selector = vmcs_read(VMCS_GUEST_ES_SELECTOR + 2 * name),
		.access = vmcs_read(VMCS_GUEST_ES_AR + 2 * name),
		.limit = vmcs_read(VMCS_GUEST_ES_LIMIT + 2 * name),
		.base = vmcs_read(VMCS_GUEST_ES_BASE + 2 * name),
	};
}

void vmx_leave_state(struct vcpu *vcpu, struct leave_state *state)
{
	struct cpu_state *s = &state->cpu;

	for (enum segment_name n = SEGMENT_ES; n < SEGMENT_COUNT; n++)
		s->segment[n] = get_segment(n);
	s->gdtr_base = vmcs_read(VMCS_GUEST_GDTR_BASE);
	s->gdtr_limit = vmcs_read(VMCS_GUEST_GDTR_LIMIT);
	s->idtr_base = vmcs_read(VMCS_GUEST_IDTR_BASE);
	s->idtr_limit = vmcs_read(VMCS_GUEST_IDTR_LIMIT);
	s->rip = vmcs_read(VMCS_GUEST_RIP);
	s->rsp = vmcs_read(VMCS_GUEST_RSP);
	s->rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	s->cr0 = vmx_get(vcpu, VCPU_CR0);
	s->cr3 = vmcs_read(VMCS_GUEST_CR3);
	s->cr4 = vmx_get(vcpu, VCPU_CR4);
	s->efer = vmcs_read(VMCS_GUEST_EFER);
	state->cr2 = vcpu->regs.cr2;
	state->dr7 = vmcs_read(VMCS_GUEST_DR7);
}

void vmx_leave_msrs(struct vcpu *vcpu)
{
	const struct vmx_vcpu *vmx = vcpu->backend;
	const struct vmx_msr_entry *counters = &vmx->switched->guest;

	wrmsr(MSR_SYSENTER_CS, vmcs_read(VMCS_GUEST_SYSENTER_CS));
	wrmsr(MSR_SYSENTER_ESP, vmcs_read(VMCS_GUEST_SYSENTER_ESP));
	wrmsr(MSR_SYSENTER_EIP, vmcs_read(VMCS_GUEST_SYSENTER_EIP));
	wrmsr(MSR_PAT, vmcs_read(VMCS_GUEST_PAT));
	wrmsr(MSR_DEBUGCTL, vmcs_read(VMCS_GUEST_DEBUGCTL));
	if (vmcs_read(VMCS_ENTRY_MSR_LOAD_COUNT))
		wrmsr(counters->index, counters->value);
}
