/*
 * Which controls to set: the rules of the CPU on one side, what Vellum wants
 * on the other.
 *
 * Each control word has reserved bits that are 1 by default, and some of them
 * got a meaning later ("default1", SDM 3D A.2). A CPU has one MSR that says
 * which bits must be 1 for software that knows nothing of this, and a second,
 * TRUE one for software that knows. The algorithm is that of SDM 3C 32.5.1
 * and 3D A.3: start from what the CPU insists on; add what we want; what we
 * need and can't have ends it. We know all we set, so we take the TRUE MSRs:
 * they allow MOV to and from CR3 without an exit, which no guest with paging
 * can do without.
 *
 * Pure functions; tested on the host. Book: chapter 5.
 */
#include "vmx/controls.h"

#include "vmm/preflight.h"
#include "vmx/caps.h"

/* Bits to set in each word, and bits to set where the CPU has them. */
static const struct {
	u32 need, like;
} wanted[CONTROLS] = {
	[CONTROL_PIN] = {PIN_NMI | PIN_VIRTUAL_NMI, 0},
	[CONTROL_PROC] = {PROC_MSR_BITMAPS | PROC_SECONDARY, 0},
	/*
	 * "Like": controls without which an instruction raises #UD in the
	 * guest. filter.c hides the instructions that stay forbidden.
	 */
	[CONTROL_PROC2] = {PROC2_EPT | PROC2_UNRESTRICTED_GUEST,
			   PROC2_RDTSCP | PROC2_INVPCID | PROC2_XSAVES |
				   PROC2_USER_WAIT | PROC2_VPID |
				   PROC2_CONCEAL_FROM_PT},
	[CONTROL_EXIT] = {EXIT_SAVE_DEBUG | EXIT_HOST_64 | EXIT_SAVE_PAT |
				  EXIT_LOAD_PAT | EXIT_SAVE_EFER |
				  EXIT_LOAD_EFER,
			  EXIT_CONCEAL_FROM_PT},
	[CONTROL_ENTRY] = {ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
			   ENTRY_CONCEAL_FROM_PT},
};

/* Settings that must be possible, and what to say when they are not. */
static const struct {
	enum vmx_control which;
	u32 bit;
	bool value;
	const char *name, *problem;
} required[] = {
	{CONTROL_PIN, PIN_NMI, 1, "NMI exiting",
	 "the CPU lacks the VMX control NMI exiting"},
	{CONTROL_PIN, PIN_VIRTUAL_NMI, 1, "virtual NMIs",
	 "the CPU lacks the VMX control virtual NMIs"},
	{CONTROL_PIN, PIN_EXTERNAL_INTERRUPT, 0,
	 "external interrupts without exits",
	 "the CPU can't leave external interrupts to a VMX guest"},
	{CONTROL_PROC, PROC_SECONDARY, 1, "secondary controls",
	 "the CPU lacks VMX secondary controls, and so EPT"},
	{CONTROL_PROC2, PROC2_EPT, 1, "extended page tables (EPT)",
	 "the CPU lacks extended page tables (EPT)"},
	{CONTROL_PROC2, PROC2_UNRESTRICTED_GUEST, 1, "unrestricted guest",
	 "the CPU lacks the VMX control unrestricted guest, without which no "
	 "guest can be in real mode"},
	{CONTROL_PROC, PROC_MSR_BITMAPS, 1, "MSR bitmaps",
	 "the CPU lacks VMX MSR bitmaps"},
	{CONTROL_PROC, PROC_NMI_WINDOW, 1, "NMI-window exiting",
	 "the CPU lacks the VMX control NMI-window exiting"},
	{CONTROL_PROC, PROC_CR3_LOAD, 0, "MOV to CR3 without exits",
	 "the CPU can't let a VMX guest load CR3 without an exit"},
	{CONTROL_PROC, PROC_CR3_STORE, 0, "MOV from CR3 without exits",
	 "the CPU can't let a VMX guest store CR3 without an exit"},
	{CONTROL_PROC, PROC_HLT, 0, "HLT without exits",
	 "the CPU can't let a VMX guest execute HLT without an exit"},
	{CONTROL_PROC, PROC_IO, 0, "I/O ports without exits",
	 "the CPU can't let a VMX guest use I/O ports without an exit"},
	{CONTROL_EXIT, EXIT_HOST_64, 1, "host address-space size",
	 "the CPU lacks the VMX control host address-space size"},
	{CONTROL_ENTRY, ENTRY_IA32E, 1, "IA-32e mode guest",
	 "the CPU lacks the VMX control IA-32e mode guest"},
	{CONTROL_EXIT, EXIT_SAVE_DEBUG, 1, "save debug controls",
	 "the CPU lacks the VMX control save debug controls"},
	{CONTROL_ENTRY, ENTRY_LOAD_DEBUG, 1, "load debug controls",
	 "the CPU lacks the VMX control load debug controls"},
	{CONTROL_EXIT, EXIT_SAVE_PAT, 1, "save IA32_PAT at exits",
	 "the CPU lacks the VMX control save IA32_PAT"},
	{CONTROL_EXIT, EXIT_LOAD_PAT, 1, "load IA32_PAT at exits",
	 "the CPU lacks the VMX exit control load IA32_PAT"},
	{CONTROL_EXIT, EXIT_SAVE_EFER, 1, "save IA32_EFER at exits",
	 "the CPU lacks the VMX control save IA32_EFER"},
	{CONTROL_EXIT, EXIT_LOAD_EFER, 1, "load IA32_EFER at exits",
	 "the CPU lacks the VMX exit control load IA32_EFER"},
	{CONTROL_ENTRY, ENTRY_LOAD_PAT, 1, "load IA32_PAT at entries",
	 "the CPU lacks the VMX entry control load IA32_PAT"},
	{CONTROL_ENTRY, ENTRY_LOAD_EFER, 1, "load IA32_EFER at entries",
	 "the CPU lacks the VMX entry control load IA32_EFER"},
};

u32 vmx_choose_control(const struct vmx_caps *caps, enum vmx_control which)
{
	const struct vmx_allowed *allowed = &caps->allowed[which];
	u32 like = wanted[which].like;

	/* A tagged TLB is no use if we can't flush one tag. */
	if (which == CONTROL_PROC2 && !vmx_can_flush_vpid(caps))
		like &= ~PROC2_VPID;
	return allowed->zero | wanted[which].need | (like & allowed->one);
}

uint vmx_control_needs(void)
{
	return ARRAY_SIZE(required);
}

void vmx_control_need(const struct vmx_caps *caps, uint i, struct need *need)
{
	const struct vmx_allowed *a = &caps->allowed[required[i].which];
	bool secondary = caps->allowed[CONTROL_PROC].one & (u32)PROC_SECONDARY;
	bool possible = required[i].value ? (a->one & required[i].bit) != 0
					  : (a->zero & required[i].bit) == 0;

	need->name = required[i].name;
	need->moot = !caps->vmx ||
		     (required[i].which == CONTROL_PROC2 && !secondary);
	need->problem = possible || need->moot ? NULL : required[i].problem;
}
