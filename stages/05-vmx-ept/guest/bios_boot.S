/*
 * Real-mode code that starts the boot disk, as the BIOS would have done. It
 * runs once, as the guest's first instructions, and the guest may then have the
 * memory in which it was.
 *
 * bios.c copies it to the beginning of a segment in conventional memory; so the
 * offset of X is X - bios_boot_start, here OFF(X). Book: chapter 5.
 */
#include "guest/bios_stub.h"
#include "vmm/hypercall.h"

#define OFF(x) ((x) - bios_boot_start)

#define BOOT_SECTOR  0x7c00
#define FIRST_CD     0xe0 /* BIOS drives from here on are CDs */
#define DISK_TRIES   3
#define CD_TRIES     5	    /* a disc that was changed reports so first */
#define CD_BUFFER    0x8000 /* for one sector of 2 KiB */
#define CD_SECTOR_PARAGRAPHS (2048 / 16)

/* El Torito specification 1.0: boot record volume descriptor (figure 7), boot
 * catalog (figures 2 and 3). */
#define CD_BOOT_RECORD	 17
#define RECORD_ID	 1    /* "CD001", version, and the name */
#define RECORD_CATALOG	 0x47 /* number of the catalog's sector */
#define CATALOG_HEADER	 0
#define CATALOG_KEY	 30 /* 55 AA */
#define ENTRY_BOOTABLE	 32 /* the initial entry: 88 when bootable */
#define ENTRY_MEDIA	 33 /* low 4 bits 0: no emulation */
#define ENTRY_SEGMENT	 34 /* 0: 07C0 */
#define ENTRY_COUNT	 38 /* virtual sectors of 512 bytes */
#define ENTRY_SECTOR	 40 /* where the image begins */

#define COM1	   0x3f8
#define COM1_LSR   (COM1 + 5)
#define LSR_THRE   0x20
#define POLL_LIMIT 0xffff

	.section .rodata.bios_boot, "a", @progbits
	.balign 16
/*
 * The guest's first instruction, at offset 0.
 *
 * In:   DL drive; CS = DS this code's segment; ES 0; SS:SP a stack below 7C00.
 * Out:  the boot sector or the CD's boot image runs, with DL the drive, and
 *	 DS, ES, DI 0: ES:DI points to no Plug and Play structure (BIOS Boot
 *	 Specification 1.01, 6.4). On failure it says why, and halts.
 */
	.code16
	.globl bios_boot_start
bios_boot_start:
	cld
	sti
	mov	%dl, OFF(drive)
	call	tell_map
	mov	OFF(drive), %dl
	cmp	$FIRST_CD, %dl
	jae	boot_cd

/*
 * The first sector of a disk. Not reset before the first try, as it works
 * already: QEMU resets a disk later than it is told to, sometimes after the
 * BIOS has gone on, which then waits half a minute for it.
 */
	movb	$DISK_TRIES, OFF(tries)
	jmp	3f
1:	mov	OFF(drive), %dl
	xor	%ah, %ah		/* reset */
	int	$0x13
3:	mov	$0x0201, %ax		/* read one sector */
	mov	$BOOT_SECTOR, %bx
	mov	$0x0001, %cx		/* cylinder 0, sector 1 */
	mov	OFF(drive), %dl
	mov	$0, %dh			/* head 0 */
	int	$0x13
	jnc	2f
	decb	OFF(tries)
	jnz	1b
	mov	$OFF(no_sector), %si
	jmp	fail
2:	mov	$OFF(no_signature), %si
	cmpw	$0xaa55, %es:(BOOT_SECTOR + 510)
	jne	fail
	jmp	start_sector

/*
 * The other way in: the boot code is at 0000:7C00 already. Registers as above;
 * this label's offset is bios.c's to take.
 */
	.globl bios_boot_loaded
bios_boot_loaded:
	cld
	sti
	mov	%dl, OFF(drive)
	call	tell_map

start_sector:
	push	%es
	push	$BOOT_SECTOR

/* Jump to the address on the stack. */
start_it:
	mov	OFF(drive), %dl
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	xor	%di, %di
	lret

/*
 * Ask the BIOS for its memory map and put it into the table of the stub, which
 * stands before the BIOS by now, and is passed by here. Then tell Vellum, which
 * takes out what is hidden: bios.c. Changes all but the segments and SP.
 */
tell_map:
	push	%es
	xor	%ax, %ax
	mov	%ax, %es
	mov	%es:(4 * 0x15 + 2), %es		/* the stub's segment */
	mov	%es:STUB_E820_TABLE, %di
	xor	%ebx, %ebx
	xor	%bp, %bp			/* how many entries */
1:	cmp	$E820_MOST, %bp
	je	2f				/* too many: none */
	mov	$0xe820, %eax
	mov	$SMAP, %edx
	mov	$E820_ENTRY_SIZE, %ecx
	pushf					/* as INT would do it */
	cli
	lcall	*%es:STUB_OLD_INT15
	jc	3f
	cmp	$SMAP, %eax
	jne	3f
	inc	%bp
	add	$E820_ENTRY_SIZE, %di
	test	%ebx, %ebx
	jnz	1b
	jmp	3f
2:	xor	%bp, %bp
3:	movzwl	%bp, %ecx
	mov	$HYPERCALL_FIRST, %eax
	.globl bios_boot_call
bios_boot_call:
	.byte	0x0f, 0x01, 0xc1		/* or another: bios.c */
	pop	%es
	ret

/* A CD: boot record, then catalog, then the image. */
boot_cd:
	movl	$CD_BOOT_RECORD, OFF(packet_sector)
	call	read_cd
	mov	$OFF(no_record), %si
	push	%si
	mov	$OFF(record_id), %si
	mov	$CD_BUFFER + RECORD_ID, %di
	mov	$record_id_end - record_id, %cx
	repe cmpsb
	pop	%si
	jne	fail
	mov	%es:(CD_BUFFER + RECORD_CATALOG), %eax
	mov	%eax, OFF(packet_sector)
	call	read_cd
	mov	$OFF(no_entry), %si
	cmpb	$1, %es:(CD_BUFFER + CATALOG_HEADER)
	jne	fail
	cmpw	$0xaa55, %es:(CD_BUFFER + CATALOG_KEY)
	jne	fail
	cmpb	$0x88, %es:(CD_BUFFER + ENTRY_BOOTABLE)
	jne	fail
	testb	$0x0f, %es:(CD_BUFFER + ENTRY_MEDIA)
	jnz	fail

	mov	%es:(CD_BUFFER + ENTRY_SECTOR), %eax
	mov	%eax, OFF(packet_sector)
	mov	%es:(CD_BUFFER + ENTRY_SEGMENT), %ax
	test	%ax, %ax
	jnz	1f
	mov	$BOOT_SECTOR >> 4, %ax
1:	mov	%ax, OFF(packet_segment)
	movw	$0, OFF(packet_offset)
	push	%ax
	mov	%es:(CD_BUFFER + ENTRY_COUNT), %cx
	add	$3, %cx			/* 512 bytes each: round up ... */
	shr	$2, %cx			/* ... to sectors of the CD */
	jnz	2f
	inc	%cx
2:	push	%cx
	call	read_cd
	pop	%cx
	incl	OFF(packet_sector)
	addw	$CD_SECTOR_PARAGRAPHS, OFF(packet_segment)
	loop	2b
	/* Code expects 0000:7C00 rather than 07C0:0000. */
	pop	%ax
	mov	%ax, %bx
	and	$0xf000, %ax
	push	%ax
	shl	$4, %bx
	push	%bx
	jmp	start_it

/*
 * Read the CD sector that the packet names; does not return on failure.
 * Changes AX, DL, SI.
 */
read_cd:
	movb	$CD_TRIES, OFF(tries)
1:	movb	$16, OFF(packet)	/* its size */
	movw	$1, OFF(packet_count)
	mov	$OFF(packet), %si
	mov	OFF(drive), %dl
	mov	$0x42, %ah		/* extended read */
	int	$0x13
	jnc	2f
	decb	OFF(tries)
	jnz	1b
	mov	$OFF(no_cd), %si
	jmp	fail
2:	ret

/* Say "vellum: drive 0xDL: ", what is at SI, and halt for good. */
fail:
	push	%si
	mov	$OFF(drive_prefix), %si
	call	print
	mov	OFF(drive), %al
	shr	$4, %al
	call	print_digit
	mov	OFF(drive), %al
	and	$15, %al
	call	print_digit
	mov	$OFF(drive_suffix), %si
	call	print
	pop	%si
	call	print
	mov	$OFF(halted), %si
	call	print
1:	cli
	hlt
	jmp	1b

/* Print the text at SI, which ends with a 0. Changes AX, BX, CX, DX, SI. */
print:
	lodsb
	test	%al, %al
	jz	1f
	call	print_char
	jmp	print
1:	ret

/* Print AL as a hexadecimal digit. */
print_digit:
	cmp	$10, %al
	jb	1f
	add	$'a' - '0' - 10, %al
1:	add	$'0', %al

/* Print the character AL on COM1, where a UART takes it, and on the screen. */
print_char:
	mov	%al, %bl
	mov	$POLL_LIMIT, %cx
	mov	$COM1_LSR, %dx
1:	in	%dx, %al
	test	$LSR_THRE, %al
	loopz	1b
	mov	$COM1, %dx
	mov	%bl, %al
	out	%al, %dx
	mov	$0x0e, %ah		/* teletype */
	mov	$7, %bx			/* page 0, grey */
	push	%si
	int	$0x10
	pop	%si
	ret

drive_prefix:	.asciz	"vellum: drive 0x"
drive_suffix:	.asciz	": "
no_sector:	.asciz	"cannot read the boot sector"
no_signature:	.asciz	"no boot sector (55 AA is missing)"
no_cd:		.asciz	"cannot read the CD"
no_record:	.asciz	"no bootable CD (El Torito boot record)"
no_entry:	.asciz	"the CD has no boot image without emulation"
halted:		.ascii	"\r\nvellum: the word boot= on Vellum's command line "
		.ascii	"chooses the drive: 0x80 is the first disk, 0xe0 a CD"
		.asciz	"\r\nvellum: halted\r\n"

record_id:	.ascii	"CD001\001EL TORITO SPECIFICATION"
record_id_end:

drive:		.byte	0
tries:		.byte	0

/* What INT 13h AH=42h is to read (EDD specification 3.0, 2.2). */
	.balign	4
packet:		.byte	16, 0
packet_count:	.word	1
packet_offset:	.word	CD_BUFFER
packet_segment:	.word	0
packet_sector:	.quad	0

	.globl bios_boot_end
bios_boot_end:
	.size bios_boot_start, . - bios_boot_start

	.section .note.GNU-stack, "", @progbits
