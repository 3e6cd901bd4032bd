/*
 * The guest's next instruction, read from its memory.
 *
 * Hardware with NRIP save tells where the instruction after an intercepted one
 * begins. QEMU's TCG has no NRIP save, so there we look at the bytes; and TCG
 * (7.2) answers a guest's MOV to CR4 with a reserved bit not with #GP but with
 * VMEXIT_INVALID, as if VMRUN had found the bit in the VMCB. Then nothing is
 * wrong with the VMCB, and RIP is at the instruction: so the two can be told
 * apart. Hardware never comes here for that.
 */
#include "console/panic.h"
#include "svm/svm.h"
#include "vmm/cpu_mode.h"
#include "vmm/decode.h"
#include "vmm/guest_memory.h"

/*
 * All intercepted instructions are 0f xx, or, of three bytes, 0f 01 xx.
 */
uint svm_instruction_length(struct vcpu *vcpu)
{
	u8 code[INSTRUCTION_MOST];
	struct instruction i = decode_opcode(code, guest_fetch(vcpu, code),
					     guest_address_size(vcpu));

	if (i.opcode == 0x0f) {
		if (decode_byte(&i) == 0x01)
			decode_byte(&i);
		return i.at;
	}
	svm_dump(vcpu);
	panic("can't read the guest's instruction at 0x%lx",
	      svm_vmcb(vcpu)->save.rip);
}

/* 0F 22 /4 (APM 3, MOV CRn); REX.R would make it CR12. */
bool svm_at_mov_to_cr4(struct vcpu *vcpu)
{
	u8 code[INSTRUCTION_MOST];
	struct instruction i = decode_opcode(code, guest_fetch(vcpu, code),
					     guest_address_size(vcpu));

	return i.opcode == 0x0f && decode_byte(&i) == 0x22 &&
	       (decode_byte(&i) >> 3 & 7) == 4 && !(i.rex & REX_R);
}
