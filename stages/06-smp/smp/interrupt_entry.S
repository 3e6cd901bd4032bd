/*
 * The one place where Vellum has interrupts on.
 *
 * void interrupt_window(const struct idt_place *idt)
 *
 * In:  RDI -> an IDT whose gates from 32 on lead to interrupt_drop. Interrupts
 *	are off.
 * Out: if one was waiting, it, and no other, has been taken. The IDT is the
 *	one of before.
 *
 * STI lets interrupts in after the next instruction (SDM 2B STI). The handler
 * takes IF out of the RFLAGS that it returns to, so no second one comes.
 */
#define RFLAGS_IF    0x200
#define FRAME_RFLAGS 16

	.text
	.globl	interrupt_window, interrupt_drop
	.type	interrupt_window, @function
interrupt_window:
	sub	$16, %rsp
	sidt	6(%rsp)
	lidt	(%rdi)
	sti
	nop
	cli
	lidt	6(%rsp)
	add	$16, %rsp
	ret
	.size	interrupt_window, . - interrupt_window

	.type	interrupt_drop, @function
interrupt_drop:
	andl	$~RFLAGS_IF, FRAME_RFLAGS(%rsp)
	iretq
	.size	interrupt_drop, . - interrupt_drop

	.section .note.GNU-stack, "", @progbits
