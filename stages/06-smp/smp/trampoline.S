/*
 * From a start-up IPI to C, or to a sleep without end.
 *
 * A CPU that gets a start-up IPI with vector VV begins at VV00:0000 in real
 * mode, on a page below 1 MiB (SDM 3A 9.4.4). low_page.c has copied what is
 * between trampoline_start and trampoline_end there, and filled in the struct
 * trampoline at its beginning. The guest cannot write to that page.
 *
 * In:   CS:IP VV00:0000, all else as INIT leaves it.
 * Does: real mode to 64-bit mode in one step: with EFER.LME and CR4.PAE set,
 *	 one write of CR0 sets PE and PG (SDM 3A 10.8.5). The page tables at CR3
 *	 must map this page to itself, or the next instruction would not be
 *	 found; they also have our own range.
 * Out:  smp_arrive, in 64-bit mode, with segment registers that nobody may rely
 *	 upon but CS.
 *
 * An NMI in real mode would take the CPU to the vector table at address 0,
 * which is the guest's; hence the IDT of no length, before all else. The code
 * must not depend on where it is, and not on what another CPU did: no word of
 * this page is written by it.
 */
#include "smp/trampoline.h"

#define MSR_EFER      0xc0000080
#define MSR_APIC_BASE 0x1b
#define MSR_X2APIC_ID 0x802
#define X2APIC_MODE   0x400 /* in MSR_APIC_BASE */

	.section .rodata
	.balign	16
	.globl	trampoline_start, trampoline_long, trampoline_end
	.code16
trampoline_start:
	jmp	1f
	.org	trampoline_start + TRAMPOLINE_CODE
1:	lidtl	%cs:TRAMPOLINE_NO_IDT
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds		/* so that DS:n is the n-th byte here */
	lgdtl	TRAMPOLINE_GDT_LIMIT
	mov	TRAMPOLINE_CR4, %eax
	mov	%eax, %cr4
	mov	TRAMPOLINE_CR3, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	mov	TRAMPOLINE_EFER, %eax
	xor	%edx, %edx
	wrmsr
	mov	TRAMPOLINE_CR0, %eax
	mov	%eax, %cr0
	ljmpl	*TRAMPOLINE_JUMP

	.code64
trampoline_long:
	lea	trampoline_start(%rip), %rax
	jmp	*TRAMPOLINE_ENTRY(%rax)
trampoline_end:

/*
 * In our own range, without a stack. If a CPU is expected, the first to come is
 * it: the stack that was laid ready is taken by XCHG, so it can't be handed out
 * twice. On it are where to go and the argument for that. All others leave
 * their APIC ID, plus one, and are parked. A number comes from XADD, so that
 * each has a place of its own.
 */
	.text
	.globl	smp_arrive, smp_park
smp_arrive:
	.cfi_sections .debug_frame
	.cfi_startproc
	.cfi_undefined rip		/* debuggers' backtraces end here */
	lidt	park_idtr
	xor	%eax, %eax
	xchg	%rax, expected_stack
	test	%rax, %rax
	jz	1f
	mov	%rax, %rsp
	pop	%rax
	pop	%rdi
	xor	%ebp, %ebp		/* a backtrace ends here: no caller, */
	push	$0			/* and nowhere to return to */
	jmp	__x86_indirect_thunk_rax	/* a retpoline, as in C */

1:	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	test	$X2APIC_MODE, %eax
	jz	2f
	mov	$MSR_X2APIC_ID, %ecx
	rdmsr
	jmp	3f
2:	mov	own_id_register, %rax
	mov	(%rax), %eax
	shr	$24, %eax
3:	lea	1(%rax), %esi
	mov	$1, %eax
	lock xadd %eax, visitor_count
	cmp	$CENSUS_MOST, %eax
	jae	smp_park
	mov	%esi, visitor_ids(, %rax, 4)

/*
 * The handler of NMI and #MC is this place itself. It never returns, so it may
 * share its stack with every other CPU here: nobody reads what they push.
 */
smp_park:
	cli
	lidt	park_idtr
	mov	$park_stack_end, %rsp
1:	hlt
	jmp	1b
	.cfi_endproc

	.bss
	.balign	16
	.skip	64
park_stack_end:

	.section .note.GNU-stack, "", @progbits
