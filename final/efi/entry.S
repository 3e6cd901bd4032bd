/*
 * The first instructions after vellum.efi: already in long mode, already at
 * the linked address, on the early page tables that the loader has built:
 *
 *	0x0000000000000000 -> 0 .. 4 GiB     identity, for the way in and out
 *	0x0000000040000000 -> our range      hides as much of the identity map
 *	0xffff800000000000 -> 0 .. 4 GiB     the direct map, and the framebuffer
 *
 * In:  RDI = the struct efi_handoff, below 1 GiB; interrupts off. All else is
 *	still the firmware's: stack, segments, GDT, IDT.
 * Out: the early page tables again, RDI as it was, RSI = HANDOFF_..., a jump
 *	to handoff->back.
 *	switch.S then puts back what the firmware had. Book: chapter 7.
 */
#include "boot/layout.h"
#include "efi/handoff.h"

	.text
	.globl	efi_entry
efi_entry:
	.cfi_sections .debug_frame
	.cfi_startproc
	.cfi_undefined rip		/* debuggers' backtraces end here */
	rdtsc
	mov	%eax, entry_tsc
	mov	%edx, entry_tsc + 4
	cld
	lgdt	early_gdtr_high
	lidt	no_idt			/* until stage 02 sets up its own */
	mov	$stack_top, %rsp
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
	mov	$0xc0000101, %ecx	/* GS base 0: CPU 0's variables */
	xor	%edx, %edx
	wrmsr
	xor	%ebp, %ebp		/* backtraces end here */
	mov	%rdi, %rbx
	mov	HANDOFF_ROOT(%rdi), %r12
	mov	HANDOFF_BACK(%rdi), %r13
	call	efi_boot_main

	mov	%r12, %cr3
	mov	%eax, %esi
	mov	%rbx, %rdi
	jmp	*%r13
	.cfi_endproc

	.section .rodata
no_idt:
	.word	0
	.quad	0

	.section .note.GNU-stack, "", @progbits
