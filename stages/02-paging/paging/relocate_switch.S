/*
 * The jump to the high range, which nobody notices.
 *
 * Between the first byte that is copied and the load of CR3 nothing may be
 * written to the image, or the copy misses it: no push, no call, no variable.
 * C cannot promise that; so it is these few instructions.
 * Book: chapter 2, "Moving house".
 */

/*
 * void relocate_switch(void *dst, const void *src, u64 size, phys_t root)
 *
 * In:   RDI where the new image can be written, RSI the running image,
 *	 RDX its size (a multiple of 8), RCX the new CR3.
 * Out:  the same virtual addresses, now backed by the copy. RAX, RCX, RDI, RSI
 *	 changed. The return address was on the stack before the copy began,
 *	 and is popped from the copy.
 * Needs: interrupts off; both address spaces map this code at the same place.
 *	 An NMI may come: what it wrote to its stack is not needed afterwards.
 */
	.text
	.globl relocate_switch
	.type relocate_switch, @function
relocate_switch:
	mov	%rcx, %rax
	mov	%rdx, %rcx
	shr	$3, %rcx
	cld
	rep movsq
	mov	%rax, %cr3
	ret
	.size relocate_switch, . - relocate_switch

	.section .note.GNU-stack, "", @progbits
