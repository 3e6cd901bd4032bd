/*
 * VM-entry checks on the host's state (SDM 3C 27.2.2 to 27.2.4).
 */
#include "lib/cpu.h"
#include "vmx/check.h"

#define SELECTOR_TI_RPL 7UL
#define EFER_KNOWN      (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static void check_registers(struct vmx_check *check)
{
	const struct vmx_caps *caps = check->caps;
	u64 cr0 = READ(HOST_CR0) & ~(CR0_CD | CR0_NW), cr4 = READ(HOST_CR4);
	u64 exit = READ(EXIT_CONTROLS), efer = READ(HOST_EFER);
	u64 mode = exit & EXIT_HOST_64 ? EFER_LME | EFER_LMA : 0;

	check->section = "27.2.2";
	vmx_require(check, VMCS_HOST_CR0,
		    !(caps->cr0_fixed0 & ~cr0) && !(cr0 & ~caps->cr0_fixed1),
		    "must have the bits that VMX operation fixes");
	vmx_require(check, VMCS_HOST_CR4,
		    !(caps->cr4_fixed0 & ~cr4) && !(cr4 & ~caps->cr4_fixed1),
		    "must have the bits that VMX operation fixes");
	vmx_require_physical(check, VMCS_HOST_CR3);
	vmx_require_canonical(check, VMCS_HOST_SYSENTER_ESP);
	vmx_require_canonical(check, VMCS_HOST_SYSENTER_EIP);
	if (exit & EXIT_LOAD_PAT)
		vmx_require_pat(check, VMCS_HOST_PAT);
	if (!(exit & EXIT_LOAD_EFER))
		return;
	vmx_require(check, VMCS_HOST_EFER, !(efer & ~EFER_KNOWN),
		    "reserved bits must be 0");
	vmx_require(check, VMCS_HOST_EFER,
		    (efer & (EFER_LME | EFER_LMA)) == mode,
		    "LMA and LME must be as host address-space size");
}

static void check_segments(struct vmx_check *check)
{
	check->section = "27.2.3";
	for (uint f = VMCS_HOST_ES_SELECTOR; f <= VMCS_HOST_TR_SELECTOR; f += 2)
		vmx_require(check, f, !(check->read(f) & SELECTOR_TI_RPL),
			    "TI and RPL must be 0");
	vmx_require(check, VMCS_HOST_CS_SELECTOR, READ(HOST_CS_SELECTOR),
		    "must not be null");
	vmx_require(check, VMCS_HOST_TR_SELECTOR, READ(HOST_TR_SELECTOR),
		    "must not be null");
	vmx_require_canonical(check, VMCS_HOST_FS_BASE);
	vmx_require_canonical(check, VMCS_HOST_GS_BASE);
	vmx_require_canonical(check, VMCS_HOST_TR_BASE);
	vmx_require_canonical(check, VMCS_HOST_GDTR_BASE);
	vmx_require_canonical(check, VMCS_HOST_IDTR_BASE);
}

void vmx_check_host(struct vmx_check *check)
{
	check_registers(check);
	check_segments(check);

	check->section = "27.2.4"; /* entries from IA-32e mode, as ours are */
	vmx_require(check, VMCS_EXIT_CONTROLS,
		    READ(EXIT_CONTROLS) & EXIT_HOST_64,
		    "host address-space size must be 1");
	vmx_require(check, VMCS_HOST_CR4, READ(HOST_CR4) & CR4_PAE,
		    "PAE must be 1");
	vmx_require_canonical(check, VMCS_HOST_RIP);
}
