/*
 * A VM entry that the CPU refused: say why, as exactly as we can.
 *
 * There are two ways to fail (SDM 3C 27.1, 27.8). Bad controls and bad host
 * state make the instruction fail, with an error number in the VMCS. Bad guest
 * state looks like an exit, with bit 31 of the reason set.
 */
#include "console/console.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "vmentry/check.h"
#include "vmx/vmx.h"

#define RFLAGS_CF BIT(0) /* failed: there is no current VMCS */

/* SDM 3C 31.4, table 31-1; those that an entry can meet. */
static const char *instruction_error_name(u64 number)
{
	switch (number) {
	case 4:
		return "VMLAUNCH with a VMCS that is not clear";
	case 5:
		return "VMRESUME with a VMCS that was not launched";
	case 6:
		return "VMRESUME after VMXOFF";
	case 7:
		return "invalid control fields";
	case 8:
		return "invalid host-state fields";
	case 26:
		return "events blocked by MOV SS";
	default:
		return "unknown VM-instruction error";
	}
}

static const char *failure_name(u64 flags)
{
	if (flags & RFLAGS_CF)
		return "no current VMCS";
	if (flags)
		return instruction_error_name(
			vmcs_read(VMCS_INSTRUCTION_ERROR));
	switch (vmcs_read(VMCS_EXIT_REASON) & 0xffff) {
	case 33:
		return "invalid guest state";
	case 34:
		return "MSR loading";
	case 41:
		return "machine check";
	default:
		return "unknown exit reason";
	}
}

static u64 read_current_vmcs(enum vmcs_field field)
{
	return vmcs_read(field);
}

static void print_rule(struct vmx_check *check,
		       const struct vmx_broken_rule *broken)
{
	printf("broken rule: VMCS field %s = 0x%lx: %s (SDM 3C %s)\n",
	       vmcs_field_name(broken->field), broken->value, broken->rule,
	       broken->section);
}

/*
 * The guest owns the console by now. panic() takes it back, but only after
 * what we have to say before.
 */
void vmx_entry_failed(struct vcpu *vcpu, u64 flags)
{
	struct vmx_check check = {
		.read = read_current_vmcs,
		.caps = vmx_caps(),
		.report = print_rule,
	};

	console_take_back();
	if (flags & RFLAGS_CF)
		panic("VM entry failed: %s", failure_name(flags));
	printf("VM entry failed: %s\n", failure_name(flags));
	vmx_check_entry(&check);
	vmx_dump(vcpu);
	if (!check.count)
		panic("VM entry failed: %s; no rule that we know is broken",
		      failure_name(flags));
	panic("VM entry failed: %s: field %s: %s (SDM 3C %s)",
	      failure_name(flags), vmcs_field_name(check.first.field),
	      check.first.rule, check.first.section);
}
