/*
 * The figures are those of a Haswell, as Bochs shows it.
 */
#include "vmx/test/good_caps.h"

struct vmx_caps good_caps(void)
{
	return (struct vmx_caps){
		.intel = true,
		.vmx = true,
		.xsave = true,
		.physical_bits = 39,
		.feature_control = FEATURE_LOCKED | FEATURE_VMX,
		.basic = BASIC_TRUE | BASIC_WB << 50 | 0x2b,
		.misc = MISC_SAVES_LMA | 7 << 6,
		.ept_vpid = 0xf0106334141,
		.allowed = {[CONTROL_PIN] = {0x16, 0x7f},
			    [CONTROL_PROC] = {0x4006172, 0xfff9fffe},
			    [CONTROL_PROC2] = {0, 0x7cff},
			    [CONTROL_EXIT] = {0x36dfb, 0x7fffff},
			    [CONTROL_ENTRY] = {0x11fb, 0xffff}},
		.cr0_fixed0 = 0x80000021,
		.cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = 0x2000,
		.cr4_fixed1 = 0x1727ff,
	};
}
