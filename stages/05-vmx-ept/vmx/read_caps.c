/*
 * Asking the CPU what it can do of VMX.
 */
#include "lib/cpu.h"
#include "lib/string.h"
#include "paging/trap.h"
#include "vmx/caps.h"

/* MSRs of the control words: plain, and TRUE (0: there is none). */
static const struct {
	u32 plain, true_;
} control_msr[CONTROLS] = {
	[CONTROL_PIN] = {0x481, 0x48d},   [CONTROL_PROC] = {0x482, 0x48e},
	[CONTROL_PROC2] = {0x48b, 0},     [CONTROL_EXIT] = {0x483, 0x48f},
	[CONTROL_ENTRY] = {0x484, 0x490},
};

#define MSR_VMX_MISC         0x485
#define MSR_VMX_CR0_FIXED0   0x486
#define MSR_VMX_CR0_FIXED1   0x487
#define MSR_VMX_CR4_FIXED0   0x488
#define MSR_VMX_CR4_FIXED1   0x489
#define MSR_VMX_EPT_VPID_CAP 0x48c

#define CPUID_1_VMX   BIT(5)
#define CPUID_1_XSAVE BIT(26)
#define CPUID_7_TME   BIT(13)

#define MSR_TME_ACTIVATE    0x982
#define TME_ENABLED         BIT(1)
#define TME_KEYID_BITS(msr) ((msr) >> 32 & 0xf)

/* Vendors that make CPUs with VMX, as CPUID leaf 0 spells them. */
static bool vendor_has_vmx(void)
{
	static const char vendors[][13] = {"GenuineIntel", "CentaurHauls",
					   "  Shanghai  "};
	struct cpuid_regs r = cpuid(0, 0);
	u32 name[3] = {r.ebx, r.edx, r.ecx};

	for (uint i = 0; i < ARRAY_SIZE(vendors); i++)
		if (!memcmp(name, vendors[i], sizeof(name)))
			return true;
	return false;
}

/* SDM 3D A.3 to A.5: allowed 0-settings below, allowed 1-settings above. */
static void read_control(struct vmx_caps *caps, enum vmx_control which)
{
	u32 msr = control_msr[which].plain;
	u64 value;

	if ((caps->basic & BASIC_TRUE) && control_msr[which].true_)
		msr = control_msr[which].true_;
	value = rdmsr(msr);
	caps->allowed[which] = (struct vmx_allowed){value, value >> 32};
}

/* Secondary controls and EPT have MSRs only where the controls exist. */
static void read_secondary(struct vmx_caps *caps)
{
	if (!(caps->allowed[CONTROL_PROC].one & PROC_SECONDARY))
		return;
	read_control(caps, CONTROL_PROC2);
	if (caps->allowed[CONTROL_PROC2].one & (PROC2_EPT | PROC2_VPID))
		caps->ept_vpid = rdmsr(MSR_VMX_EPT_VPID_CAP);
}

/* Memory can be encrypted, with one key of several (SDM 4, MSR 982h). */
static uint keyid_bits(void)
{
	u64 activate;

	if (!(cpuid(7, 0).ecx & CPUID_7_TME) ||
	    guarded_rdmsr(MSR_TME_ACTIVATE, &activate) ||
	    !(activate & TME_ENABLED))
		return 0;
	return TME_KEYID_BITS(activate);
}

void vmx_read_caps(struct vmx_caps *caps)
{
	u32 features = cpuid(1, 0).ecx;

	memset(caps, 0, sizeof(*caps));
	caps->intel = vendor_has_vmx();
	caps->vmx = features & CPUID_1_VMX;
	caps->xsave = features & CPUID_1_XSAVE;
	if (!caps->vmx)
		return;
	caps->physical_bits = cpuid(0x80000008, 0).eax & 0xff;
	caps->keyid_bits = keyid_bits();
	caps->feature_control = rdmsr(MSR_FEATURE_CONTROL);
	caps->basic = rdmsr(MSR_VMX_BASIC);
	caps->misc = rdmsr(MSR_VMX_MISC);
	caps->cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0);
	caps->cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1);
	caps->cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0);
	caps->cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1);
	read_control(caps, CONTROL_PIN);
	read_control(caps, CONTROL_PROC);
	read_control(caps, CONTROL_EXIT);
	read_control(caps, CONTROL_ENTRY);
	read_secondary(caps);
}
