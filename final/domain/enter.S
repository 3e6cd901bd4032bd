/*
 * Into ring 3 and back. It mirrors vmx/entry.S and svm/entry.S: registers in,
 * one instruction that enters, and one place where all ways out arrive.
 */
#include "domain/abi.h"
#include "domain/tables.h"
#include "paging/gdt.h"
#include "vmm/speculation.h"

/* Vectors with an error code: 8, 10 to 14, 17, 21, 29, 30 (SDM 3A 6.15; APM 2
 * 8.2). */
#define HAS_ERROR_CODE 0x60227d00

#define MSR_GS_BASE 0xc0000101

#define FRAME_WORDS 22			/* of struct trap_frame, */
#define FRAME_CS    (18 * 8)		/* and where its CS is */

/* RSP -> a struct trap_frame: go on where it says. */
	.macro	RETURN_TO_FRAME
	.irp	register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, \
		rdx, rcx, rbx, rax
	pop	%\register
	.endr
	add	$16, %rsp		/* vector and error code */
	iretq
	.endm

	.text
/*
 * void ring3_enter(struct trap_frame *regs, u64 *rsp0)
 *
 * In:   RDI -> where ring 3 goes on, sound in all that IRETQ checks; RSI -> the
 *	 stack of ring 0 in this CPU's TSS. GDT, IDT and CR3 are the domain's.
 * Out:  ring 3 has run until it left; its frame, with the vector, is at *regs.
 *	 DS, ES, SS and the GS base are ours.
 *
 * The registers are popped from *regs itself. Nothing but an NMI or a machine
 * check, which have stacks of their own, can come in between.
 */
	.globl	ring3_enter
	.type	ring3_enter, @function
ring3_enter:
	push	%rbp
	mov	%rsp, %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi			/* regs, for the way back */
	mov	%rsp, %gs:percpu_ring3_rsp
	mov	%rsp, (%rsi)
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	xor	%edx, %edx		/* ring 3 need not know where it was */
	mov	$MSR_GS_BASE, %ecx
	wrmsr
	mov	%rdi, %rsp
	RETURN_TO_FRAME

/*
 * Where the CPU arrives at each vector while the domain's IDT is loaded: 32
 * exceptions, then the system call. As in paging/trap_entry.S.
 */
	.balign 16
	.globl	ring3_stubs
	.type	ring3_stubs, @function
ring3_stubs:
	.set	vector, 0
	.rept	32
	.balign	16
	.if	((HAS_ERROR_CODE >> vector) & 1) == 0
	push	$0
	.endif
	push	$vector
	jmp	ring3_common
	.set	vector, vector + 1
	.endr
	.balign	16
	push	$0
	push	$SYSCALL_VECTOR
	jmp	ring3_common
	.size	ring3_stubs, . - ring3_stubs

/*
 * In:   the stack as struct trap_frame from its vector on; any registers; in
 *	 RFLAGS maybe AC, which switches SMAP off; GS may have any base.
 * Does: from ring 3: what ring3_enter promises. From ring 0 (an NMI in between
 *	 the loads): as trap_common of paging/trap_entry.S, and then GS has the
 *	 base again that it had.
 *
 * This CPU's per-CPU variables are found by its GDT, which is one of them.
 */
	.type	ring3_common, @function
ring3_common:
	.irp	register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, \
		r12, r13, r14, r15
	push	%\register
	.endr
	push	$2			/* no flag; bit 1 is always 1 */
	popfq
	mov	%rsp, %rdi
	mov	$MSR_GS_BASE, %ecx
	rdmsr
	mov	%eax, %r12d
	mov	%edx, %r13d
	sub	$16, %rsp
	sgdt	6(%rsp)
	mov	8(%rsp), %rax
	add	$16, %rsp
	sub	$percpu_ring3_gdt, %rax
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
	testb	$3, FRAME_CS(%rsp)
	jnz	ring3_left

	call	trap_dispatch
	mov	$MSR_GS_BASE, %ecx
	mov	%r12d, %eax
	mov	%r13d, %edx
	wrmsr
	RETURN_TO_FRAME

	/* IRETQ also lets the next NMI in, after one from ring 3. */
ring3_left:
	mov	%rdi, %rsi
	mov	%gs:percpu_ring3_rsp, %rsp
	mov	(%rsp), %rdi
	mov	$FRAME_WORDS, %ecx
	rep movsq
	mov	%rsp, %rax
	push	$SEL_DATA
	push	%rax
	push	$2
	push	$SEL_CODE
	push	$1f
	iretq
1:	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	FILL_RETURN_STACK
	FORGET_GUEST_REGISTERS
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size	ring3_common, . - ring3_common

	.section .note.GNU-stack, "", @progbits
