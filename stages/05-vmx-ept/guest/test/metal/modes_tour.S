/*
 * A walk through the modes of the CPU, with a CPUID (so, under Vellum, a VM
 * exit) in each. Runs where leave_long_mode() goes: real mode, CS, DS, SS 0,
 * interrupts off; returns through enter_long_mode.
 *
 * Out:	 tour_vendor[]: EBX of CPUID leaf 0 in each mode (named in modes.c);
 *	 tour_*: what else was found.
 */
#include "guest/test/metal/layout.h"

#define CR0_PE	 1
#define CR0_TS	 8
#define CR0_PG	 0x80000000
#define CR4_PSE	 0x10
#define CR4_PAE	 0x20
#define MSR_EFER 0xc0000080

#define BDA_TICKS 0x46c

	.macro	note index
	xor	%eax, %eax
	cpuid
	mov	%ebx, tour_vendor + 4 * \index
	.endm

	.macro	set_cr0 bits
	mov	%cr0, %eax
	or	$\bits, %eax
	mov	%eax, %cr0
	.endm

	.macro	clear_cr0 bits
	mov	%cr0, %eax
	and	$~\bits, %eax
	mov	%eax, %cr0
	.endm

	.section .text16, "ax", @progbits
	.code16
	.globl modes_tour
modes_tour:
	note	0

	/* CLTS and LMSW, which can set PE but not clear it. */
	set_cr0	CR0_TS
	smsw	%ax
	mov	%ax, tour_msw
	clts
	smsw	%ax
	mov	%ax, tour_msw + 2
	or	$CR0_TS, %ax
	lmsw	%ax
	smsw	%ax
	mov	%ax, tour_msw + 4
	clts

	/* 16-bit protected mode, by LMSW. */
	lgdtl	gdt_pointer
	smsw	%ax
	or	$CR0_PE, %ax
	lmsw	%ax
	ljmp	$SEL_CODE16, $1f
1:	mov	$SEL_DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	note	1

	/* 32-bit protected mode. Without EFER.LME paging is not long mode. */
	ljmpl	$SEL_CODE32, $1f
	.code32
1:	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$MSR_EFER, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	note	2

	/* 32-bit paging with 4 MiB pages. */
	mov	$CR4_PSE, %eax
	mov	%eax, %cr4
	mov	$SPARE_TABLES, %eax
	mov	%eax, %cr3
	set_cr0	CR0_PG
	note	3
	clear_cr0 CR0_PG

	/* PAE paging. */
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$SPARE_TABLES + 0x1000, %eax
	mov	%eax, %cr3
	set_cr0	CR0_PG
	note	4
	mov	0x1000000, %eax
	mov	%eax, tour_far
	clear_cr0 CR0_PG

	/* Real mode, whose DS still has a limit of 4 GiB ("unreal"). */
	ljmp	$SEL_CODE16, $1f
	.code16
1:	mov	$SEL_DATA16, %ax
	mov	%ax, %ss
	clear_cr0 CR0_PE
	ljmp	$0, $1f
1:	xor	%ax, %ax		/* a new base, but the old limit */
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	note	5
	mov	$0x1000000, %esi
	mov	(%esi), %eax
	mov	%eax, tour_far + 4

	/* Interrupts: three ticks of the BIOS's clock. */
	mov	$4, %cx
	sti
2:	mov	BDA_TICKS, %eax
3:	hlt
	cmp	BDA_TICKS, %eax
	je	3b
	incw	tour_ticks
	loop	2b
	cli
	note	6
	mov	$back_again, %edi
	jmp	enter_long_mode

	.section .data16, "aw", @progbits
	.globl tour_vendor, tour_msw, tour_far, tour_ticks
	.balign 4
tour_vendor:	.skip	4 * 7
tour_far:	.skip	4 * 2
tour_msw:	.skip	2 * 3
tour_ticks:	.word	0

	.section .note.GNU-stack, "", @progbits
