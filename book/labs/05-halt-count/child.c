/*
 * The VMX half, with a VMCS that is an array: which controls are chosen, what
 * becomes of an exit, and what of the VMCS when the guest halts.
 */
#include "judge.h"

#include "lib/string.h"
#include "vmentry/check.h"
#include "vmm/machine_check.h"
#include "vmm/nmi.h"
#include "vmx/test/good_caps.h"
#include "vmx/vmx.h"

static u64 fields[0x10000];

static u64 field_read(enum vmcs_field field)
{
	return fields[field];
}

static void field_write(enum vmcs_field field, u64 value)
{
	fields[field] = value;
}

#define vmcs_read(field)         field_read(field)
#define vmcs_write(field, value) field_write(field, value)

#include "vmx/halt.c"
#include "vmx/run.c"

/* What vmx/run.c names besides, and the child has no use for. */
#define NOTHING(name) asm(".globl " #name "\n.set " #name ", nothing")

void nothing(void);
void nothing(void)
{
}

NOTHING(vmx_enable);
NOTHING(vmx_disable);
NOTHING(vmx_create);
NOTHING(vmx_reset);
NOTHING(vmx_start);
NOTHING(vmx_wait_for_sipi);
NOTHING(vmx_inject_exception);
NOTHING(vmx_inject_machine_check);
NOTHING(vmx_nmi);
NOTHING(vmx_nmi_window);
NOTHING(vmx_end_nmi);
NOTHING(vmx_nmi_in_host);
NOTHING(vmx_stop_entry);
NOTHING(vmx_cr_write);
NOTHING(vmx_task_switch);
NOTHING(vmx_read_msr);
NOTHING(vmx_write_msr);
NOTHING(vmx_intercept_msr);
NOTHING(vmx_intercept_io);
NOTHING(vmx_filter_cpuid);
NOTHING(vmx_flush_map);
NOTHING(vmx_dump);
NOTHING(vmx_enter);
NOTHING(vmx_entry_failed);
NOTHING(vmx_break_vmcs);
NOTHING(vmx_resume_delivery);
NOTHING(vmx_return_exception);
NOTHING(machine_check_at_entry);
NOTHING(cpu_stop_serve);

const struct vcpu_ops *vcpu_ops = &vmx_ops;

u64 vmx_get(struct vcpu *vcpu, enum vcpu_reg reg)
{
	return reg == VCPU_RIP      ? vmcs_read(VMCS_GUEST_RIP)
	       : reg == VCPU_RFLAGS ? vmcs_read(VMCS_GUEST_RFLAGS)
				    : 0;
}

void vmx_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value)
{
	if (reg == VCPU_RIP)
		vmcs_write(VMCS_GUEST_RIP, value);
}

void vmx_skip_bytes(struct vcpu *vcpu, uint length)
{
	fields[VMCS_GUEST_RIP] += length;
	fields[VMCS_GUEST_INTERRUPTIBILITY] &=
		~(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
}

void vmx_skip_instruction(struct vcpu *vcpu)
{
	vmx_skip_bytes(vcpu, fields[VMCS_EXIT_INSTRUCTION_LENGTH]);
}

/* The primary controls that are chosen, by a good CPU. */
static void controls(void)
{
	struct vmx_caps caps = good_caps();

	answer("%#x", vmx_choose_control(&caps, CONTROL_PROC));
}

/* Is a CPU enough that lacks these bits of what may be 1 in the primary
 * controls, and these of IA32_VMX_MISC? */
static void enough(void)
{
	struct vmx_caps caps = good_caps();
	const char *why;
	int error;

	caps.allowed[CONTROL_PROC].one &= ~number(1);
	caps.misc &= ~number(2);
	error = vmx_check_caps(&caps, &why);
	answer("%d %s", error, why ? why : "");
}

static void reason(void)
{
	struct vm_exit exit;

	memset(fields, 0, sizeof(fields));
	fields[VMCS_EXIT_REASON] = number(1);
	decode_exit(&exit);
	answer("%d", exit.reason == EXIT_HLT);
}

/* A HLT at RIP, with this interruptibility. */
static void halt(void)
{
	static struct vcpu vcpu;

	memset(fields, 0, sizeof(fields));
	fields[VMCS_EXIT_REASON] = 12;
	fields[VMCS_EXIT_INSTRUCTION_LENGTH] = 1;
	fields[VMCS_GUEST_RIP] = number(1);
	fields[VMCS_GUEST_INTERRUPTIBILITY] = number(2);
	vmx_halt(&vcpu);
	answer("%#lx %lu %lu", fields[VMCS_GUEST_RIP],
	       fields[VMCS_GUEST_INTERRUPTIBILITY],
	       fields[VMCS_GUEST_ACTIVITY]);
}

const struct judge_command judge_commands[] = {
	{"controls", controls},
	{"enough", enough},
	{"reason", reason},
	{"halt", halt},
	{},
};
