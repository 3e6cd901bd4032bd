/*
 * Real-mode code of the signals test.
 *
 * ap_code: for further CPUs, copied to a page below 1 MiB; starts at its first
 * byte with IP 0 and counts in its own page. Notes what an INIT keeps, or
 * clears, and changes it. It does not stop by itself, and the NMI handler at
 * AP_NMI_HANDLER does not return.
 *
 * boot_cpu_again: where the BIOS goes when the boot CPU has been through an
 * INIT (CMOS shutdown status 0Ah). Says so, and that is the end.
 */
#include "smp/test/metal/ap_code.h"

#define CR0_CD          0x40000000
#define MSR_SYSENTER_CS 0x174
#define MSR_PAT         0x277
#define MSR_STAR        0xc0000081

	.section .rodata
	.globl	ap_code, ap_code_end
	.code16
ap_code:
	jmp	1f
	.org	ap_code + AP_CODE
1:	cli
	xchg	%bx, %bx		/* stops Bochs, if it is told to */
	mov	%cs, %ax
	mov	%ax, %ds
	mov	$0x40000000, %eax
	cpuid
	mov	%ebx, AP_LEAF
	mov	$0x40000001, %eax
	cpuid
	mov	%ecx, AP_NUMBER
	mov	%cr0, %eax
	mov	%eax, AP_CR0
	or	$CR0_CD, %eax
	mov	%eax, %cr0
	mov	%dr0, %eax
	mov	%eax, AP_DR0
	mov	%esp, %eax		/* anything */
	or	$0x1000, %eax
	mov	%eax, %dr0
	mov	$MSR_PAT, %ecx
	rdmsr
	mov	%edx, AP_PAT
	mov	$AP_PAT_VALUE, %edx
	wrmsr
	mov	$MSR_STAR, %ecx
	rdmsr
	mov	%edx, AP_STAR
	mov	$AP_STAR_VALUE, %edx
	wrmsr
	mov	$MSR_SYSENTER_CS, %ecx
	rdmsr
	mov	%eax, AP_CALL
	mov	$AP_CALL_VALUE, %eax
	wrmsr
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
