/*
 * Can this CPU run a guest under VMX with EPT, and if not, what is missing?
 * And which controls do we set on it? vmx_read_caps() asks it, vmx_need(),
 * vmx_check_caps() and vmx_choose_control() judge the answers.
 * Book: chapter 5.
 */
#include "vmx/caps.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/guarded.h"
#include "vmm/cpuid.h"
#include "vmx/vmcs.h"

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

#define CPUID_7_TME BIT(13)

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
	caps->vmx = features & CPUID_1_ECX_VMX;
	caps->xsave = features & CPUID_1_ECX_XSAVE;
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

/* What a need is about: a word of controls (enum vmx_control), or another of
 * the words in struct vmx_caps. */
enum {
	WORD_CPUID = CONTROLS,
	WORD_FEATURE_CONTROL,
	WORD_BASIC,
	WORD_EPT,
	WORD_MISC,
	WORD_CR4
};

/* Bits that must, or must not, be possible, and what to say where it is not
 * so. */
static const struct vmx_need_row {
	u32 word;
	u64 bits;
	bool value;
	const char *name, *problem;
} needs[] = {
	{WORD_CPUID, 0, 1, "VMX (CPUID.1:ECX bit 5)",
	 "this CPU has no VMX (CPUID.1:ECX bit 5 is 0)"},
	{WORD_FEATURE_CONTROL, FEATURE_VMX, 1, "VMX allowed by the firmware",
	 "the firmware has locked VMX off (IA32_FEATURE_CONTROL): enable Intel "
	 "Virtualization Technology (VT-x) in the firmware set-up"},
	{WORD_BASIC, BASIC_TRUE, 1, "TRUE control MSRs",
	 "the CPU has no TRUE VMX control MSRs (IA32_VMX_BASIC bit 55)"},
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
	{WORD_EPT, EPT_CAP_4_LEVELS, 1, "EPT of 4 levels",
	 "the CPU's EPT has no page walk of 4 levels"},
	{WORD_EPT, EPT_CAP_WB, 1, "EPT tables in write-back memory",
	 "the CPU's EPT tables can't be write-back memory"},
	{WORD_EPT, EPT_CAP_2M, 1, "EPT pages of 2 MiB",
	 "the CPU's EPT has no 2 MiB pages"},
	{WORD_EPT, EPT_CAP_INVEPT | EPT_CAP_INVEPT_SINGLE, 1,
	 "single-context INVEPT", "the CPU has no single-context INVEPT"},
	{WORD_MISC, MISC_SAVES_LMA, 1, "exits that record IA-32e mode",
	 "VM exits of this CPU don't record IA-32e mode (IA32_VMX_MISC bit 5)"},
	/* registers.c knows of one bit that it must keep at 1. */
	{WORD_CR4, ~CR4_VMXE, 0, "a CR4 that the guest may choose",
	 "VMX operation of this CPU fixes more bits of CR4 than VMXE"},
};

static bool need_is_met(const struct vmx_caps *caps,
			const struct vmx_need_row *row)
{
	const struct vmx_allowed *allowed;
	u64 lock = caps->feature_control & (FEATURE_LOCKED | FEATURE_VMX);

	switch (row->word) {
	case WORD_CPUID:
		return caps->vmx;
	case WORD_FEATURE_CONTROL:
		return lock != FEATURE_LOCKED;
	case WORD_BASIC:
		return (caps->basic & row->bits) == row->bits;
	case WORD_EPT:
		return (caps->ept_vpid & row->bits) == row->bits;
	case WORD_MISC:
		return (caps->misc & row->bits) == row->bits;
	case WORD_CR4:
		return !(caps->cr4_fixed0 & row->bits);
	default:
		allowed = &caps->allowed[row->word];
		return row->value ? allowed->one & row->bits
				  : !(allowed->zero & row->bits);
	}
}

/* Can anybody tell? What has no VMX, or no EPT, has nothing that is a part of
 * it. */
static bool need_is_known(const struct vmx_caps *caps, u32 word)
{
	switch (word) {
	case WORD_CPUID:
		return true;
	case CONTROL_PROC2:
		return caps->allowed[CONTROL_PROC].one & PROC_SECONDARY;
	case WORD_EPT:
		return caps->allowed[CONTROL_PROC2].one & PROC2_EPT;
	case WORD_MISC:
		return caps->allowed[CONTROL_PROC2].one &
		       PROC2_UNRESTRICTED_GUEST;
	default:
		return caps->vmx;
	}
}

bool vmx_need(const struct vmx_caps *caps, uint i, struct need *need)
{
	if (i >= ARRAY_SIZE(needs))
		return false;
	need->name = needs[i].name;
	need->moot = !need_is_known(caps, needs[i].word);
	need->problem = need->moot || need_is_met(caps, &needs[i])
				? NULL
				: needs[i].problem;
	return true;
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

int vmx_probe(const char **why)
{
	struct vmx_caps caps;

	vmx_read_caps(&caps);
	return vmx_check_caps(&caps, why);
}

/*
 * Bits to set in each word of controls, and bits to set where the CPU has them.
 * The choice begins with what the CPU insists on (SDM 3C 32.5.1, 3D A.3).
 *
 * Each word has reserved bits that are 1 by default, and some of them got a
 * meaning later ("default1", SDM 3D A.2). A CPU has one MSR that says which
 * bits must be 1 for software that knows nothing of this, and a second, TRUE
 * one for software that knows. We know all we set, so we take the TRUE MSRs:
 * they allow MOV to and from CR3 without an exit, which no guest with paging
 * can do without.
 */
static const struct {
	u32 need, like;
} wanted[CONTROLS] = {
	[CONTROL_PIN] = {PIN_NMI | PIN_VIRTUAL_NMI, 0},
	[CONTROL_PROC] = {PROC_MSR_BITMAPS | PROC_SECONDARY, 0},
	/*
	 * "Like": controls without which an instruction raises #UD in the
	 * guest. cpuid.c hides the instructions that stay forbidden.
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

u32 vmx_choose_control(const struct vmx_caps *caps, enum vmx_control which)
{
	const struct vmx_allowed *allowed = &caps->allowed[which];
	u32 like = wanted[which].like;

	/* A tagged TLB is no use if we can't flush one tag. */
	if (which == CONTROL_PROC2 && !vmx_can_flush_vpid(caps))
		like &= ~PROC2_VPID;
	return allowed->zero | wanted[which].need | (like & allowed->one);
}
