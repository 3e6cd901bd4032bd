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
#include "vmm/guest_memory.h"

#define MAX_INSTRUCTION 15 /* bytes (APM 3 1.1) */

/* Opcode bytes behind the prefixes, which every x86 instruction may have. */
struct code {
	uint prefixes; /* how many there are */
	u8 rex;
	u8 opcode[3];
};

static bool is_prefix(u8 byte)
{
	static const u8 prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
				      0x2e, 0x36, 0x3e, 0x64, 0x65};

	for (uint i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (byte == prefixes[i])
			return true;
	return false;
}

/* The bytes after the instruction may lie on a page that does not exist. */
static void fetch_instruction(struct vcpu *vcpu, bool long_mode, u8 *bytes)
{
	const struct vmcb_save *s = &svm_vmcb(vcpu)->save;
	u64 at = long_mode ? s->rip : s->cs.base + s->rip;

	if (guest_read_virt(vcpu, at, bytes, MAX_INSTRUCTION))
		guest_read_virt(
			vcpu, at, bytes,
			MIN((u64)MAX_INSTRUCTION, PAGE_SIZE - at % PAGE_SIZE));
}

/* What can't be read counts as zeros, which is no opcode of interest. */
static struct code read_code(struct vcpu *vcpu)
{
	bool long_mode = guest_address_size(vcpu) == 8;
	u8 bytes[MAX_INSTRUCTION + sizeof(((struct code *)0)->opcode)] = {0};
	struct code code = {0};

	fetch_instruction(vcpu, long_mode, bytes);
	for (; code.prefixes < MAX_INSTRUCTION; code.prefixes++) {
		u8 byte = bytes[code.prefixes];

		if (long_mode && (byte & 0xf0) == 0x40)
			code.rex = byte;
		else if (!is_prefix(byte))
			break;
	}
	for (uint i = 0; i < sizeof(code.opcode); i++)
		code.opcode[i] = bytes[code.prefixes + i];
	return code;
}

/*
 * All intercepted instructions are 0f xx, or, of three bytes, 0f 01 xx.
 */
uint svm_instruction_length(struct vcpu *vcpu)
{
	struct code code = read_code(vcpu);

	if (code.opcode[0] == 0x0f)
		return code.prefixes + (code.opcode[1] == 0x01 ? 3 : 2);
	svm_dump(vcpu);
	panic("can't read the guest's instruction at 0x%lx",
	      svm_vmcb(vcpu)->save.rip);
}

#define REX_R BIT(2)

/* 0F 22 /4 (APM 3, MOV CRn); REX.R would make it CR12. */
bool svm_at_mov_to_cr4(struct vcpu *vcpu)
{
	struct code code = read_code(vcpu);

	return code.opcode[0] == 0x0f && code.opcode[1] == 0x22 &&
	       (code.opcode[2] >> 3 & 7) == 4 && !(code.rex & REX_R);
}
