/*
 * VM-entry checks on the guest's control registers, debug registers and MSRs,
 * descriptor-table registers, RIP, RFLAGS and PDPTEs (SDM 3C 27.3.1.1, .3, .4,
 * .6).
 */
#include "lib/cpu.h"
#include "vmx/check.h"
#include "vmx/events.h"

#define AR_L              BIT(13)
#define EFER_KNOWN        (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define RFLAGS_RESERVED   0xffffffffffc08028UL /* bits 63:22, 15, 5, 3 */
#define DEBUGCTL_RESERVED 0xffffffffffff0038UL
#define PDPTE_PRESENT     BIT(0)
#define PDPTE_RESERVED    0x1e6UL

static void check_control_registers(struct vmx_check *check, bool ia32e)
{
	const struct vmx_caps *caps = check->caps;
	u64 cr0 = READ(GUEST_CR0), cr4 = READ(GUEST_CR4);
	u64 fixed = cr0 & ~(CR0_CD | CR0_NW), fixed0 = caps->cr0_fixed0;

	if (READ(PROC2_CONTROLS) & PROC2_UNRESTRICTED_GUEST)
		fixed0 &= ~(CR0_PE | CR0_PG);
	vmx_require(check, VMCS_GUEST_CR0,
		    !(fixed0 & ~fixed) && !(fixed & ~caps->cr0_fixed1),
		    "must have the bits that VMX operation fixes");
	vmx_require(check, VMCS_GUEST_CR0, !(cr0 & CR0_PG) || (cr0 & CR0_PE),
		    "PG needs PE");
	vmx_require(check, VMCS_GUEST_CR4,
		    !(caps->cr4_fixed0 & ~cr4) && !(cr4 & ~caps->cr4_fixed1),
		    "must have the bits that VMX operation fixes");
	vmx_require(check, VMCS_GUEST_CR4, !(cr4 & CR4_CET) || (cr0 & CR0_WP),
		    "CET needs CR0.WP");
	vmx_require(check, VMCS_GUEST_CR0, !ia32e || (cr0 & CR0_PG),
		    "IA-32e mode needs PG");
	vmx_require(check, VMCS_GUEST_CR4, !ia32e || (cr4 & CR4_PAE),
		    "IA-32e mode needs PAE");
	vmx_require(check, VMCS_GUEST_CR4, ia32e || !(cr4 & CR4_PCIDE),
		    "PCIDE needs IA-32e mode");
	vmx_require_physical(check, VMCS_GUEST_CR3);
}

static void check_msrs(struct vmx_check *check, u64 entry)
{
	u64 efer = READ(GUEST_EFER);
	bool lma = efer & EFER_LMA, lme = efer & EFER_LME;

	if (entry & ENTRY_LOAD_DEBUG) {
		vmx_require(check, VMCS_GUEST_DEBUGCTL,
			    !(READ(GUEST_DEBUGCTL) & DEBUGCTL_RESERVED),
			    "reserved bits must be 0");
		vmx_require(check, VMCS_GUEST_DR7, !(READ(GUEST_DR7) >> 32),
			    "bits 63:32 must be 0");
	}
	vmx_require_canonical(check, VMCS_GUEST_SYSENTER_ESP);
	vmx_require_canonical(check, VMCS_GUEST_SYSENTER_EIP);
	if (entry & ENTRY_LOAD_PAT)
		vmx_require_pat(check, VMCS_GUEST_PAT);
	if (!(entry & ENTRY_LOAD_EFER))
		return;
	vmx_require(check, VMCS_GUEST_EFER, !(efer & ~EFER_KNOWN),
		    "reserved bits must be 0");
	vmx_require(check, VMCS_GUEST_EFER, lma == !!(entry & ENTRY_IA32E),
		    "LMA must be as the entry control IA-32e mode guest");
	vmx_require(check, VMCS_GUEST_EFER,
		    lma == lme || !(READ(GUEST_CR0) & CR0_PG),
		    "LMA and LME must be equal with paging");
}

static void check_rip_and_rflags(struct vmx_check *check, bool ia32e)
{
	u64 rflags = READ(GUEST_RFLAGS), event = READ(ENTRY_EVENT);

	check->section = "27.3.1.4";
	if (ia32e && (READ(GUEST_CS_AR) & AR_L))
		vmx_require_canonical(check, VMCS_GUEST_RIP);
	else
		vmx_require(check, VMCS_GUEST_RIP, !(READ(GUEST_RIP) >> 32),
			    "bits 63:32 must be 0 outside 64-bit code");
	vmx_require(check, VMCS_GUEST_RFLAGS, rflags & RFLAGS_FIXED,
		    "bit 1 must be 1");
	vmx_require(check, VMCS_GUEST_RFLAGS, !(rflags & RFLAGS_RESERVED),
		    "bits 63:22, 15, 5 and 3 must be 0");
	vmx_require(check, VMCS_GUEST_RFLAGS,
		    !(rflags & RFLAGS_VM) ||
			    (!ia32e && (READ(GUEST_CR0) & CR0_PE)),
		    "VM must be 0 in IA-32e mode and in real mode");
	vmx_require(check, VMCS_GUEST_RFLAGS,
		    !(event & EVENT_VALID) ||
			    EVENT_TYPE(event) != EVENT_EXTERNAL ||
			    (rflags & RFLAGS_IF),
		    "IF must be 1 for an external interrupt to go in");
}

static void check_pdptes(struct vmx_check *check)
{
	check->section = "27.3.1.6";
	for (uint f = VMCS_GUEST_PDPTE0; f <= VMCS_GUEST_PDPTE3; f += 2) {
		u64 entry = check->read(f);

		vmx_require(check, f,
			    !(entry & PDPTE_PRESENT) ||
				    (!(entry & PDPTE_RESERVED) &&
				     vmx_is_physical(check, entry)),
			    "reserved bits must be 0");
	}
}

void vmx_check_guest(struct vmx_check *check)
{
	u64 entry = READ(ENTRY_CONTROLS);
	bool ia32e = entry & ENTRY_IA32E;

	check->section = "27.3.1.1";
	check_control_registers(check, ia32e);
	check_msrs(check, entry);

	check->section = "27.3.1.3";
	vmx_require_canonical(check, VMCS_GUEST_GDTR_BASE);
	vmx_require_canonical(check, VMCS_GUEST_IDTR_BASE);
	vmx_require(check, VMCS_GUEST_GDTR_LIMIT,
		    READ(GUEST_GDTR_LIMIT) <= 0xffff, "must fit 16 bits");
	vmx_require(check, VMCS_GUEST_IDTR_LIMIT,
		    READ(GUEST_IDTR_LIMIT) <= 0xffff, "must fit 16 bits");

	check_rip_and_rflags(check, ia32e);
	if (!ia32e && (READ(GUEST_CR0) & CR0_PG) && (READ(GUEST_CR4) & CR4_PAE))
		check_pdptes(check);
}
