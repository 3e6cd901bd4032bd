/*
 * Into the guest and back.
 *
 * u64 vmx_enter(struct guest_regs *regs, u64 launched, const u32 *stop)
 *
 * In:  RDI -> the guest's registers, RSI 0 for VMLAUNCH, else for VMRESUME,
 *	RDX -> a flag: not 0 means do not enter.
 *	The current VMCS is complete but for the host's RSP.
 * Out: RAX = 0 after an exit, with the registers of the guest at RDI; or the
 *	RFLAGS of a VMLAUNCH or VMRESUME that failed; or 1 if the flag was set.
 *
 * The CPU exchanges RSP, RIP, RFLAGS, segments and control registers (SDM 3C
 * 28.5); all others are ours to exchange. An exit comes in at vmx_exit_label
 * with the stack as VMLAUNCH left it, and RFLAGS = 2: interrupts off. MOV does
 * not change flags, so the choice of instruction survives the loading.
 *
 * The flag is set by an NMI, which may come when it has been looked at already.
 * So the NMI's handler (nmi.c) has a CPU that it finds between vmx_enter_begins
 * and vmx_enter_ends go to vmx_enter_stop: nothing there can't be done again.
 */
#include "vmm/regs_offsets.h"
#include "vmm/speculation.h"
#include "vmx/vmcs.h"

	.text
	.globl	vmx_enter, vmx_exit_label
	.globl	vmx_enter_begins, vmx_enter_ends, vmx_enter_stop
vmx_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi			/* regs, for the way back */
	mov	$VMCS_HOST_RSP_NUMBER, %eax
	vmwrite	%rsp, %rax
	mov	GUEST_REGS_CR2(%rdi), %rax
	mov	%rax, %cr2
vmx_enter_begins:
	cmpl	$0, (%rdx)
	jne	vmx_enter_stop
	test	%rsi, %rsi
	mov	GUEST_REGS_RAX(%rdi), %rax
	mov	GUEST_REGS_RCX(%rdi), %rcx
	mov	GUEST_REGS_RDX(%rdi), %rdx
	mov	GUEST_REGS_RBX(%rdi), %rbx
	mov	GUEST_REGS_RBP(%rdi), %rbp
	mov	GUEST_REGS_RSI(%rdi), %rsi
	mov	GUEST_REGS_R8(%rdi), %r8
	mov	GUEST_REGS_R9(%rdi), %r9
	mov	GUEST_REGS_R10(%rdi), %r10
	mov	GUEST_REGS_R11(%rdi), %r11
	mov	GUEST_REGS_R12(%rdi), %r12
	mov	GUEST_REGS_R13(%rdi), %r13
	mov	GUEST_REGS_R14(%rdi), %r14
	mov	GUEST_REGS_R15(%rdi), %r15
	mov	GUEST_REGS_RDI(%rdi), %rdi
	jz	1f
	vmresume
	jmp	2f
1:	vmlaunch
vmx_enter_ends:
2:	pushfq				/* only if it failed */
	pop	%rax
	jmp	vmx_enter_out

vmx_enter_stop:
	mov	$1, %eax
	jmp	vmx_enter_out

vmx_exit_label:
	push	%rdi			/* the guest's */
	mov	8(%rsp), %rdi		/* regs */
	mov	%rax, GUEST_REGS_RAX(%rdi)
	mov	%rcx, GUEST_REGS_RCX(%rdi)
	mov	%rdx, GUEST_REGS_RDX(%rdi)
	mov	%rbx, GUEST_REGS_RBX(%rdi)
	mov	%rbp, GUEST_REGS_RBP(%rdi)
	mov	%rsi, GUEST_REGS_RSI(%rdi)
	mov	%r8, GUEST_REGS_R8(%rdi)
	mov	%r9, GUEST_REGS_R9(%rdi)
	mov	%r10, GUEST_REGS_R10(%rdi)
	mov	%r11, GUEST_REGS_R11(%rdi)
	mov	%r12, GUEST_REGS_R12(%rdi)
	mov	%r13, GUEST_REGS_R13(%rdi)
	mov	%r14, GUEST_REGS_R14(%rdi)
	mov	%r15, GUEST_REGS_R15(%rdi)
	pop	GUEST_REGS_RDI(%rdi)
	mov	%cr2, %rax
	mov	%rax, GUEST_REGS_CR2(%rdi)
	FILL_RETURN_STACK
	FORGET_GUEST_REGISTERS
	xor	%eax, %eax
vmx_enter_out:
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
