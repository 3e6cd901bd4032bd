/*
 * The preflight check of a CPU that may have VMX: all that vmx_need() names,
 * and what else is good to know.
 */
#include "lib/cpu.h"
#include "vmx/vmx.h"

static void tell_feature_control(u64 value)
{
	const char *meaning = "unlocked: Vellum switches VMX on and locks it";

	if (value & FEATURE_LOCKED)
		meaning = value & FEATURE_VMX ? "locked, with VMX on"
					      : "locked, with VMX off";
	preflight_tell("IA32_FEATURE_CONTROL is 0x%lx: %s", value, meaning);
}

static void tell_ept(const struct vmx_caps *caps)
{
	if (!caps->ept_vpid)
		return;
	preflight_tell("EPT pages: 4 KiB%s%s; tagged TLB (VPID): %s",
		       caps->ept_vpid & EPT_CAP_2M ? ", 2 MiB" : "",
		       caps->ept_vpid & EPT_CAP_1G ? ", 1 GiB" : "",
		       vmx_can_flush_vpid(caps) ? "yes" : "no");
}

bool vmx_preflight(void)
{
	struct vmx_caps caps;
	struct need need;

	vmx_read_caps(&caps);
	if (!caps.vmx && !caps.intel)
		return false;
	if (caps.vmx) {
		preflight_tell("Intel VMX, revision 0x%lx; %u bits of physical "
			       "address",
			       caps.basic & BASIC_REVISION, caps.physical_bits);
		tell_feature_control(caps.feature_control);
		tell_ept(&caps);
	}
	for (uint i = 0; vmx_need(&caps, i, &need); i++)
		preflight_need(&need);
	return true;
}
