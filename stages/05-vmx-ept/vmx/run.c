/*
 * Running the guest until something happens that the rest of Vellum must see,
 * and the table of operations that the rest of Vellum calls.
 */
#include "lib/cpu.h"
#include "vmm/signals.h"
#include "vmx/events.h"
#include "vmx/vmx.h"

/* The exit reason (SDM 3C 25.9.1). */
#define BASIC_REASON        0xffff
#define REASON_FAILED_ENTRY BIT(31)

static u64 enter(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->backend;
	u64 flags;

	if (!vmx->launched)
		vmx_break_vmcs();
	flags = vmx_enter(&vcpu->regs, vmx->launched, cpu_call_waits());
	if (flags == VMX_ENTER_STOPPED)
		return flags;
	vcpu->exit_tsc = rdtsc();
	if (flags || (vmcs_read(VMCS_EXIT_REASON) & REASON_FAILED_ENTRY))
		vmx_entry_failed(vcpu, flags);
	vmx->launched = true;
	return 0;
}

/* Exits for #DB and #AC are an affair between the CPU and us. */
static bool is_our_exception(const struct vm_exit *exit)
{
	return (exit->hw_reason & BASIC_REASON) == 0 &&
	       exit->reason != EXIT_NMI;
}

void vmx_run(struct vcpu *vcpu, struct vm_exit *exit)
{
	for (;;) {
		while (enter(vcpu) == VMX_ENTER_STOPPED)
			cpu_call_serve(vcpu);
		vmx_decode_exit(exit);
		vmx_resume_delivery(exit->hw_reason & BASIC_REASON);
		if (!is_our_exception(exit))
			return;
		vmx_return_exception();
	}
}

const struct vcpu_ops vmx_ops = {
	.name = "VMX with EPT",
	.id = 1,
	.probe = vmx_probe,
	.preflight = vmx_preflight,
	.enable = vmx_enable,
	.create = vmx_create,
	.reset = vmx_reset,
	.start = vmx_start,
	.wait_for_sipi = vmx_wait_for_sipi,
	.run = vmx_run,
	.get = vmx_get,
	.set = vmx_set,
	.skip_instruction = vmx_skip_instruction,
	.skip_bytes = vmx_skip_bytes,
	.inject_exception = vmx_inject_exception,
	.nmi = vmx_nmi,
	.nmi_window = vmx_nmi_window,
	.end_nmi = vmx_end_nmi,
	.nmi_in_host = vmx_nmi_in_host,
	.stop_entry = vmx_stop_entry,
	.cr_write = vmx_cr_write,
	.read_msr = vmx_read_msr,
	.write_msr = vmx_write_msr,
	.intercept_msr = vmx_intercept_msr,
	.intercept_io = vmx_intercept_io,
	.filter_cpuid = vmx_filter_cpuid,
	.flush_map = vmx_flush_map,
	.dump = vmx_dump,
};
