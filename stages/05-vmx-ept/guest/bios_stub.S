/*
 * Real-mode code that stays in the guest: it stands in front of the BIOS's
 * INT 15h, so that Vellum's memory is not offered to anybody. It answers out of
 * a table that it carries along: no VM exit, and nothing to emulate.
 *
 * The code is copied to conventional memory by bios.c, at the beginning of a
 * segment; so the offset of X is X - bios_stub_start, here OFF(X).
 * Book: chapter 5.
 */
#include "guest/bios_stub.h"

#define OFF(x) ((x) - bios_stub_start)

#define UNSUPPORTED 0x86       /* AH: there is no such function */

	.section .rodata.bios_stub, "a", @progbits
	.balign 16
	.globl bios_stub_start
bios_stub_start:
	.word	OFF(int15)
	.org	bios_stub_start + STUB_E820_TABLE
	.word	OFF(bios_stub_end)
	.org	bios_stub_start + STUB_CODE

	.code16

/*
 * INT 15h, with what it got in the registers.
 *
 * In:   AX function; interrupts off; the caller's IP, CS, FLAGS on the stack.
 * Out:  as the function says; CF in the caller's FLAGS. What is not about the
 *	 size of memory goes to the BIOS's own handler, untouched.
 */
int15:
	cmp	$0xe820, %ax
	je	e820
	cmp	$0xe801, %ax
	je	e801
	cmp	$0xe881, %ax
	je	e881
	cmp	$0x88, %ah
	je	ah88
	/* Three rare ways to ask a BIOS for the size of all memory. */
	cmp	$0x8a, %ah
	je	unsupported
	cmp	$0xc7, %ah
	je	unsupported
	cmp	$0xda88, %ax
	je	unsupported
	ljmp	*%cs:STUB_OLD_INT15

/*
 * AX=E820h: one entry of the memory map (ACPI 6.5, 15.1).
 *
 * In:   EBX 0, or as returned before; ES:DI buffer; ECX its size, >= 20;
 *	 EDX "SMAP".
 * Out:  EAX "SMAP"; ECX 20; EBX for the next entry, 0 after the last; CF 0.
 *	 Or CF 1, AH 86h: wrong signature, small buffer, EBX past the end.
 */
e820:
	cmp	$SMAP, %edx
	jne	unsupported
	cmp	$E820_ENTRY_SIZE, %ecx
	jb	unsupported
	push	%esi
	movzwl	%cs:STUB_E820_COUNT, %esi
	cmp	%esi, %ebx
	jae	1f
	push	%edi
	imul	$E820_ENTRY_SIZE, %bx, %si
	add	$OFF(bios_stub_end), %si
	mov	$E820_ENTRY_SIZE, %ecx
	cld
	rep movsb %cs:(%si), %es:(%di)
	pop	%edi
	pop	%esi
	mov	$E820_ENTRY_SIZE, %ecx
	mov	$SMAP, %eax
	inc	%ebx
	cmp	%cs:STUB_E820_COUNT, %bx
	jb	success
	xor	%ebx, %ebx
	jmp	success
1:	pop	%esi
	jmp	unsupported

/*
 * AX=E801h: memory in two numbers. Out: AX and CX KiB from 1 MiB up, BX and DX
 * 64 KiB blocks from 16 MiB up. AX=E881h: the same in 32 bits.
 */
e881:
	xor	%eax, %eax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
e801:
	mov	%cs:STUB_E801_LOW, %ax
	mov	%cs:STUB_E801_HIGH, %bx
	mov	%ax, %cx
	mov	%bx, %dx
	jmp	success

/* AH=88h: memory in one number. Out: AX KiB from 1 MiB up. */
ah88:
	mov	%cs:STUB_AH88, %ax

/* IRET would restore the caller's flags: so its CF is changed on the stack. */
success:
	push	%bp
	mov	%sp, %bp
	andb	$~1, 6(%bp)
	pop	%bp
	iret

unsupported:
	mov	$UNSUPPORTED, %ah
	push	%bp
	mov	%sp, %bp
	orb	$1, 6(%bp)
	pop	%bp
	iret

	.balign	4
	.globl bios_stub_end
bios_stub_end:
	.size bios_stub_start, . - bios_stub_start

	.section .note.GNU-stack, "", @progbits
