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
	const char *name, *problem;
} ept_needs[] = {
	{EPT_CAP_4_LEVELS, "EPT of 4 levels",
	 "the CPU's EPT has no page walk of 4 levels"},
	{EPT_CAP_WB, "EPT tables in write-back memory",
	 "the CPU's EPT tables can't be write-back memory"},
	{EPT_CAP_2M, "EPT pages of 2 MiB", "the CPU's EPT has no 2 MiB pages"},
	{EPT_CAP_INVEPT | EPT_CAP_INVEPT_SINGLE, "single-context INVEPT",
	 "the CPU has no single-context INVEPT"},
};

static void ept_need(const struct vmx_caps *caps, uint i, struct need *need)
{
	bool met = (caps->ept_vpid & ept_needs[i].bits) == ept_needs[i].bits;

	need->name = ept_needs[i].name;
	need->moot = !(caps->allowed[CONTROL_PROC2].one & PROC2_EPT);
	need->problem = met || need->moot ? NULL : ept_needs[i].problem;
}

static void set_need(struct need *need, const char *name, bool met, bool moot,
		     const char *problem)
{
	*need = (struct need){name, met || moot ? NULL : problem, moot};
}

#define FIRST_NEEDS 3

/* What comes before any control. */
static void first_need(const struct vmx_caps *caps, uint i, struct need *need)
{
	u64 lock = caps->feature_control & (FEATURE_LOCKED | FEATURE_VMX);

	if (i == 0)
		set_need(need, "VMX (CPUID.1:ECX bit 5)", caps->vmx, false,
			 "this CPU has no VMX (CPUID.1:ECX bit 5 is 0)");
	else if (i == 1)
		set_need(need, "VMX allowed by the firmware",
			 lock != FEATURE_LOCKED, !caps->vmx,
			 "the firmware has locked VMX off "
			 "(IA32_FEATURE_CONTROL): enable Intel Virtualization "
			 "Technology (VT-x) in the firmware set-up");
	else
		set_need(need, "TRUE control MSRs", caps->basic & BASIC_TRUE,
			 !caps->vmx,
			 "the CPU has no TRUE VMX control MSRs "
			 "(IA32_VMX_BASIC bit 55)");
}

#define LAST_NEEDS 2

/* What comes after them. cr.c knows of one bit that it must keep at 1. */
static void last_need(const struct vmx_caps *caps, uint i, struct need *need)
{
	u32 proc2 = caps->allowed[CONTROL_PROC2].one;

	if (i == 0)
		set_need(need, "exits that record IA-32e mode",
			 caps->misc & MISC_SAVES_LMA,
			 !(proc2 & PROC2_UNRESTRICTED_GUEST),
			 "VM exits of this CPU don't record IA-32e mode "
			 "(IA32_VMX_MISC bit 5)");
	else
		set_need(need, "a CR4 that the guest may choose",
			 !(caps->cr4_fixed0 & ~CR4_VMXE), !caps->vmx,
			 "VMX operation of this CPU fixes more bits of CR4 "
			 "than VMXE");
}

bool vmx_need(const struct vmx_caps *caps, uint i, struct need *need)
{
	if (i < FIRST_NEEDS) {
		first_need(caps, i, need);
		return true;
	}
	i -= FIRST_NEEDS;
	if (i < vmx_control_needs()) {
		vmx_control_need(caps, i, need);
		return true;
	}
	i -= vmx_control_needs();
	if (i < ARRAY_SIZE(ept_needs)) {
		ept_need(caps, i, need);
		return true;
	}
	i -= ARRAY_SIZE(ept_needs);
	if (i < LAST_NEEDS)
		last_need(caps, i, need);
	return i < LAST_NEEDS;
}

int vmx_check_caps(const struct vmx_caps *caps, const char **why)
{
	struct need need;

	*why = NULL;
	if (!caps->vmx && !caps->intel)
		return -ENODEV;
	for (uint i = 0; !*why && vmx_need(caps, i, &need); i++)
		*why = need.problem;
	return *why ? -ENODEV : 0;
}
