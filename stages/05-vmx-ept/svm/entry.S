/*
 * Into the guest and back (APM 2 15.5).
 *
 * void svm_enter(struct guest_regs *regs, phys_t vmcb, phys_t host_vmcb)
 *
 * In:  RDI = the guest's registers, RSI = its VMCB, RDX = a VMCB that holds
 *      our own state for VMLOAD. RAX and RSP of the guest are in its VMCB.
 * Out: the guest has run until an exit; @regs and the VMCB say where it is.
 *
 * VMRUN and the exit exchange most state, but not the general registers, and
 * not what VMLOAD and VMSAVE move (FS, GS, TR, LDTR, SYSCALL MSRs). GIF is 0
 * from our CLGI on: nothing can interrupt us, and an NMI that comes while we
 * run exits at once when VMRUN sets GIF again. The exit clears it.
 */
#include "vmm/offsets.h"

	.text
	.global	svm_enter
svm_enter:
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdx
	pushq	%rdi
	clgi
	movq	%rsi, %rax
	movq	GUEST_REGS_RCX(%rdi), %rcx
	movq	GUEST_REGS_RDX(%rdi), %rdx
	movq	GUEST_REGS_RBX(%rdi), %rbx
	movq	GUEST_REGS_RBP(%rdi), %rbp
	movq	GUEST_REGS_RSI(%rdi), %rsi
	movq	GUEST_REGS_R8(%rdi), %r8
	movq	GUEST_REGS_R9(%rdi), %r9
	movq	GUEST_REGS_R10(%rdi), %r10
	movq	GUEST_REGS_R11(%rdi), %r11
	movq	GUEST_REGS_R12(%rdi), %r12
	movq	GUEST_REGS_R13(%rdi), %r13
	movq	GUEST_REGS_R14(%rdi), %r14
	movq	GUEST_REGS_R15(%rdi), %r15
	movq	GUEST_REGS_RDI(%rdi), %rdi
	vmload	%rax
	vmrun	%rax
	vmsave	%rax			/* RAX is the VMCB again */
	popq	%rax			/* the guest's RAX is in the VMCB */
	movq	%rcx, GUEST_REGS_RCX(%rax)
	movq	%rdx, GUEST_REGS_RDX(%rax)
	movq	%rbx, GUEST_REGS_RBX(%rax)
	movq	%rbp, GUEST_REGS_RBP(%rax)
	movq	%rsi, GUEST_REGS_RSI(%rax)
	movq	%rdi, GUEST_REGS_RDI(%rax)
	movq	%r8, GUEST_REGS_R8(%rax)
	movq	%r9, GUEST_REGS_R9(%rax)
	movq	%r10, GUEST_REGS_R10(%rax)
	movq	%r11, GUEST_REGS_R11(%rax)
	movq	%r12, GUEST_REGS_R12(%rax)
	movq	%r13, GUEST_REGS_R13(%rax)
	movq	%r14, GUEST_REGS_R14(%rax)
	movq	%r15, GUEST_REGS_R15(%rax)
	popq	%rax
	vmload	%rax			/* our own FS, GS, TR */
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

/*
 * void svm_take_pending(void)
 *
 * After an exit for an INIT or NMI it is still pending. With GIF set for a
 * moment it is delivered: an NMI as such, an INIT as #SX because VM_CR.R_INIT
 * is set (APM 2 15.28).
 */
	.global	svm_take_pending
svm_take_pending:
	stgi
	nop
	clgi
	ret

	.section .note.GNU-stack, "", @progbits
