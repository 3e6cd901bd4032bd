/*
 * CPUID features that the guest can't use under VMX on this CPU.
 *
 * Some instructions raise #UD in a guest unless a control allows them. Where
 * the CPU has the instruction but not the control, the guest must not see the
 * feature. Others are hidden because of what they would do (msr.c).
 */
#include "vmx/vmx.h"

#define NEVER 0 /* for "control": hidden on every CPU */
#define ANY   0xffffffff

#define SYSCALL BIT(11)

enum reg {
	EAX,
	EBX,
	ECX,
	EDX
};

static const struct {
	u32 leaf, subleaf;
	enum reg reg;
	u32 bits;
	u32 control; /* without which the bits are hidden */
} features[] = {
	{0x1, ANY, ECX, BIT(2) | BIT(4), NEVER},       /* DTES64, DS_CPL */
	{0x1, ANY, EDX, BIT(21), NEVER},               /* DS */
	{0x7, 0, EBX, BIT(10), PROC2_INVPCID},         /* INVPCID */
	{0x7, 0, ECX, BIT(5), PROC2_USER_WAIT},        /* WAITPKG */
	{0x7, 0, ECX, BIT(22), PROC2_RDTSCP},          /* RDPID */
	{0xd, 1, EAX, BIT(3), PROC2_XSAVES},           /* XSAVES */
	{0x80000001, ANY, EDX, BIT(27), PROC2_RDTSCP}, /* RDTSCP */
};

/* Does the guest have what secondary control @control enables? */
static bool instruction_is_allowed(u32 control)
{
	return vmx_choose_control(vmx_caps(), CONTROL_PROC2) & control;
}

/*
 * One bit more follows the guest's mode: SYSCALL (0x80000001 EDX.11) is shown
 * in 64-bit mode only, where Intel's CPUs have it (SDM 2A CPUID). We ask in
 * 64-bit mode, so it must be taken out for a guest that is in another.
 */
void vmx_filter_cpuid(struct vcpu *vcpu, u32 leaf, u32 subleaf,
		      struct cpuid_regs *regs)
{
	u32 *const reg[] = {
		[EAX] = &regs->eax,
		[EBX] = &regs->ebx,
		[ECX] = &regs->ecx,
		[EDX] = &regs->edx,
	};

	for (uint i = 0; i < ARRAY_SIZE(features); i++) {
		if (features[i].leaf != leaf ||
		    (features[i].subleaf != ANY &&
		     features[i].subleaf != subleaf))
			continue;
		if (!instruction_is_allowed(features[i].control))
			*reg[features[i].reg] &= ~features[i].bits;
	}
	if (leaf == 0x80000001 && guest_address_size(vcpu) != 8)
		regs->edx &= ~(u32)SYSCALL;
}
