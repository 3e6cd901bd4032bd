/*
 * The assembly of guarded(): a call with a way out in the middle.
 */

/*
 * int guarded_call(void (*fn)(void *), void *arg, u64 *rsp)
 *
 * In:   RDI fn, RSI its argument, RDX where to keep RSP for guarded_resume().
 * Out:  EAX 0 when fn returned. Or trap.c resumes at guarded_out with
 *	 RSP = *rsp and EAX = -EFAULT; whatever the other
 *	 registers hold there, the caller's are popped from the stack.
 */
	.text
	.globl	guarded_call
	.type	guarded_call, @function
guarded_call:
	push	%rbp
	mov	%rsp, %rbp		/* a frame for backtraces */
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$8, %rsp		/* aligned to 16 for the call */
	mov	%rsp, (%rdx)
	call	guarded_run		/* fn(arg), compiled as C is */
	xor	%eax, %eax
	.globl	guarded_out
guarded_out:
	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
	.size	guarded_call, . - guarded_call

	.section .note.GNU-stack, "", @progbits
