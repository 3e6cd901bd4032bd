/*
 * The guest's registers that the VMCB holds, by the names of the contract; and
 * stepping over an instruction, which changes three of them.
 */
#include "console/panic.h"
#include "lib/cpu.h"
#include "svm/svm.h"
#include "vmm/vcpu.h"
#include "vmm/decode.h"
#include "vmm/guest_memory.h"

/* The VMCB keeps a descriptor's flags without the hole of the VMX layout. */
static u64 to_vmx_layout(u16 attributes)
{
	return (attributes & 0xff) | (u64)(attributes & 0xf00) << 4;
}

/* Where in the save area; 0: none of the 64-bit fields is at its beginning. */
static const u16 field_offset[] = {
	[VCPU_RIP] = offsetof(struct vmcb_save, rip),
	[VCPU_RSP] = offsetof(struct vmcb_save, rsp),
	[VCPU_RFLAGS] = offsetof(struct vmcb_save, rflags),
	[VCPU_CR0] = offsetof(struct vmcb_save, cr0),
	[VCPU_CR3] = offsetof(struct vmcb_save, cr3),
	[VCPU_CR4] = offsetof(struct vmcb_save, cr4),
	[VCPU_SS_ATTR] = 0, /* the last */
};

static u64 *plain_field(struct vmcb_save *s, enum vcpu_reg reg)
{
	return field_offset[reg] ? (void *)s + field_offset[reg] : NULL;
}

u64 svm_get(struct vcpu *vcpu, enum vcpu_reg reg)
{
	struct vmcb_save *s = &svm_vmcb(vcpu)->save;
	u64 *f = plain_field(s, reg);

	if (f)
		return *f;
	switch (reg) {
	case VCPU_EFER:
		return s->efer & ~EFER_SVME;
	case VCPU_ES_BASE ... VCPU_GS_BASE: /* the VMCB has the same order */
		return (&s->es)[reg - VCPU_ES_BASE].base;
	case VCPU_CS_ATTR:
		return to_vmx_layout(s->cs.attributes);
	case VCPU_SS_ATTR:
		return to_vmx_layout(s->ss.attributes);
	default:
		panic("svm_get: no register %d", reg);
	}
}

void svm_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value)
{
	struct vmcb_save *s = &svm_vmcb(vcpu)->save;
	u64 *f = plain_field(s, reg);

	if (f)
		*f = value;
	else if (reg == VCPU_EFER)
		s->efer = value | EFER_SVME;
	else
		panic("svm_set: no register %d", reg);
}

static void skip_to(struct vcpu *vcpu, u64 rip)
{
	struct vmcb *vmcb = svm_vmcb(vcpu);

	vmcb->save.rip = rip;
	vmcb->control.interrupt_shadow &= ~INTERRUPT_SHADOW;
	/* RF holds for one instruction, and this one is done (APM 2 3.1.6). */
	vmcb->save.rflags &= ~RFLAGS_RF;
	/* A single-stepped instruction ends with a #DB (APM 2 13.1.4). */
	if (vmcb->save.rflags & RFLAGS_TF) {
		vmcb->save.dr6 |= BIT(14); /* BS */
		svm_inject_exception(vcpu, VECTOR_DB, 0);
	}
}

void svm_skip_bytes(struct vcpu *vcpu, uint length)
{
	skip_to(vcpu, guest_next_rip(vcpu, length));
}

/*
 * Of the instruction that exited, in bytes, where nothing else tells it: QEMU's
 * TCG has no NRIP save. All intercepted ones are 0f xx, or, of three bytes,
 * 0f 01 xx. 0: another CPU of the guest has changed it, or its page tables.
 */
static uint instruction_length(struct vcpu *vcpu)
{
	u8 code[INSTRUCTION_MOST];
	struct instruction i = decode_opcode(code, guest_fetch(vcpu, code),
					     guest_address_size(vcpu));

	if (i.opcode != 0x0f)
		return 0;
	if (decode_byte(&i) == 0x01)
		decode_byte(&i);
	return i.cut ? 0 : i.at;
}

static void skip_by_reading(struct vcpu *vcpu)
{
	struct vm_exit exit = {
		.hw_reason = svm_vmcb(vcpu)->control.exit_code,
	};
	uint length = instruction_length(vcpu);

	if (length)
		svm_skip_bytes(vcpu, length);
	else
		exit_refuse(vcpu, &exit, VECTOR_UD,
			    "its instruction is not there any more");
}

void svm_skip_instruction(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;

	if (c->exit_code == SVM_EXIT_IO)
		skip_to(vcpu, c->exit_info2);
	else if (svm_vcpu(vcpu)->nrips && c->next_rip)
		skip_to(vcpu, c->next_rip);
	else
		skip_by_reading(vcpu);
}
