/*
 * Hardware task switches of every kind, each noted in task_notes[]. Runs where
 * leave_long_mode() goes, and returns through enter_long_mode; task.c has made
 * the tables.
 */
#include "guest/test/metal/layout.h"
#include "guest/test/metal/task.h"

#define CR0_PE	 1
#define CR0_PG	 0x80000000
#define CR4_PSE	 0x10
#define CR4_PAE	 0x20
#define MSR_EFER 0xc0000080

#define APIC	 0xfee00000
#define ICR_NMI	 0x4400		/* to the CPU with APIC ID 0 */

	.macro	note index, value=task_hits
	mov	\value, %eax
	mov	%eax, task_notes + 4 * \index
	.endm

	/* The tour is nobody's callee any more: let it be switched to. */
	.macro	back_to_tour
	andb	$~2, task_gdt + SEL_TOUR + 5
	ljmp	$SEL_TOUR, $0
	.endm

	.section .text16, "ax", @progbits
	.code16
	.globl task_tour
task_tour:
	lgdtl	task_gdt_pointer
	lidtl	task_idt_pointer
	mov	%cr0, %eax
	or	$CR0_PE, %eax
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $1f
	.code32
1:	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$REAL_STACK, %esp
	mov	$MSR_EFER, %ecx		/* paging will not be long mode */
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	mov	$SEL_TOUR, %eax
	ltr	%ax

	lcall	$SEL_COUNTER, $0
	note	NOTE_CALL
	mov	%cr0, %eax
	mov	%eax, task_cr0
	clts
	lcall	$SEL_COUNTER, $0
	note	NOTE_AGAIN
	ljmp	$SEL_JUMPER, $0
	note	NOTE_JMP
	int	$TASK_VECTOR
	note	NOTE_INT
	lcall	$SEL_GATE, $0
	note	NOTE_GATE
	lcall	$SEL_NARROW, $0
	note	NOTE_NARROW

	/* An exception with an error code; its task steps over. */
	mov	$SEL_BAD, %eax
	mov	%ax, %fs
	note	NOTE_GP, task_error

	/* One of the new task's own; and one in virtual 8086 mode. */
	movl	$1, task_escape
	lcall	$SEL_BROKEN, $0
	note	NOTE_TS, task_error
	movl	$~0, task_error
	lcall	$SEL_V86, $0
	note	NOTE_V86, task_error

	movl	$ICR_NMI, APIC + 0x300
	mov	$NOTE_NMI, %ecx
2:	mov	$1000, %edx
3:	pause
	dec	%edx
	jnz	3b
	mov	task_hits, %eax
	mov	%eax, task_notes(, %ecx, 4)
	inc	%ecx
	movl	$ICR_NMI, APIC + 0x300
	cmp	$NOTE_NMI_2, %ecx
	je	2b

	xor	%eax, %eax
	mov	%eax, %dr6
	lcall	$SEL_TRAP, $0
	note	NOTE_TRAP, task_dr6

	/* Page tables of the task's own: 32-bit paging, then PAE. */
	mov	$CR4_PSE, %eax
	mov	%eax, %cr4
	mov	$SPARE_TABLES, %eax
	mov	%eax, %cr3
	mov	%eax, task_tss_tour + 28
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	movl	$SPARE_TABLES + 0x10, task_tss_counter + 28
	lcall	$SEL_COUNTER, $0
	note	NOTE_CR3, task_cr3
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$SPARE_TABLES + 0x1000, %eax
	mov	%eax, %cr3
	mov	%eax, task_tss_tour + 28
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	movl	$SPARE_TABLES + 0x1020, task_tss_counter + 28
	lcall	$SEL_COUNTER, $0
	note	NOTE_PAE, task_cr3
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0

	ljmp	$SEL_CODE16, $1f
	.code16
1:	mov	$SEL_DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$~CR0_PE, %eax
	mov	%eax, %cr0
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	lidtl	real_idt
	mov	$back_again, %edi
	jmp	enter_long_mode

	.code32
	.globl task_counter, task_jumper, task_fault, task_trapped
task_counter:
	incl	task_hits
	mov	%cr3, %eax
	mov	%eax, task_cr3
	pushf
	pop	task_flags
	iret
	jmp	task_counter

task_jumper:
	addl	$0x100, task_hits
	ljmp	$SEL_TOUR, $0
	jmp	task_jumper

task_fault:
	pop	task_error
	cmpl	$0, task_escape
	jne	1f
	addl	$2, task_tss_tour + 32	/* over MOV to FS */
	iret
	jmp	task_fault
1:	back_to_tour
	jmp	task_fault

	/* #DB by an interrupt gate, before the first instruction; then that. */
	.globl task_debug
task_debug:
	push	%eax
	mov	%dr6, %eax
	mov	%eax, task_dr6
	xor	%eax, %eax
	mov	%eax, %dr6
	pop	%eax
	iret

task_trapped:
	iret

	.code16
	.globl task_narrow, task_v86
task_narrow:
	incl	task_hits
	iret
	jmp	task_narrow

task_v86:
	hlt

	.section .data16, "aw", @progbits
	.globl task_notes, task_gdt, task_idt, task_flags, task_cr0
	.globl task_tss_tour, task_tss_counter
	.balign	8
task_gdt:	.skip	TASK_GDT_SIZE
task_idt:	.skip	8 * (TASK_VECTOR + 1)
task_tss_tour:	.skip	104
task_tss_counter: .skip	104
task_notes:	.skip	4 * NOTES
task_hits:	.long	0
task_error:	.long	0
task_escape:	.long	0
task_dr6:	.long	0
task_cr0:	.long	0
task_cr3:	.long	0
task_flags:	.long	0
task_gdt_pointer:
	.word	TASK_GDT_SIZE - 1
	.long	task_gdt
task_idt_pointer:
	.word	8 * (TASK_VECTOR + 1) - 1
	.long	task_idt

	.section .note.GNU-stack, "", @progbits
