/*
 * Can this CPU run a guest under VMX with EPT, and if not, what is missing?
 *
 * vmx_read_caps() asks the machine, vmx_check_caps() judges the answers. They
 * are apart so that the judge can be tested with CPUs that nobody has.
 * Book: chapter 5.
 */
#include "vmx/caps.h"

#include "lib/cpu.h"
#include "lib/errno.h"

static const struct {
	u64 bits;
	const char *message;
} ept_needs[] = {
	{EPT_CAP_4_LEVELS, "the CPU's EPT has no page walk of 4 levels"},
	{EPT_CAP_WB, "the CPU's EPT tables can't be write-back memory"},
	{EPT_CAP_2M, "the CPU's EPT has no 2 MiB pages"},
	{EPT_CAP_INVEPT | EPT_CAP_INVEPT_SINGLE,
	 "the CPU has no single-context INVEPT"},
};

static const char *missing(const struct vmx_caps *caps)
{
	const char *message;

	if (!caps->vmx)
		return "this CPU has no VMX (CPUID.1:ECX bit 5 is 0)";
	if ((caps->feature_control & FEATURE_LOCKED) &&
	    !(caps->feature_control & FEATURE_VMX))
		return "the firmware has locked VMX off "
		       "(IA32_FEATURE_CONTROL): enable Intel Virtualization "
		       "Technology (VT-x) in the firmware set-up";
	if (!(caps->basic & BASIC_TRUE))
		return "the CPU has no TRUE VMX control MSRs "
		       "(IA32_VMX_BASIC bit 55)";
	message = vmx_missing_control(caps);
	if (message)
		return message;
	for (uint i = 0; i < ARRAY_SIZE(ept_needs); i++)
		if ((caps->ept_vpid & ept_needs[i].bits) != ept_needs[i].bits)
			return ept_needs[i].message;
	if (!(caps->misc & MISC_SAVES_LMA))
		return "VM exits of this CPU don't record IA-32e mode "
		       "(IA32_VMX_MISC bit 5)";
	/* cr.c knows of one bit that it must keep at 1. */
	if (caps->cr4_fixed0 & ~CR4_VMXE)
		return "VMX operation of this CPU fixes more bits of CR4 than "
		       "VMXE";
	return NULL;
}

int vmx_check_caps(const struct vmx_caps *caps, const char **why)
{
	*why = NULL;
	if (!caps->vmx && !caps->intel)
		return -ENODEV;
	*why = missing(caps);
	return *why ? -ENODEV : 0;
}
