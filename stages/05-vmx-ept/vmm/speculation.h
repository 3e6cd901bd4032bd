/*
 * What a CPU predicts after an exit, for the entry code of both back ends.
 *
 * A RET is predicted from the return stack buffer: the CPU's own list of where
 * the last calls were. An exit does not change it, so the first RET of ours
 * would run ahead to where the guest's last CALL was. FILL_RETURN_STACK calls
 * 32 times, as often as any CPU's list is long, each time past a trap for who
 * comes by a prediction; then it drops the 32 addresses. The last LFENCE is for
 * CPUs that may still use one old entry right after (SDM 3A 2.8; Intel:
 * post-barrier return stack buffer predictions).
 *
 * Indirect branches are compiled as retpolines (mk/stage.mk), which need this
 * list to be ours. IA32_SPEC_CTRL is the guest's, in Vellum too: nothing here
 * relies on it. Book: chapter 5, "What the CPU runs ahead to".
 */
#ifndef VMM_SPECULATION_H
#define VMM_SPECULATION_H

#ifdef __ASSEMBLER__ /* clang-format off */

/* Changes ECX and flags, and 256 bytes below RSP. */
	.macro	FILL_RETURN_STACK
	mov	$16, %ecx
1:	call	3f
2:	pause
	lfence
	jmp	2b
3:	call	5f
4:	pause
	lfence
	jmp	4b
5:	dec	%ecx
	jnz	1b
	add	$32 * 8, %rsp
	lfence
	.endm

/* The guest's values, in registers that C may use before it sets them. */
	.macro	FORGET_GUEST_REGISTERS
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	.endm

#endif

#endif
