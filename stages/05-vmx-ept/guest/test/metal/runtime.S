/*
 * The assembly that a test guest can't do without: from real mode to long mode
 * and back, exception stubs, and a try.
 */
#include "guest/test/metal/layout.h"

#define CR0_PE 1
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

#define PTE_TABLE 0x03
#define PTE_LARGE 0x83

/* Offsets in struct real_regs. */
#define REGS_EAX 0
#define REGS_EBX 4
#define REGS_ECX 8
#define REGS_EDX 12
#define REGS_ESI 16
#define REGS_EDI 20
#define REGS_EBP 24
#define REGS_ES 28
#define REGS_FLAGS 30

	.section .text16, "ax", @progbits
	.code16
/*
 * Comes from boot.S. Says hello, builds page tables, enters long mode, calls
 * guest_main().
 */
	.globl start16
start16:
	mov	%dl, real_drive
	mov	$0x80, %al		/* COM1: 115200 baud, 8N1 */
	mov	$0x3fb, %dx
	out	%al, %dx
	mov	$1, %ax
	mov	$0x3f8, %dx
	out	%ax, %dx
	mov	$0x03, %al
	mov	$0x3fb, %dx
	out	%al, %dx
	mov	$hello, %si
1:	lodsb
	test	%al, %al
	jz	3f
	mov	%al, %bl
	mov	$0x3fd, %dx
2:	in	%dx, %al
	test	$0x20, %al
	jz	2b
	mov	$0x3f8, %dx
	mov	%bl, %al
	out	%al, %dx
	jmp	1b

	/* PML4, PDPT, four page directories of 2 MiB pages. */
3:	mov	$PAGE_TABLES >> 4, %ax
	mov	%ax, %es
	xor	%edi, %edi
	xor	%eax, %eax
	mov	$0x6000 / 4, %ecx
	rep stosl
	movl	$PAGE_TABLE_3 + PTE_TABLE, %es:0
	mov	$4, %cx
	mov	$PAGE_TABLE_2 + PTE_TABLE, %eax
	mov	$0x1000, %di
4:	mov	%eax, %es:(%di)
	add	$0x1000, %eax
	add	$8, %di
	loop	4b
	mov	$4 * 512, %cx
	mov	$PTE_LARGE, %eax
	mov	$0x2000, %di
5:	mov	%eax, %es:(%di)
	add	$0x200000, %eax
	add	$8, %di
	loop	5b
	mov	$first_entry, %edi

/*
 * In:   real mode with CS 0; EDI where to go on.
 * Out:  64-bit mode, interrupts off, stack at LONG_STACK; jumps to EDI. The
 *	 CPU goes from real mode to long mode in one step (SDM 3A 10.8.5 has
 *	 protected mode in between, but does not need it).
 */
	.globl enter_long_mode
enter_long_mode:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	gdt_pointer
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$PAGE_TABLES, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG | CR0_PE, %eax
	mov	%eax, %cr0
	ljmpl	$SEL_CODE64, $1f

	.code64
1:	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$LONG_STACK, %esp
	jmp	*%rdi

first_entry:
	mov	$loaded_end, %edi
	mov	$bss_end, %ecx
	sub	%edi, %ecx
	xor	%eax, %eax
	rep stosb
	call	guest_main
2:	cli
	hlt
	jmp	2b

/*
 * void leave_long_mode(void (*real_code)(void)): to real mode, which goes on at
 * @real_code with the segments 0 and the BIOS's vector table; the stack is at
 * REAL_STACK. When that code jumps to enter_long_mode with EDI = back_again,
 * this function returns.
 */
	.globl leave_long_mode
leave_long_mode:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	sidt	saved_idt
	mov	%rsp, saved_rsp
	push	$SEL_CODE16
	push	$1f
	lretq
	.code16
1:	mov	$SEL_DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	and	$~CR0_PE, %eax
	mov	%eax, %cr0
	ljmp	$0, $2f
2:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	mov	$REAL_STACK, %esp
	lidt	real_idt
	jmp	*%di

	.code64
	.globl back_again
back_again:
	mov	saved_rsp, %rsp
	lidt	saved_idt
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/*
 * For leave_long_mode: do what INT would, with the registers in real_regs,
 * through the entry real_vector of the vector table, and come back.
 */
	.code16
	.globl real_int
real_int:
	mov	real_vector, %bx
	shl	$2, %bx
	mov	(%bx), %eax
	mov	%eax, real_target
	mov	real_regs + REGS_ES, %es
	mov	real_regs + REGS_EAX, %eax
	mov	real_regs + REGS_EBX, %ebx
	mov	real_regs + REGS_ECX, %ecx
	mov	real_regs + REGS_EDX, %edx
	mov	real_regs + REGS_ESI, %esi
	mov	real_regs + REGS_EDI, %edi
	mov	real_regs + REGS_EBP, %ebp
	sti
	pushf
	cli
	lcall	*real_target
	mov	%eax, %cs:real_regs + REGS_EAX
	pushf
	pop	%cs:real_regs + REGS_FLAGS
	cli
	mov	%ebx, %cs:real_regs + REGS_EBX
	mov	%ecx, %cs:real_regs + REGS_ECX
	mov	%edx, %cs:real_regs + REGS_EDX
	mov	%esi, %cs:real_regs + REGS_ESI
	mov	%edi, %cs:real_regs + REGS_EDI
	mov	%ebp, %cs:real_regs + REGS_EBP
	mov	%es, %cs:real_regs + REGS_ES
	mov	$back_again, %edi
	jmp	enter_long_mode

	.section .data16, "aw", @progbits
hello:	.asciz	"guest: hello from real mode\r\n"
	.globl real_drive, real_vector, real_regs, low_buffer, real_idt
	.globl gdt_pointer, real_count
real_drive:	.byte	0
	.balign	8
gdt:
	.quad	0
	.quad	0x00af9a000000ffff	/* SEL_CODE64 */
	.quad	0x00cf92000000ffff	/* SEL_DATA */
	.quad	0x00cf9a000000ffff	/* SEL_CODE32 */
	.quad	0x00009a000000ffff	/* SEL_CODE16 */
	.quad	0x000092000000ffff	/* SEL_DATA16 */
gdt_pointer:
	.word	. - gdt - 1
	.quad	gdt
real_idt:
	.word	0x3ff
	.long	0
saved_idt:	.word	0
		.quad	0
	.balign	8
saved_rsp:	.quad	0
real_target:	.long	0
real_vector:	.word	0
real_count:	.word	0
real_regs:	.skip	32
low_buffer:	.skip	512

/* Exceptions: all vectors push the same frame (struct frame). */
	.text
	.code64
	.globl vector_stubs
	.balign	16
vector_stubs:
	vector = 0
	.rept	48
	.balign	16
	.if	vector != 8 && (vector < 10 || vector > 14) && vector != 17 \
		&& vector != 21 && vector != 29 && vector != 30
	push	$0
	.endif
	push	$vector
	jmp	common_stub
	vector = vector + 1
	.endr

common_stub:
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
	mov	%rsp, %rbp
	and	$~15, %rsp
	call	exception
	mov	%rbp, %rsp
	pop	%r15
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
	add	$16, %rsp
	iretq

/*
 * int try(void (*fn)(void *), void *arg): exception() comes back to try_failed
 * with RSP as saved in try_rsp and the vector in RAX.
 */
	.globl try, try_failed, try_rsp
try:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, try_rsp
	mov	%rdi, %rax
	mov	%rsi, %rdi
	call	*%rax
	mov	$-1, %eax
try_failed:
	movq	$0, try_rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.data
	.balign	8
try_rsp:	.quad	0

	.section .note.GNU-stack, "", @progbits
