/*
 * The first instructions: from a Multiboot loader to 64-bit C.
 *
 * A Multiboot loader leaves the CPU in 32-bit protected mode without paging
 * (Multiboot 0.6.96, 3.2). We run where we were loaded, at physical 1 MiB,
 * though we are linked at 0x40000000; so every address in this part is written
 * PA(symbol). The way up: page tables, PAE, EFER.LME, paging, and a far jump
 * into a 64-bit segment, at the linked address.
 *
 *	early page tables (2 MiB pages, but 4 KiB pages for the image)
 *	0x0000000000000000 -> 0 .. 4 GiB     identity, for the jump
 *	0x0000000040000000 -> our image      hides GiB 1 of the identity map
 *	0xffff800000000000 -> 0 .. 4 GiB     the direct map
 *
 * In:  EAX = 0x2badb002, EBX = physical address of the Multiboot information.
 * Out: boot_main(EAX, EBX) is called on CPU 0's stack; it doesn't come back
 *      before there is nothing left to do. Book: chapter 1.
 */
#include "boot/layout.h"
#include "lib/pte.h"

#define PA(symbol) ((symbol) - VMM_VIRT + VMM_LOAD)

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x00010003 /* page-align modules, memory, addresses */

	.section .multiboot, "ax"
	.code32
	.balign 4
multiboot_header:
	.long	MULTIBOOT_MAGIC
	.long	MULTIBOOT_FLAGS
	.long	-(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
	.long	PA(multiboot_header)
	.long	PA(text_start)		/* load from here */
	.long	PA(loaded_end)		/* to here */
	.long	PA(image_end)		/* and clear up to here */
	.long	PA(entry)

	.globl	entry_address
	.set	entry_address, PA(entry)

entry:
	cli
	cld
	mov	%eax, %esi		/* what follows changes EAX and EBX */
	rdtsc
	mov	%eax, PA(entry_tsc)
	mov	%edx, PA(entry_tsc + 4)

	/* Variables without a value are 0, whatever was here before us. */
	mov	$PA(loaded_end), %edi
	mov	$PA(image_end), %ecx
	sub	%edi, %ecx
	shr	$2, %ecx
	xor	%eax, %eax
	rep stosl
	mov	%ebx, %edi

	/* No long mode: say so, and stop. */
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	btl	$29, %edx		/* LM */
	jnc	no_long_mode

	/* Four page directories: 4 GiB in 2 MiB pages. */
	mov	$PA(early_pd), %edx
	mov	$(PTE_P | PTE_W | PTE_PS), %eax
	mov	$(4 * 512), %ecx
1:	mov	%eax, (%edx)
	add	$0x200000, %eax
	add	$8, %edx
	loop	1b

	/* Two page tables: the image, 4 MiB from where it was loaded. */
	mov	$PA(early_image_pt), %edx
	mov	$(VMM_LOAD + PTE_P + PTE_W), %eax
	mov	$(2 * 512), %ecx
1:	mov	%eax, (%edx)
	add	$0x1000, %eax
	add	$8, %edx
	loop	1b
	movl	$(PA(early_image_pt) + PTE_P + PTE_W), PA(early_image_pd)
	movl	$(PA(early_image_pt) + 0x1000 + PTE_P + PTE_W), \
		PA(early_image_pd + 8)

	/* Above them: GiB 0 to 3 twice, but the image at GiB 1 of the first. */
	mov	$(PA(early_pd) + PTE_P + PTE_W), %eax
	xor	%ecx, %ecx
1:	mov	%eax, PA(early_pdpt_low)(, %ecx, 8)
	mov	%eax, PA(early_pdpt_direct)(, %ecx, 8)
	add	$0x1000, %eax
	incl	%ecx
	cmp	$4, %ecx
	jne	1b
	movl	$(PA(early_image_pd) + PTE_P + PTE_W), PA(early_pdpt_low + 8)
	movl	$(PA(early_pdpt_low) + PTE_P + PTE_W), PA(early_pml4)
	movl	$(PA(early_pdpt_direct) + PTE_P + PTE_W), \
		PA(early_pml4 + 256 * 8)

	/* Long mode (SDM 3A 10.8.5): PAE, CR3, EFER.LME, then paging. */
	mov	%cr4, %eax
	or	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	$PA(early_pml4), %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	/* EFER */
	rdmsr
	or	$0x100, %eax		/* LME */
	wrmsr
	mov	%cr0, %eax
	or	$0x80000001, %eax	/* PG, PE */
	mov	%eax, %cr0
	lgdt	PA(early_gdtr)
	ljmp	$0x08, $entry64		/* from the identity map to the image */

no_long_mode:
	mov	$PA(no_long_mode_text), %ebx
	mov	$0xb8000, %edi		/* and at the top of the screen */
1:	mov	(%ebx), %cl
	test	%cl, %cl
	jz	3f
#if CONFIG_SERIAL
	mov	$0x3fd, %dx		/* COM1, line status */
2:	inb	%dx, %al
	test	$0x20, %al		/* transmitter empty; an absent port */
	jz	2b			/* reads 0xff, so this ends there too */
	mov	$0x3f8, %dx
	mov	%cl, %al
	outb	%al, %dx
#endif
	mov	%cl, (%edi)
	add	$2, %edi
	incl	%ebx
	jmp	1b
3:	cli
	hlt
	jmp	3b

	.code64
entry64:
	.cfi_sections .debug_frame
	.cfi_startproc
	.cfi_undefined rip		/* debuggers' backtraces end, too */
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$0xc0000101, %ecx	/* GS base 0: CPU 0's variables */
	xor	%edx, %edx
	wrmsr
	lgdt	early_gdtr_high
	mov	$stack_top, %rsp
	xor	%ebp, %ebp		/* backtraces end here */
	xchgl	%esi, %edi		/* EDI = magic, ESI = information */
	call	boot_main
1:	cli
	hlt
	jmp	1b
	.cfi_endproc

	.section .rodata
	.balign	8
early_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 0x08: 64-bit code */
	.quad	0x00cf93000000ffff	/* 0x10: data */
early_gdt_end:
early_gdtr:
	.word	early_gdt_end - early_gdt - 1
	.long	PA(early_gdt)
	.globl	early_gdtr_high		/* efi/entry.S loads it, too */
early_gdtr_high:
	.word	early_gdt_end - early_gdt - 1
	.quad	early_gdt
no_long_mode_text:
	.asciz	"Vellum: this CPU has no 64-bit mode\r\n"

	.data
	.balign	8
	.globl	entry_tsc
entry_tsc:
	.quad	0

	.bss
	.balign	4096
early_pml4:
	.skip	4096
early_pdpt_low:
	.skip	4096
early_pdpt_direct:
	.skip	4096
early_pd:
	.skip	4 * 4096
early_image_pd:
	.skip	4096
early_image_pt:
	.skip	2 * 4096

	/* CPU 0's stack, above a page that stage 02 leaves unmapped. */
	.section .stacks, "aw", @nobits
	.balign	4096
	.globl	stack_guard, stack_bottom, stack_top
stack_guard:
	.skip	4096
stack_bottom:
	.skip	STACK_SIZE
stack_top:

	.section .note.GNU-stack, "", @progbits
