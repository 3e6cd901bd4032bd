/*
 * A further CPU of a UEFI machine comes in, as the first one did in
 * efi/entry.S: in 64-bit mode, on the loader's early page tables, with all else
 * the firmware's. They come one at a time.
 *
 * In:  RDI = the struct efi_handoff, below 1 GiB; interrupts off.
 * Out: never.
 *
 * Nothing here has per-CPU variables yet. Our own page tables need EFER.NXE,
 * which firmware may not have set on this CPU.
 */
#include "efi/handoff.h"

#define MSR_EFER    0xc0000080
#define MSR_GS_BASE 0xc0000101

	.text
	.globl	efi_cpu_entry
efi_cpu_entry:
	.cfi_sections .debug_frame
	.cfi_startproc
	.cfi_undefined rip		/* debuggers' backtraces end here */
	cld
	lgdt	early_gdtr_high
	lidt	no_idt
	mov	$stack_top_of_all, %rsp
	pushq	$0x08
	pushq	$1f
	lretq
1:	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	xor	%ebp, %ebp		/* backtraces end here */
	mov	$MSR_EFER, %ecx
	rdmsr
	or	efi_cpu_efer, %eax
	wrmsr
	mov	efi_cpu_root, %rax
	mov	%rax, %cr3
	call	efi_cpu_arrive
	.cfi_endproc

	.section .rodata
no_idt:
	.word	0
	.quad	0

	.bss
	.balign	16
	.skip	1024
stack_top_of_all:			/* until a CPU is on its own stack */

	.section .note.GNU-stack, "", @progbits
