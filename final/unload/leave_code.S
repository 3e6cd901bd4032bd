/*
 * The last that a CPU does for Vellum.
 *
 * In:  RDI = this CPU's struct leave_page. This code and that page, and behind
 *	it the guest's root table, are at the same linear address in our page
 *	tables and in the guest's. Ring 0, out of VMX and SVM, interrupts off,
 *	NMIs blocked.
 * Out: the guest goes on, by IRETQ, which lets NMIs in again.
 *
 * Nothing may fault from LIDT on, and nothing can, which is looked at before
 * (segment.c). All data is read through RDI: the code is copied to where it
 * runs.
 *
 * The order: segment registers need tables of ours. PCIDE can be set only with
 * a PCID of 0 in CR3 (SDM 3A 4.10.1), and what has been cached of our page
 * tables goes when PGE changes; so CR3 is loaded twice. EFER may have no NXE,
 * which our page tables need, and the guest's may not. DR7 comes after all
 * that could touch a debug register.
 */
#include "unload/leave.h"

#define MSR_EFER    0xc0000080
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

#define SEGMENT(n, field) \
	LEAVE_SEGMENTS + (n) * LEAVE_SEGMENT_SIZE + (field)(%rdi)

	.macro	load_segment n, register
	lgdt	SEGMENT(\n, LEAVE_TABLE)
	mov	SEGMENT(\n, LEAVE_SELECTOR), %eax
	mov	%eax, %\register
	.endm

	.macro	write_msr msr, field
	mov	$\msr, %ecx
	mov	\field(%rdi), %eax
	mov	\field + 4(%rdi), %edx
	wrmsr
	.endm

	.text
	.globl	leave_code, leave_code_end, leave_jump
leave_code:
	load_segment 0, es
	load_segment 1, ds
	load_segment 2, fs
	load_segment 3, gs
	lgdt	SEGMENT(4, LEAVE_TABLE)
	lldt	SEGMENT(4, LEAVE_SELECTOR)
	lgdt	SEGMENT(5, LEAVE_TABLE)
	ltr	SEGMENT(5, LEAVE_SELECTOR)
	lgdt	LEAVE_GDTR(%rdi)
	lidt	LEAVE_IDTR(%rdi)

	mov	LEAVE_FIRST_CR4(%rdi), %rax
	mov	%rax, %cr4
	mov	LEAVE_FIRST_CR3(%rdi), %rax
	mov	%rax, %cr3			/* the guest's address space */
	write_msr MSR_EFER, LEAVE_EFER
	mov	LEAVE_CR4(%rdi), %rax
	mov	%rax, %cr4
	mov	LEAVE_CR3(%rdi), %rax
	mov	%rax, %cr3
	mov	LEAVE_CR0(%rdi), %rax
	mov	%rax, %cr0
	write_msr MSR_FS_BASE, LEAVE_FS_BASE
	write_msr MSR_GS_BASE, LEAVE_GS_BASE
	mov	LEAVE_REGS + GUEST_REGS_CR2(%rdi), %rax
	mov	%rax, %cr2
	mov	LEAVE_DR7(%rdi), %rax
	mov	%rax, %dr7

	mov	LEAVE_FRAME(%rdi), %rsp
	mov	LEAVE_REGS + GUEST_REGS_RAX(%rdi), %rax
	mov	LEAVE_REGS + GUEST_REGS_RCX(%rdi), %rcx
	mov	LEAVE_REGS + GUEST_REGS_RDX(%rdi), %rdx
	mov	LEAVE_REGS + GUEST_REGS_RBX(%rdi), %rbx
	mov	LEAVE_REGS + GUEST_REGS_RBP(%rdi), %rbp
	mov	LEAVE_REGS + GUEST_REGS_RSI(%rdi), %rsi
	mov	LEAVE_REGS + GUEST_REGS_R8(%rdi), %r8
	mov	LEAVE_REGS + GUEST_REGS_R9(%rdi), %r9
	mov	LEAVE_REGS + GUEST_REGS_R10(%rdi), %r10
	mov	LEAVE_REGS + GUEST_REGS_R11(%rdi), %r11
	mov	LEAVE_REGS + GUEST_REGS_R12(%rdi), %r12
	mov	LEAVE_REGS + GUEST_REGS_R13(%rdi), %r13
	mov	LEAVE_REGS + GUEST_REGS_R14(%rdi), %r14
	mov	LEAVE_REGS + GUEST_REGS_R15(%rdi), %r15
	mov	LEAVE_REGS + GUEST_REGS_RDI(%rdi), %rdi
	testq	$0, LEAVE_FRAME_TO_SLOT(%rsp)	/* its page is in the TLB now */
	movq	$0, LEAVE_FRAME_TO_SLOT(%rsp)	/* the slot is the guest's */
	iretq
leave_code_end:

leave_jump:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	jmp	__x86_indirect_thunk_rax	/* a retpoline, as in C */

	.section .note.GNU-stack, "", @progbits
