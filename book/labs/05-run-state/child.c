/*
 * The VM-entry checker, on a VMCS that the judge fills.
 */
#include "judge.h"

#include "lib/cpu.h"
#include "vmentry/check.h"
#include "vmx/test/good_caps.h"

#define FIELDS (VMCS_HOST_RIP + 1)

static u64 vmcs[FIELDS];
static struct vmx_caps caps;

static u64 read_field(enum vmcs_field field)
{
	return vmcs[field];
}

/* Each rule that is broken: SECTION:FIELD */
static void report(struct vmx_check *check,
		   const struct vmx_broken_rule *broken)
{
	answer("%s:%x ", broken->section, broken->field);
}

static void set_segment(uint s, u64 selector, u64 base, u64 limit, u64 ar)
{
	vmcs[VMCS_GUEST_ES_SELECTOR + 2 * s] = selector;
	vmcs[VMCS_GUEST_ES_BASE + 2 * s] = base;
	vmcs[VMCS_GUEST_ES_LIMIT + 2 * s] = limit;
	vmcs[VMCS_GUEST_ES_AR + 2 * s] = ar;
}

static void set_host(void)
{
	vmcs[VMCS_HOST_CR0] = 0x80010033;
	vmcs[VMCS_HOST_CR3] = 0x17c48000;
	vmcs[VMCS_HOST_CR4] = CR4_PAE | CR4_VMXE;
	vmcs[VMCS_HOST_EFER] = EFER_LME | EFER_LMA | EFER_NXE;
	vmcs[VMCS_HOST_PAT] = 0x0007040600070406;
	vmcs[VMCS_HOST_CS_SELECTOR] = 8;
	vmcs[VMCS_HOST_TR_SELECTOR] = 0x18;
	vmcs[VMCS_HOST_RIP] = 0x40001000;
}

static void set_controls(void)
{
	static const enum vmcs_field field[CONTROLS] = {
		[CONTROL_PIN] = VMCS_PIN_CONTROLS,
		[CONTROL_PROC] = VMCS_PROC_CONTROLS,
		[CONTROL_PROC2] = VMCS_PROC2_CONTROLS,
		[CONTROL_EXIT] = VMCS_EXIT_CONTROLS,
		[CONTROL_ENTRY] = VMCS_ENTRY_CONTROLS,
	};

	for (enum vmx_control w = 0; w < CONTROLS; w++)
		vmcs[field[w]] = vmx_choose_control(&caps, w);
	vmcs[VMCS_VPID] = 1;
	vmcs[VMCS_EPT_POINTER] = 0x1000 | 3 << 3 | 6;
	vmcs[VMCS_LINK_POINTER] = ~0UL;
}

/* A guest as after INIT, on a CPU whose IA32_VMX_MISC has word 1 as states. */
static void real(void)
{
	memset(vmcs, 0, sizeof(vmcs));
	caps = good_caps();
	caps.misc = (caps.misc & ~(7UL << 6)) | number(1) << 6;
	set_controls();
	set_host();
	for (uint s = 0; s < 6; s++)
		set_segment(s, 0, 0, 0xffff, 0x93);
	set_segment(6, 0, 0, 0xffff, 0x82);
	set_segment(7, 0, 0, 0xffff, 0x8b);
	vmcs[VMCS_GUEST_CR0] = CR0_CD | CR0_NW | CR0_ET | CR0_NE;
	vmcs[VMCS_GUEST_CR4] = CR4_VMXE;
	vmcs[VMCS_GUEST_PAT] = 0x0007040600070406;
	vmcs[VMCS_GUEST_RFLAGS] = 2;
	vmcs[VMCS_GUEST_RIP] = 0xfff0;
	vmcs[VMCS_GUEST_DR7] = 0x400;
}

/* set FIELD VALUE [MASK]: of a field, the bits of the mask */
static void set(void)
{
	u64 mask = *word(3) ? number(3) : ~0UL, *field = &vmcs[number(1)];

	*field = (*field & ~mask) | (number(2) & mask);
}

static void check(void)
{
	struct vmx_check check = {
		.read = read_field,
		.caps = &caps,
		.report = report,
	};

	vmx_check_entry(&check);
}

const struct judge_command judge_commands[] = {
	{"real", real},
	{"set", set},
	{"check", check},
	{},
};
