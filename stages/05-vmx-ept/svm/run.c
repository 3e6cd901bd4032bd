/*
 * One trip into the guest, and the translation of SVM's exit codes.
 */
#include "lib/cpu.h"
#include "svm/svm.h"
#include "vmm/vcpu.h"
#include "vmm/decode.h"
#include "vmm/guest_memory.h"

#define VIRT EXIT_VIRT_INSTRUCTION

/* Exit code (APM 2 appendix C) to our reason. */
static const u8 translation[] = {
	[0x61] = EXIT_NMI,
	[0x63] = EXIT_INIT,
	[0x72] = EXIT_CPUID,
	[0x74] = EXIT_NMI_WINDOW, /* IRET */
	[0x76] = EXIT_INVD,
	[0x7a] = VIRT, /* INVLPGA */
	[SVM_EXIT_IO] = EXIT_IO,
	[SVM_EXIT_MSR] = EXIT_RDMSR,
	[0x7f] = EXIT_TRIPLE_FAULT, /* shutdown */
	[0x80] = VIRT,              /* VMRUN */
	[0x81] = EXIT_HYPERCALL,    /* VMMCALL */
	[0x82] = VIRT,              /* VMLOAD */
	[0x83] = VIRT,              /* VMSAVE */
	[0x84] = VIRT,              /* STGI */
	[0x85] = VIRT,              /* CLGI */
	[0x86] = VIRT,              /* SKINIT */
};

static enum exit_reason translate_reason(const struct vmcb_control *c)
{
	if (c->exit_code == SVM_EXIT_NPF)
		return EXIT_MEMORY;
	if (c->exit_code == SVM_EXIT_MSR && c->exit_info1)
		return EXIT_WRMSR;
	return c->exit_code < ARRAY_SIZE(translation)
		       ? translation[c->exit_code]
		       : EXIT_UNKNOWN;
}

/* VMEXIT_INVALID is -1, in QEMU's TCG one of 32 bits. */
static bool is_invalid(const struct vmcb_control *c)
{
	return (u32)c->exit_code == (u32)SVM_EXIT_INVALID;
}

/*
 * 0F 22 /4 (APM 3, MOV CRn); REX.R would make it CR12. QEMU's TCG (7.2)
 * answers a guest's MOV to CR4 with a reserved bit not with #GP but with
 * VMEXIT_INVALID, as if VMRUN had found the bit in the VMCB. Then nothing is
 * wrong with the VMCB, and RIP is at the instruction: so the two can be told
 * apart. Hardware never comes here for that.
 */
static bool is_at_mov_to_cr4(struct vcpu *vcpu)
{
	u8 code[INSTRUCTION_MOST];
	struct instruction i = decode_opcode(code, guest_fetch(vcpu, code),
					     guest_address_size(vcpu));

	return i.opcode == 0x0f && decode_byte(&i) == 0x22 &&
	       (decode_byte(&i) >> 3 & 7) == 4 && !(i.rex & REX_R);
}

static void decode_io(u64 info, struct vm_exit *exit)
{
	exit->port = IO_PORT(info);
	exit->size = IO_SIZE(info);
	exit->write = !(info & IO_IN);
	exit->string = info & IO_STRING;
}

static void decode_exit(struct vmcb_control *c, struct vm_exit *exit)
{
	exit->hw_reason = c->exit_code;
	exit->info = c->exit_info1;
	exit->gpa = GPHYS(c->exit_info2);
	exit->write = c->exit_info1 & NPF_WRITE;
	exit->reserved = c->exit_info1 & NPF_RESERVED;
	exit->implicit =
		c->exit_info1 & NPF_WALK || c->exit_int_info & EVENT_VALID;
	exit->vector = VECTOR_UD;
	exit->reason = translate_reason(c);
	if (exit->reason == EXIT_IO)
		decode_io(c->exit_info1, exit);
	if (is_invalid(c)) { /* a bad CR4 */
		exit->reason = EXIT_VIRT_INSTRUCTION;
		exit->vector = VECTOR_GP;
	}
}

static void enter_guest(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_vcpu(vcpu);
	struct vmcb_control *c = &svm->vmcb->control;

	svm->vmcb->save.rax = vcpu->regs.rax;
	svm_enter(&vcpu->regs, svm->vmcb_phys, svm->host_vmcb_phys);
	vcpu->exit_tsc = rdtsc();
	vcpu->regs.rax = svm->vmcb->save.rax;
	c->tlb_control = 0;
	if (is_invalid(c) && !is_at_mov_to_cr4(vcpu))
		svm_entry_failed(vcpu);
	c->event_injection = 0;
}

void svm_run(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;

	do {
		svm_nmi_before_entry(vcpu);
		enter_guest(vcpu);
	} while (svm_return_exception(vcpu));
	svm_resume_delivery(vcpu);
	decode_exit(c, exit);
	if (exit->reason == EXIT_INIT)
		svm_take_pending();
}

const struct vcpu_ops svm_ops = {
	.name = "SVM with NPT",
	.id = 2,
	.probe = svm_probe,
	.enable = svm_enable,
	.disable = svm_disable,
	.create = svm_create,
	.reset = svm_reset,
	.start = svm_start,
	.run = svm_run,
	.get = svm_get,
	.set = svm_set,
	.skip_instruction = svm_skip_instruction,
	.skip_bytes = svm_skip_bytes,
	.inject_exception = svm_inject_exception,
	.inject_machine_check = svm_inject_machine_check,
	.nmi = svm_nmi,
	.nmi_window = svm_nmi_window,
	.end_nmi = svm_end_nmi,
	.nmi_in_host = svm_nmi_in_host,
	.listen = svm_listen,
	.read_msr = svm_read_msr,
	.write_msr = svm_write_msr,
	.intercept_msr = svm_intercept_msr,
	.intercept_io = svm_intercept_io,
	.flush_map = svm_flush_map,
	.dump = svm_dump,
};
