/*
 * Putting a VMCS away for a sleep, and taking it up again.
 *
 * The CPU may keep a VMCS to itself for as long as it is active; only VMCLEAR
 * writes all of it to memory (SDM 3C 25.11.1). After it VMLAUNCH is due, not
 * VMRESUME. Book: chapter 9.
 */
#include "console/panic.h"
#include "lib/cpu.h"
#include "sleep/s3_internal.h"
#include "vmx/vmx.h"

#define MSR_PERF_GLOBAL_CTRL 0x38f

/* From the first line on no NMI writes to the VMCS. */
void vmx_put_away(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->backend;
	bool failed;

	vmx_nmi_init(NULL);
	asm volatile("vmclear %1"
		     : "=@ccbe"(failed)
		     : "m"(vmx->vmcs)
		     : "memory");
	assert(!failed);
	vmx->launched = false;
}

void vmx_take_up(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->backend;
	bool failed;

	asm volatile("vmptrld %1"
		     : "=@ccbe"(failed)
		     : "m"(vmx->vmcs)
		     : "memory");
	assert(!failed);
	vmx_nmi_init(vmx);
	vmx_flush_map(vcpu);
	vmx_flush_vpid();
}

/* As vmx_create() does; all else that the VMCS has of the guest, INIT resets.
 * Caches are on: the firmware wants them, too. */
void vmx_power_on(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->backend;

	vmcs_write(VMCS_GUEST_PAT, rdmsr(MSR_PAT));
	vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, rdmsr(MSR_SYSENTER_ESP));
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, rdmsr(MSR_SYSENTER_EIP));
	vmcs_write(VMCS_CR0_SHADOW, 0);
	if (vmcs_read(VMCS_EXIT_MSR_STORE_COUNT))
		vmx->switched->guest.value = rdmsr(MSR_PERF_GLOBAL_CTRL);
}
