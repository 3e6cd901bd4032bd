/*
 * To sleep, and back, in real mode.
 *
 * fall_asleep, for leave_long_mode(): does the write that sleep_at, sleep_size
 * and sleep_value say, and goes back to where it was called.
 *
 * attack_wake: where the firmware goes on when the machine wakes from S3, at CS
 * = address / 16. If Vellum is below again, as CPUID says, it is a return from
 * fall_asleep, and counted. If nobody is, the attack has succeeded: says so,
 * and that is the end.
 */
#define VELL 0x6c6c6556			/* the first letters in the leaf */

	.section .text16, "ax", @progbits
	.code16
	.globl	fall_asleep, attack_wake
fall_asleep:
	mov	sleep_at, %dx
	mov	sleep_value, %eax
	cmpb	$2, sleep_size
	je	1f
	ja	2f
	out	%al, %dx
	jmp	back
1:	out	%ax, %dx
	jmp	back
2:	out	%eax, %dx
back:	mov	$back_again, %edi
	jmp	enter_long_mode

	.balign	16
attack_wake:
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x40000000, %eax
	cpuid
	cmp	$VELL, %ebx
	jne	free
	incb	wakes
	jmp	back

free:	mov	$message, %si
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
	.globl	sleep_at, sleep_size, sleep_value, wakes
message:
	.asciz	"guest: attack: sleep state S3: ESCAPED\r\nguest: done\r\n"
	.balign	4
sleep_value:	.long	0
sleep_at:	.word	0
sleep_size:	.byte	0
wakes:		.byte	0

	.section .note.GNU-stack, "", @progbits
