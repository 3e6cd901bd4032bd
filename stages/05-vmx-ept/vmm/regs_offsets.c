/*
 * No code: only the proof that the assembler and the compiler agree on where
 * the guest's registers are.
 */
#include "vmm/regs_offsets.h"

#include "vmm/vcpu.h"

#define CHECK(member, offset)                                         \
	_Static_assert(offsetof(struct guest_regs, member) == offset, \
		       "vmm/regs_offsets.h: " #member)

CHECK(rax, GUEST_REGS_RAX);
CHECK(rcx, GUEST_REGS_RCX);
CHECK(rdx, GUEST_REGS_RDX);
CHECK(rbx, GUEST_REGS_RBX);
CHECK(rbp, GUEST_REGS_RBP);
CHECK(rsi, GUEST_REGS_RSI);
CHECK(rdi, GUEST_REGS_RDI);
CHECK(r8, GUEST_REGS_R8);
CHECK(r9, GUEST_REGS_R9);
CHECK(r10, GUEST_REGS_R10);
CHECK(r11, GUEST_REGS_R11);
CHECK(r12, GUEST_REGS_R12);
CHECK(r13, GUEST_REGS_R13);
CHECK(r14, GUEST_REGS_R14);
CHECK(r15, GUEST_REGS_R15);
CHECK(cr2, GUEST_REGS_CR2);

_Static_assert(sizeof(struct guest_regs) == GUEST_REGS_SIZE, "no more");
