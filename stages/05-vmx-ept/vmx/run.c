/*
 * Running the guest until something happens that the rest of Vellum must see;
 * Intel's exit reasons (SDM 3D appendix C) in the words of vmm/exit.h; and the
 * table of operations that the rest of Vellum calls. Book: chapter 5.
 */
#include "lib/cpu.h"
#include "vmentry/check.h"
#include "vmm/machine_check.h"
#include "vmm/nmi.h"
#include "vmx/vmx.h"

/* The exit reason (SDM 3C 25.9.1). */
#define BASIC_REASON        0xffff
#define REASON_FAILED_ENTRY BIT(31)

/* An entry that failed by a machine check (SDM 3C 27.9). */
#define REASON_MACHINE_CHECK (REASON_FAILED_ENTRY | 41)

#define REASON_EXCEPTION_OR_NMI 0
#define REASON_IO               30
#define REASON_WRMSR            32
#define REASON_EPT_MISCONFIG    49

/* Qualification of an EPT violation (SDM 3C table 28-7). */
#define EPT_WRITE   BIT(1) /* the access was a write, */
#define EPT_OPERAND BIT(8) /* and not to the guest's page tables */

/* Qualification of an I/O exit (SDM 3C table 28-5). */
#define IO_SIZE(info) (((info)&7) + 1)
#define IO_IN         BIT(3)
#define IO_STRING     BIT(4)
#define IO_PORT(info) ((info) >> 16 & 0xffff)

#define VIRT EXIT_VIRT_INSTRUCTION

/* Basic reason to ours. */
static const u8 translation[] = {
	[2] = EXIT_TRIPLE_FAULT,
	[3] = EXIT_INIT,
	[4] = EXIT_SIPI,
	[8] = EXIT_NMI_WINDOW,
	[9] = EXIT_TASK_SWITCH,
	[10] = EXIT_CPUID,
	[11] = VIRT, /* GETSEC */
	[13] = EXIT_INVD,
	[18] = EXIT_HYPERCALL,
	[19] = VIRT, /* VMCLEAR */
	[20] = VIRT, /* VMLAUNCH */
	[21] = VIRT, /* VMPTRLD */
	[22] = VIRT, /* VMPTRST */
	[23] = VIRT, /* VMREAD */
	[24] = VIRT, /* VMRESUME */
	[25] = VIRT, /* VMWRITE */
	[26] = VIRT, /* VMXOFF */
	[27] = VIRT, /* VMXON */
	[28] = EXIT_CR_WRITE,
	[REASON_IO] = EXIT_IO,
	[31] = EXIT_RDMSR,
	[REASON_WRMSR] = EXIT_WRMSR,
	[48] = EXIT_MEMORY, /* EPT violation */
	[REASON_EPT_MISCONFIG] = EXIT_MEMORY,
	[50] = VIRT, /* INVEPT */
	[53] = VIRT, /* INVVPID */
	[55] = EXIT_XSETBV,
	[59] = VIRT, /* VMFUNC */
	[76] = VIRT, /* SEAMCALL */
	[77] = VIRT, /* TDCALL */
};

static enum exit_reason translate_reason(u64 basic)
{
	if (basic == REASON_EXCEPTION_OR_NMI &&
	    EVENT_TYPE(vmcs_read(VMCS_EXIT_EVENT)) == EVENT_NMI)
		return EXIT_NMI;
	return basic < ARRAY_SIZE(translation) ? translation[basic]
					       : EXIT_UNKNOWN;
}

/*
 * VMX instructions raise #UD where CR4.VMXE is 0, and so the guest sees it:
 * never mind that its privilege level would come first.
 */
static void decode_exit(struct vm_exit *exit)
{
	u64 reason = vmcs_read(VMCS_EXIT_REASON);
	u64 basic = reason & BASIC_REASON;

	*exit = (struct vm_exit){
		.reason = translate_reason(basic),
		.hw_reason = reason,
		.info = vmcs_read(VMCS_EXIT_QUALIFICATION),
		.write = basic == REASON_WRMSR,
	};
	if (exit->reason == EXIT_MEMORY) {
		exit->gpa = GPHYS(vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));
		exit->reserved = basic == REASON_EPT_MISCONFIG;
		exit->write = !exit->reserved && (exit->info & EPT_WRITE);
		exit->implicit = !(exit->info & EPT_OPERAND) ||
				 vmcs_read(VMCS_IDT_VECTORING) & EVENT_VALID;
	}
	if (exit->reason == EXIT_IO) {
		exit->port = IO_PORT(exit->info);
		exit->size = IO_SIZE(exit->info);
		exit->write = !(exit->info & IO_IN);
		exit->string = exit->info & IO_STRING;
	}
	if (exit->reason == EXIT_VIRT_INSTRUCTION)
		exit->vector = VECTOR_UD;
}

static u64 enter_guest(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vcpu->backend;
	u64 flags;

	if (!vmx->launched)
		vmx_break_vmcs();
	flags = vmx_enter(&vcpu->regs, vmx->launched, &vcpu->stop);
	if (flags == VMX_ENTER_STOPPED)
		return flags;
	vcpu->exit_tsc = rdtsc();
	if (!flags && vmcs_read(VMCS_EXIT_REASON) == REASON_MACHINE_CHECK) {
		machine_check_at_entry();
		return VMX_ENTER_STOPPED;
	}
	if (flags || (vmcs_read(VMCS_EXIT_REASON) & REASON_FAILED_ENTRY))
		vmx_entry_failed(vcpu, flags);
	vmx->launched = true;
	return 0;
}

/* Exits for #DB and #AC are an affair between the CPU and us. */
static bool is_our_exception(const struct vm_exit *exit)
{
	return (exit->hw_reason & BASIC_REASON) == 0 &&
	       exit->reason != EXIT_NMI;
}

void vmx_run(struct vcpu *vcpu, struct vm_exit *exit)
{
	for (;;) {
		while (enter_guest(vcpu) == VMX_ENTER_STOPPED)
			cpu_stop_serve(vcpu);
		decode_exit(exit);
		vmx_resume_delivery(exit->hw_reason & BASIC_REASON);
		if (!is_our_exception(exit))
			return;
		vmx_return_exception();
	}
}

const struct vcpu_ops vmx_ops = {
	.name = "VMX with EPT",
	.id = 1,
	.probe = vmx_probe,
	.enable = vmx_enable,
	.disable = vmx_disable,
	.create = vmx_create,
	.reset = vmx_reset,
	.start = vmx_start,
	.wait_for_sipi = vmx_wait_for_sipi,
	.run = vmx_run,
	.get = vmx_get,
	.set = vmx_set,
	.skip_instruction = vmx_skip_instruction,
	.skip_bytes = vmx_skip_bytes,
	.inject_exception = vmx_inject_exception,
	.inject_machine_check = vmx_inject_machine_check,
	.nmi = vmx_nmi,
	.nmi_window = vmx_nmi_window,
	.end_nmi = vmx_end_nmi,
	.nmi_in_host = vmx_nmi_in_host,
	.stop_entry = vmx_stop_entry,
	.cr_write = vmx_cr_write,
	.task_switch = vmx_task_switch,
	.read_msr = vmx_read_msr,
	.write_msr = vmx_write_msr,
	.intercept_msr = vmx_intercept_msr,
	.intercept_io = vmx_intercept_io,
	.filter_cpuid = vmx_filter_cpuid,
	.flush_map = vmx_flush_map,
	.dump = vmx_dump,
};
