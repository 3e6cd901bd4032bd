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
	.globl	switch_start, switch_end
switch_start:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	cli
	mov	%rsp, HANDOFF_CPU_RSP(%rdi)
	lea	resumed(%rip), %rax
	mov	%rax, HANDOFF_CPU_RIP(%rdi)
	lea	back(%rip), %rax
	mov	%rax, HANDOFF_BACK(%rdi)

	/*
	 * Without global pages and PCIDs the load of CR3 forgets all that the
	 * TLB knew (SDM 3A 4.10.4.1). A shadow stack would have to be mapped.
	 */
	mov	%cr4, %rax
	and	$~(CR4_PGE | CR4_PCIDE | CR4_CET), %rax
	mov	%rax, %cr4
	mov	HANDOFF_ROOT(%rdi), %rax
	mov	%rax, %cr3
	jmp	*HANDOFF_ENTRY(%rdi)

	/*
	 * RDI = the handoff, RSI = the result; on the early page tables, with
	 * interrupts off. PCIDE can be set only while CR3 has no PCID: CR4
	 * first (SDM 3A 4.10.1). EFER after CR3: NXE decides what bit 63 of an
	 * entry means. A shadow stack knows nothing of the far return below, so
	 * CET comes last.
	 */
back:	mov	HANDOFF_CPU_CR4(%rdi), %rax
	and	$~CR4_CET, %rax
	mov	%rax, %cr4
	mov	HANDOFF_CPU_CR3(%rdi), %rax
	mov	%rax, %cr3
	mov	HANDOFF_CPU_RSP(%rdi), %rsp
	mov	HANDOFF_CPU_CR0(%rdi), %rax
	mov	%rax, %cr0
	mov	$MSR_EFER, %ecx
	mov	HANDOFF_CPU_EFER(%rdi), %eax
	mov	HANDOFF_CPU_EFER + 4(%rdi), %edx
	wrmsr

	lgdt	HANDOFF_CPU_GDTR(%rdi)
	lidt	HANDOFF_CPU_IDTR(%rdi)
	movzwl	HANDOFF_CPU_CS(%rdi), %eax
	push	%rax
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	movw	HANDOFF_CPU_ES(%rdi), %es
	movw	HANDOFF_CPU_SS(%rdi), %ss
	movw	HANDOFF_CPU_DS(%rdi), %ds
	movw	HANDOFF_CPU_FS(%rdi), %fs
	movw	HANDOFF_CPU_GS(%rdi), %gs
	mov	$MSR_FS_BASE, %ecx
	mov	HANDOFF_CPU_FS_BASE(%rdi), %eax
	mov	HANDOFF_CPU_FS_BASE + 4(%rdi), %edx
	wrmsr
	mov	$MSR_GS_BASE, %ecx
	mov	HANDOFF_CPU_GS_BASE(%rdi), %eax
	mov	HANDOFF_CPU_GS_BASE + 4(%rdi), %edx
	wrmsr
	lldt	HANDOFF_CPU_LDTR(%rdi)

	/*
	 * A task register of 0, as firmware mostly has it, cannot be loaded; it
	 * matters to nobody. Else its descriptor is marked as busy, and LTR
	 * wants one that is available.
	 */
	movzwl	HANDOFF_CPU_TR(%rdi), %eax
	test	%eax, %eax
	jz	1f
	mov	HANDOFF_CPU_GDTR + 2(%rdi), %rdx
	andb	$~2, 5(%rdx, %rax)
	ltr	%ax
1:	mov	HANDOFF_CPU_CR4(%rdi), %rax
	mov	%rax, %cr4
	mov	%rsi, %rax

	/*
	 * A guest begins here, with RAX = HANDOFF_IS_GUEST, and all that `back'
	 * puts in place already there. Interrupts come back with the flags.
	 */
resumed:
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
switch_end:

	.section .note.GNU-stack, "", @progbits
