/*
 * The first instruction.
 */
#include "core/offsets.h"

#define STACK 0x8000

	.text
	.globl	start
start:
	mov	$STACK, %rsp
	call	main
1:	hlt
	jmp	1b

	.data
	.balign	8
/* Where the stack is. */
stack_top:
	.quad	STACK
