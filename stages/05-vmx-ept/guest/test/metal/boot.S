/*
 * The boot sector of a test guest: loads the rest of the image right behind
 * itself and goes there. As the boot image of a CD it has nothing to load.
 *
 * In:   DL the drive, as from any BIOS; CS:IP 0000:7C00.
 * Out:  start16 runs with DL the drive and DS, ES, SS 0.
 */
#include "guest/test/metal/layout.h"

	.section .boot, "ax", @progbits
	.code16
	.globl boot_sector
boot_sector:
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$REAL_STACK, %sp
	cld
	sti
	mov	%dl, drive
	cmp	$0xe0, %dl		/* a CD: El Torito loaded all of us */
	jae	start16
	mov	$loaded_sectors, %cx
2:	push	%cx
	mov	$packet, %si
	mov	drive, %dl
	mov	$0x42, %ah		/* extended read */
	int	$0x13
	pop	%cx
	jc	3f
	incl	packet_sector
	addw	$512 / 16, packet_segment
	loop	2b
	mov	drive, %dl
	jmp	start16

3:	mov	$message, %si
4:	lodsb
	test	%al, %al
	jz	5f
	mov	$0x3f8, %dx
	out	%al, %dx
	jmp	4b
5:	hlt
	jmp	5b

message:	.asciz	"guest: FAILED to load\r\n"
drive:		.byte	0
	.balign	4
packet:		.byte	16, 0
		.word	1		/* one sector at a time */
		.word	0		/* offset */
packet_segment:	.word	0x7e00 / 16
packet_sector:	.quad	1

	.org	boot_sector + 510
	.word	0xaa55

	.section .note.GNU-stack, "", @progbits
