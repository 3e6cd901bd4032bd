/*
 * Real-mode code of the signals test.
 *
 * ap_code: for further CPUs, copied to a page below 1 MiB; starts at its first
 * byte with IP 0 and counts in its own page. It does not stop by itself, and
 * the NMI handler at AP_NMI_HANDLER does not return.
 *
 * boot_cpu_again: where the BIOS goes when the boot CPU has been through an
 * INIT (CMOS shutdown status 0Ah). Says so, and that is the end.
 */
#include "smp/test/metal/ap_code.h"

	.section .rodata
	.globl	ap_code, ap_code_end
	.code16
ap_code:
	jmp	1f
	.org	ap_code + 0x28
1:	cli
	mov	%cs, %ax
	mov	%ax, %ds
	mov	$0x40000000, %eax
	cpuid
	mov	%ebx, AP_LEAF
	mov	$0x40000001, %eax
	cpuid
	mov	%ecx, AP_NUMBER
	lock incl AP_STARTS
2:	lock incl AP_ALIVE
	pause
	jmp	2b
	.org	ap_code + AP_NMI_HANDLER
	lock incl AP_NMIS
3:	lock incl AP_ALIVE
	pause
	jmp	3b
ap_code_end:

	.section .text16, "ax", @progbits
	.globl	boot_cpu_again
boot_cpu_again:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	$message, %si
	cld
3:	lodsb
	test	%al, %al
	jz	5f
	mov	%al, %ah
	mov	$0x3fd, %dx
4:	in	%dx, %al
	test	$0x20, %al
	jz	4b
	mov	%ah, %al
	mov	$0x3f8, %dx
	out	%al, %dx
	jmp	3b
5:	cli
	hlt
	jmp	5b

	.section .data16, "aw", @progbits
message:
	.asciz	"guest: signals: boot CPU restarted\r\nguest: done\r\n"

	.section .note.GNU-stack, "", @progbits
