/*
 * A guest for the judges of labs (tools/guest_script.py): a boot sector that
 * does what a script says, and leaves in memory what came of it, where it is
 * read from outside. It prints nothing, and knows nothing of what is right.
 *
 * It stays in real mode, with GS flat, so that a script can name all memory
 * below 4 GiB. -DSCRIPT=: 32-bit words, each operation and its arguments;
 * -DRESULTS=: where its results go, 32-bit words as well; -DDONE=: the word
 * that is 0x600d600d when all is done.
 */
#define SECTORS 48 /* besides the first; more than any script needs */
#define PIT_RATE 11932 /* 100 ticks a second */
#define HYPERCALL_MAGIC 0x6d756c6c

	.code16
	.globl _start
_start:
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7c00, %sp
	mov	$0x0200 + SECTORS, %ax
	mov	$2, %cx
	xor	%dh, %dh
	mov	$0x7e00, %bx
	int	$0x13
	mov	$0x2401, %ax		/* A20 on */
	int	$0x15
	cli
	cld
	movl	$tick, 4 * 8		/* vector of IRQ 0: 0000:tick */
	mov	$0xfe, %al
	out	%al, $0x21		/* no other comes */
	mov	$0xff, %al
	out	%al, $0xa1
	mov	$0x34, %al
	out	%al, $0x43
	mov	$PIT_RATE & 0xff, %al
	out	%al, $0x40
	mov	$PIT_RATE >> 8, %al
	out	%al, $0x40

	/* A descriptor's limit stays when protected mode is left. */
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	mov	$8, %bx
	mov	%bx, %gs
	and	$0xfe, %al
	mov	%eax, %cr0
	xor	%bx, %bx
	mov	%bx, %gs

	mov	$RESULTS, %edi
	mov	$script, %si
	mov	$read_at, %eax
	call	put
	mov	$write_at, %eax
	call	put
next:
	call	word
	mov	%ax, %bx
	add	%bx, %bx
	jmp	*operations(%bx)

/* The next word of the script into EAX. */
word:	lodsl
	ret

/* EAX becomes the next result. */
put:	mov	%eax, %gs:(%edi)
	add	$4, %edi
	ret

tick:	push	%ax
	incl	ticks
	mov	$0x20, %al
	out	%al, $0x20
	pop	%ax
	iret

end:	mov	$DONE, %edi
	movl	$0x600d600d, %gs:(%edi)
1:	cli
	hlt
	jmp	1b

	.org	510
	.word	0xaa55

operations:
	.word	end, read, write, hypercall, cpuid_, halt, count, wrmsr_, far
	.word	exits, wait

read:	call	word
	mov	%eax, %ebx
read_at:
	mov	%gs:(%ebx), %eax
	call	put
	jmp	next

write:	call	word
	mov	%eax, %ebx
	call	word
write_at:
	mov	%eax, %gs:(%ebx)
	jmp	next

hypercall:
	call	word
	mov	%eax, %ebx
	call	word
	mov	%eax, %ecx
	push	%esi
	push	%edi
	mov	$HYPERCALL_MAGIC, %eax
	xor	%edx, %edx
	xor	%esi, %esi
#ifdef ON_VMX
	vmcall
#else
	vmmcall
#endif
	mov	%esi, %ecx
	pop	%edi
	pop	%esi
	call	put
	mov	%ebx, %eax
	call	put
	mov	%edx, %eax
	call	put
	mov	%ecx, %eax
	call	put
	jmp	next

cpuid_:	call	word
	mov	%eax, %ebx
	call	word
	mov	%eax, %ecx
	mov	%ebx, %eax
	cpuid
	call	put
	mov	%ebx, %eax
	call	put
	mov	%ecx, %eax
	call	put
	mov	%edx, %eax
	call	put
	jmp	next

halt:	call	word
	mov	%eax, %ecx
1:	sti
	hlt
	cli
	dec	%ecx
	jnz	1b
	jmp	next

wait:	mov	ticks, %ecx
	sti
1:	cmp	%ecx, ticks
	je	1b
	cli
	jmp	next

count:	mov	ticks, %eax
	call	put
	jmp	next

wrmsr_:	call	word
	mov	%eax, %ecx
	call	word
	mov	%eax, %ebx
	call	word
	mov	%eax, %edx
	mov	%ebx, %eax
	wrmsr
	jmp	next

far:	call	word
	mov	%eax, target
	push	%si
	push	%edi
	lcall	*target
	pop	%edi
	pop	%si
	jmp	next

/* As many exits: CPUID, which always does. */
exits:	call	word
	mov	%eax, %ebp
1:	xor	%eax, %eax
	cpuid
	dec	%ebp
	jnz	1b
	jmp	next

	.balign	8
gdt:	.quad	0
	.quad	0x008f92000000ffff	/* data, base 0, all 4 GiB */
gdtr:	.word	. - gdt - 1
	.long	gdt
target:	.long	0
ticks:	.long	0
script:	.long	SCRIPT
	.long	0
