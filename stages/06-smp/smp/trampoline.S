/*
 * From a start-up IPI to C.
 *
 * A CPU that gets a start-up IPI with vector VV begins at VV00:0000 in real
 * mode, on a page below 1 MiB (SDM 3A 9.4.4). start.c has copied what is
 * between trampoline_start and trampoline_end there, and filled in the struct
 * trampoline at its beginning.
 *
 * In:   CS:IP VV00:0000, all else as INIT leaves it.
 * Does: real mode to 64-bit mode in one step: with EFER.LME and CR4.PAE set,
 *	 one write of CR0 sets PE and PG (SDM 3A 10.8.5). The page tables at CR3
 *	 must map this page to itself, or the next instruction would not be
 *	 found; they also have our own range.
 * Out:  entry(argument) on the given stack, in 64-bit mode, with segment
 *	 registers that nobody may rely upon but CS.
 *
 * The code must not depend on where it is, and not on what another CPU did: no
 * word of this page is written by it.
 */
#include "smp/trampoline.h"

#define MSR_EFER 0xc0000080

	.section .rodata
	.balign	16
	.globl	trampoline_start, trampoline_long, trampoline_end
	.code16
trampoline_start:
	jmp	1f
	.org	trampoline_start + TRAMPOLINE_CODE
1:	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds		/* so that DS:n is the n-th byte here */
	lgdtl	TRAMPOLINE_GDT_LIMIT
	mov	TRAMPOLINE_CR4, %eax
	mov	%eax, %cr4
	mov	TRAMPOLINE_CR3, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	mov	TRAMPOLINE_EFER, %eax
	xor	%edx, %edx
	wrmsr
	mov	TRAMPOLINE_CR0, %eax
	mov	%eax, %cr0
	ljmpl	*TRAMPOLINE_JUMP

	.code64
trampoline_long:
	lea	trampoline_start(%rip), %rax
	mov	TRAMPOLINE_STACK(%rax), %rsp
	mov	TRAMPOLINE_ARGUMENT(%rax), %rdi
	xor	%ebp, %ebp		/* a backtrace ends here: no caller, */
	push	$0			/* and nowhere to return to */
	jmp	*TRAMPOLINE_ENTRY(%rax)
trampoline_end:

	.section .note.GNU-stack, "", @progbits
