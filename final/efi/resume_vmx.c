/*
 * A guest that goes on from a given state, in 64-bit mode: the firmware of a
 * UEFI machine. MSRs that the VMCS does not hold are still as it left them.
 * Book: chapter 7.
 */
#include "efi/resume.h"
#include "lib/cpu.h"
#include "vmx/vmx.h"

/* Numbers of a segment register's four fields differ by 2 from the next's. */
static void set_segment(enum segment_name name, const struct segment_state *s)
{
	vmcs_write(VMCS_GUEST_ES_SELECTOR + 2 * name, s->selector);
	vmcs_write(VMCS_GUEST_ES_BASE + 2 * name, s->base);
	vmcs_write(VMCS_GUEST_ES_LIMIT + 2 * name, s->limit);
	vmcs_write(VMCS_GUEST_ES_AR + 2 * name, s->access);
}

static void set_tables(const struct cpu_state *state)
{
	vmcs_write(VMCS_GUEST_GDTR_BASE, state->gdtr_base);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, state->gdtr_limit);
	vmcs_write(VMCS_GUEST_IDTR_BASE, state->idtr_base);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, state->idtr_limit);
}

void vmx_resume(struct vcpu *vcpu, const struct cpu_state *state)
{
	vmx_reset(vcpu, NULL);
	for (enum segment_name s = SEGMENT_ES; s < SEGMENT_COUNT; s++)
		set_segment(s, &state->segment[s]);
	set_tables(state);
	vmcs_write(VMCS_GUEST_CR3, state->cr3);
	vmx_set(vcpu, VCPU_CR4, state->cr4);
	vmx_set_efer(state->efer);
	vmx_load_cr0(vcpu, state->cr0);
	vmcs_write(VMCS_GUEST_RIP, state->rip);
	vmcs_write(VMCS_GUEST_RSP, state->rsp);
	vmcs_write(VMCS_GUEST_RFLAGS, state->rflags);
	vcpu->regs.rax = state->rax;
	vcpu->regs.rdx = 0;
}
