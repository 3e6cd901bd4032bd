/*
 * Where the CPU arrives at an exception, and where it loads its tables.
 *
 * 32 stubs of 16 bytes each. The CPU has aligned RSP to 16 and pushed SS, RSP,
 * RFLAGS, CS, RIP, and for some vectors an error code (SDM 3A 6.14.2); a stub
 * pushes 0 where there is none, so that every frame has one form: struct
 * trap_frame of trap.h. Book: chapter 2, "From an exception to C".
 */
#include "paging/gdt.h"

/* Vectors with an error code: 8, 10 to 14, 17, 21, 29, 30 (SDM 3A 6.15; APM 2
 * 8.2). */
#define HAS_ERROR_CODE 0x60227d00

#define MSR_GS_BASE 0xc0000101

	.text
	.balign 16
	.globl	trap_stubs
	.type	trap_stubs, @function
trap_stubs:
	.set	vector, 0
	.rept	32
	.balign	16
	.if	((HAS_ERROR_CODE >> vector) & 1) == 0
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr
	.size	trap_stubs, . - trap_stubs

/*
 * In:   the stack as struct trap_frame from its vector on; any registers.
 * Does: trap_dispatch(frame), with RSP aligned to 16 and RBP as it was, so that
 *	 a backtrace from inside goes through the exception to what caused it.
 * Out:  back to where the frame says, with the registers that it says;
 *	 trap_dispatch() may have changed both.
 */
	.type	trap_common, @function
trap_common:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	/* For debuggers: where the CPU, and we, have put the interrupted
	 * program's registers, downwards from the end of the frame. */
	.cfi_sections .debug_frame
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa rsp, 22 * 8
	.cfi_offset rsp, -2 * 8
	.cfi_offset rip, -5 * 8
	.cfi_offset rbx, -9 * 8
	.cfi_offset rbp, -14 * 8
	.cfi_offset r12, -19 * 8
	.cfi_offset r13, -20 * 8
	.cfi_offset r14, -21 * 8
	.cfi_offset r15, -22 * 8
	call	trap_dispatch
	pop	%r15			/* where it returns to counts, too */
	.cfi_endproc
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp		/* vector and error code */
	iretq
	.size	trap_common, . - trap_common

/*
 * void gdt_load(const void *gdt, u16 limit)
 *
 * Load the GDT at RDI with the limit in SI, all segment registers, and TR. The
 * GS base is kept, though a null selector clears it on Intel's CPUs: per-CPU
 * variables hang on it. Changes RAX, RCX, RDX, RSI.
 */
	.globl	gdt_load
	.type	gdt_load, @function
gdt_load:
	sub	$16, %rsp
	mov	%si, 6(%rsp)
	mov	%rdi, 8(%rsp)
	lgdt	6(%rsp)
	add	$16, %rsp
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$MSR_GS_BASE, %ecx
	rdmsr				/* to EDX:EAX */
	xor	%esi, %esi
	mov	%esi, %fs
	mov	%esi, %gs
	wrmsr
	mov	$SEL_TSS, %eax
	ltr	%ax
	pop	%rax
	push	$SEL_CODE
	push	%rax
	lretq				/* returns, and loads CS */
	.size	gdt_load, . - gdt_load

	.section .note.GNU-stack, "", @progbits
