/*
 * Where the firmware goes on when the machine wakes from S3, in real mode at
 * CS = address / 16: the attack has succeeded. Says so, and that is the end.
 */
	.section .text16, "ax", @progbits
	.code16
	.balign	16
	.globl	attack_wake
attack_wake:
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	$message, %si
	cld
2:	lodsb
	test	%al, %al
	jz	4f
	mov	%al, %ah
	mov	$0x3fd, %dx
3:	in	%dx, %al
	test	$0x20, %al
	jz	3b
	mov	%ah, %al
	mov	$0x3f8, %dx
	out	%al, %dx
	jmp	2b
4:	cli
	hlt
	jmp	4b

	.section .data16, "aw", @progbits
message:
	.asciz	"guest: attack: sleep state S3: ESCAPED\r\nguest: done\r\n"

	.section .note.GNU-stack, "", @progbits
