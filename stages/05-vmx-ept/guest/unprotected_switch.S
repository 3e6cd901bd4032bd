/*
 * From long mode to real mode, for good: the CPU is to look as the BIOS left
 * it. SDM 3A 10.9.2 says in which order. Paging can be switched off only where
 * an address means the same without it: so this code is copied to low memory,
 * and unprotected.c maps it there one to one.
 */
#include "guest/unprotected.h"

#define OFF(x)	((x) - unprotected_start)
#define ADDR(x) (UNPROTECTED_AT + OFF(x))

#define CODE16 0x08
#define DATA16 0x10

#define CR0_PG 0x80000000
#define CR0_ET 0x10

#define MSR_EFER 0xc0000080

	.section .rodata.unprotected, "a", @progbits
	.balign 16
	.globl unprotected_start
unprotected_start:
	.org	unprotected_start + UNPROTECTED_DL + 2

/*
 * In:   64-bit mode, interrupts off, this page mapped where it lies; the
 *	 fields say where to go on.
 * Out:  real mode; CS:IP, SS:SP, DS, DL as the fields say; ES, FS, GS and all
 *	 other registers 0; interrupts off; CR0, CR4, EFER, IDTR as the BIOS
 *	 has them.
 */
	.code64
	.globl unprotected_enter
unprotected_enter:
	lgdt	ADDR(gdt_pointer)
	mov	$ADDR(stack), %esp
	push	$CODE16
	push	$OFF(compatibility)
	lretq

	/* A 16-bit segment, but still long mode: compatibility mode. */
	.code16
compatibility:
	mov	$DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	xor	%eax, %eax
	xor	%edx, %edx
	mov	$MSR_EFER, %ecx
	wrmsr
	mov	%eax, %cr3
	mov	%eax, %cr4
	lidt	OFF(real_mode_idt)
	mov	$CR0_ET, %eax
	mov	%eax, %cr0
	ljmp	$UNPROTECTED_AT >> 4, $OFF(real_mode)

real_mode:
	mov	$UNPROTECTED_AT >> 4, %ax
	mov	%ax, %ds
	xor	%eax, %eax
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	xor	%esp, %esp
	lss	UNPROTECTED_SP, %sp
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%ebp, %ebp
	mov	UNPROTECTED_DL, %dl
	/* The jump goes through memory that DS no longer reaches. */
	mov	UNPROTECTED_DS, %ax
	mov	%ax, %ds
	xor	%ax, %ax
	ljmp	*%cs:UNPROTECTED_IP

	.balign 8
gdt:
	.quad	0
	.quad	0x00009a000000ffff | UNPROTECTED_AT << 16	/* code */
	.quad	0x000092000000ffff | UNPROTECTED_AT << 16	/* data */
gdt_pointer:
	.word	. - gdt - 1
	.quad	ADDR(gdt)
real_mode_idt:
	.word	0x3ff
	.long	0
	.balign 8
	.skip	32
stack:
	.globl unprotected_end
unprotected_end:

	.section .note.GNU-stack, "", @progbits
