/*
 * Intel's exit reasons (SDM 3D appendix C) in the words of vmm/exit.h.
 */
#include "lib/cpu.h"
#include "vmx/events.h"
#include "vmx/vmx.h"

#define REASON_EXCEPTION_OR_NMI 0
#define REASON_IO               30
#define REASON_WRMSR            32

#define EPT_WRITE BIT(1) /* qualification: the access was a write */

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
	[50] = VIRT,        /* INVEPT */
	[53] = VIRT,        /* INVVPID */
	[55] = EXIT_XSETBV,
	[59] = VIRT, /* VMFUNC */
	[76] = VIRT, /* SEAMCALL */
	[77] = VIRT, /* TDCALL */
};

static enum exit_reason translate(u64 basic)
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
void vmx_decode_exit(struct vm_exit *exit)
{
	u64 reason = vmcs_read(VMCS_EXIT_REASON);
	u64 basic = reason & 0xffff;

	*exit = (struct vm_exit){
		.reason = translate(basic),
		.hw_reason = reason,
		.info = vmcs_read(VMCS_EXIT_QUALIFICATION),
		.write = basic == REASON_WRMSR,
	};
	if (exit->reason == EXIT_MEMORY) {
		exit->gpa = GPHYS(vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));
		exit->write = exit->info & EPT_WRITE;
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
