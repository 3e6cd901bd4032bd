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
#include "vmm/regs_offsets.h"
#include "vmm/speculation.h"

	.text
	.globl	svm_enter
svm_enter:
	push	%rbp
	mov	%rsp, %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdx
	push	%rdi
	clgi
	mov	%rsi, %rax
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
	vmload	%rax
	vmrun	%rax
	vmsave	%rax			/* RAX is the VMCB again */
	pop	%rax			/* the guest's RAX is in the VMCB */
	mov	%rcx, GUEST_REGS_RCX(%rax)
	mov	%rdx, GUEST_REGS_RDX(%rax)
	mov	%rbx, GUEST_REGS_RBX(%rax)
	mov	%rbp, GUEST_REGS_RBP(%rax)
	mov	%rsi, GUEST_REGS_RSI(%rax)
	mov	%rdi, GUEST_REGS_RDI(%rax)
	mov	%r8, GUEST_REGS_R8(%rax)
	mov	%r9, GUEST_REGS_R9(%rax)
	mov	%r10, GUEST_REGS_R10(%rax)
	mov	%r11, GUEST_REGS_R11(%rax)
	mov	%r12, GUEST_REGS_R12(%rax)
	mov	%r13, GUEST_REGS_R13(%rax)
	mov	%r14, GUEST_REGS_R14(%rax)
	mov	%r15, GUEST_REGS_R15(%rax)
	pop	%rax
	vmload	%rax			/* our own FS, GS, TR */
	FILL_RETURN_STACK
	FORGET_GUEST_REGISTERS
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

/*
 * void svm_take_pending(void)
 *
 * After an exit for an INIT or NMI it is still pending. With GIF set for a
 * moment it is delivered: an NMI as such, an INIT as #SX because VM_CR.R_INIT
 * is set (APM 2 15.28).
 */
	.globl	svm_take_pending
svm_take_pending:
	stgi
	nop
	clgi
	ret

	.section .note.GNU-stack, "", @progbits
