/*
 * From the firmware's address space into the hypervisor's, and back.
 *
 * The loader itself may lie where the hypervisor is going to be mapped, at
 * 1 GiB (OVMF puts it there on a machine with 1152 MiB). So this code is copied
 * below 1 GiB, where both address spaces show the same memory, and between the
 * two loads of CR3 nothing else of the firmware's is touched, its stack
 * included. Everything is relative to RIP. Book: chapter 7.
 *
 * u64 switch_fn(struct efi_handoff *handoff)
 *
 * In:   RDI = the handoff, below 1 GiB; root, entry, and cpu filled, but for
 *	 rip and rsp.
 * Out:  RAX = HANDOFF_IS_GUEST: the hypervisor has made us its guest (see
 *	 `resumed'). Any other: it came back, and the machine is as it was.
 */
#include "efi/handoff.h"

#define CR4_PGE	  0x000080
#define CR4_PCIDE 0x020000
#define CR4_CET	  0x800000

#define MSR_EFER    0xc0000080
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

	.section .rodata
	.balign	16
	.global	switch_start, switch_end
switch_start:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
	cli
	movq	%rsp, HANDOFF_CPU_RSP(%rdi)
	leaq	resumed(%rip), %rax
	movq	%rax, HANDOFF_CPU_RIP(%rdi)
	leaq	back(%rip), %rax
	movq	%rax, HANDOFF_BACK(%rdi)

	/*
	 * Without global pages and PCIDs the load of CR3 forgets all that the
	 * TLB knew (SDM 3A 4.10.4.1). A shadow stack would have to be mapped.
	 */
	movq	%cr4, %rax
	andq	$~(CR4_PGE | CR4_PCIDE | CR4_CET), %rax
	movq	%rax, %cr4
	movq	HANDOFF_ROOT(%rdi), %rax
	movq	%rax, %cr3
	jmp	*HANDOFF_ENTRY(%rdi)

	/*
	 * RDI = the handoff, RSI = the result; on the early page tables, with
	 * interrupts off. PCIDE can be set only while CR3 has no PCID: CR4
	 * first (SDM 3A 4.10.1). EFER after CR3: NXE decides what bit 63 of an
	 * entry means. A shadow stack knows nothing of the far return below, so
	 * CET comes last.
	 */
back:	movq	HANDOFF_CPU_CR4(%rdi), %rax
	andq	$~CR4_CET, %rax
	movq	%rax, %cr4
	movq	HANDOFF_CPU_CR3(%rdi), %rax
	movq	%rax, %cr3
	movq	HANDOFF_CPU_RSP(%rdi), %rsp
	movq	HANDOFF_CPU_CR0(%rdi), %rax
	movq	%rax, %cr0
	movl	$MSR_EFER, %ecx
	movl	HANDOFF_CPU_EFER(%rdi), %eax
	movl	HANDOFF_CPU_EFER + 4(%rdi), %edx
	wrmsr

	lgdt	HANDOFF_CPU_GDTR(%rdi)
	lidt	HANDOFF_CPU_IDTR(%rdi)
	movzwl	HANDOFF_CPU_CS(%rdi), %eax
	pushq	%rax
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
1:	movw	HANDOFF_CPU_ES(%rdi), %es
	movw	HANDOFF_CPU_SS(%rdi), %ss
	movw	HANDOFF_CPU_DS(%rdi), %ds
	movw	HANDOFF_CPU_FS(%rdi), %fs
	movw	HANDOFF_CPU_GS(%rdi), %gs
	movl	$MSR_FS_BASE, %ecx
	movl	HANDOFF_CPU_FS_BASE(%rdi), %eax
	movl	HANDOFF_CPU_FS_BASE + 4(%rdi), %edx
	wrmsr
	movl	$MSR_GS_BASE, %ecx
	movl	HANDOFF_CPU_GS_BASE(%rdi), %eax
	movl	HANDOFF_CPU_GS_BASE + 4(%rdi), %edx
	wrmsr
	lldt	HANDOFF_CPU_LDTR(%rdi)

	/*
	 * A task register of 0, as firmware mostly has it, cannot be loaded; it
	 * matters to nobody. Else its descriptor is marked as busy, and LTR
	 * wants one that is available.
	 */
	movzwl	HANDOFF_CPU_TR(%rdi), %eax
	testl	%eax, %eax
	jz	1f
	movq	HANDOFF_CPU_GDTR + 2(%rdi), %rdx
	andb	$~2, 5(%rdx, %rax)
	ltr	%ax
1:	movq	HANDOFF_CPU_CR4(%rdi), %rax
	movq	%rax, %cr4
	movq	%rsi, %rax

	/*
	 * A guest begins here, with RAX = HANDOFF_IS_GUEST, and all that `back'
	 * puts in place already there. Interrupts come back with the flags.
	 */
resumed:
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
switch_end:

	.section .note.GNU-stack, "", @progbits
