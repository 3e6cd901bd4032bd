/*
 * What this CPU can do of VMX: CPUID, IA32_FEATURE_CONTROL and the MSRs from
 * IA32_VMX_BASIC on (SDM 3D appendix A), in one struct.
 */
#ifndef VMX_CAPS_H
#define VMX_CAPS_H

#include "lib/types.h"
#include "vmm/vcpu.h"

#define MSR_FEATURE_CONTROL 0x3a
#define MSR_VMX_BASIC       0x480

#define FEATURE_LOCKED  BIT(0)
#define FEATURE_VMX_SMX BIT(1)
#define FEATURE_VMX     BIT(2)
#define FEATURE_SENTER  0xff00UL

/* IA32_VMX_BASIC. */
#define BASIC_REVISION  0x7fffffffUL
#define BASIC_WB        6UL     /* in bits 53:50: regions are write-back */
#define BASIC_TRUE      BIT(55) /* the TRUE MSRs exist */
#define BASIC_ANY_ERROR BIT(56) /* error codes are free (CET CPUs) */

/* IA32_VMX_MISC. */
#define MISC_SAVES_LMA BIT(5) /* exits update "IA-32e mode guest" */

/* IA32_VMX_EPT_VPID_CAP. */
#define EPT_CAP_4_LEVELS       BIT(6)
#define EPT_CAP_WB             BIT(14)
#define EPT_CAP_2M             BIT(16)
#define EPT_CAP_1G             BIT(17)
#define EPT_CAP_INVEPT         BIT(20)
#define EPT_CAP_INVEPT_SINGLE  BIT(25)
#define EPT_CAP_INVVPID        BIT(32)
#define EPT_CAP_INVVPID_SINGLE BIT(41)

/* The five words of controls. */
enum vmx_control {
	CONTROL_PIN,
	CONTROL_PROC,
	CONTROL_PROC2,
	CONTROL_EXIT,
	CONTROL_ENTRY,
	CONTROLS
};

/* What the CPU allows in one control word (SDM 3D A.3 to A.5). */
struct vmx_allowed {
	u32 zero; /* bits that must be 1: their 0-setting is not allowed */
	u32 one;  /* bits that may be 1 */
};

struct vmx_caps {
	bool intel;          /* a vendor whose CPUs may have VMX */
	bool vmx;            /* CPUID has it */
	bool xsave;          /* CPUID has XSAVE */
	uint physical_bits;  /* of a physical address */
	uint keyid_bits;     /* the highest of these, if they choose a key */
	u64 feature_control; /* IA32_FEATURE_CONTROL */
	u64 basic, misc, ept_vpid;
	struct vmx_allowed allowed[CONTROLS];
	u64 cr0_fixed0, cr0_fixed1; /* bits that must be 1; may be 1 */
	u64 cr4_fixed0, cr4_fixed1;
};

/* Read them all on this CPU. Changes nothing, and faults on no CPU. */
void vmx_read_caps(struct vmx_caps *caps);

/*
 * The @i-th thing that Vellum needs of an Intel CPU, in an order in which what
 * depends on another comes later; false past the last.
 */
bool vmx_need(const struct vmx_caps *caps, uint i, struct need *need);

/*
 * Are @caps enough for Vellum? 0, or -ENODEV with *@why saying what is
 * missing, or which firmware setting is in the way; NULL when the CPU is of
 * a vendor that never has VMX.
 */
int vmx_check_caps(const struct vmx_caps *caps, const char **why);

/* vcpu_ops.probe. */
int vmx_probe(const char **why);

/*
 * Choose the value of control word @which on a CPU with @caps: what we need,
 * what we like to have where it is allowed, and what the CPU insists on. Sound
 * only after vmx_check_caps() has passed @caps.
 */
u32 vmx_choose_control(const struct vmx_caps *caps, enum vmx_control which);

/* Can translations that carry one VPID be forgotten? */
static inline bool vmx_can_flush_vpid(const struct vmx_caps *caps)
{
	u64 need = EPT_CAP_INVVPID | EPT_CAP_INVVPID_SINGLE;

	return (caps->ept_vpid & need) == need;
}

#endif
