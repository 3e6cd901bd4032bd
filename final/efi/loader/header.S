/*
 * The head of vellum.efi: a PE32+ file, as Microsoft's "PE Format" describes
 * it, laid out by hand, for GNU ld links ELF files. loader.ld puts each section
 * at the file offset that is also its address, so that the flat output of
 * objcopy is the file; and it defines the symbols pe_*.
 *
 * No section can be both written and executed, and the flag NX_COMPAT says so.
 * All code is relative to RIP, so there is nothing to relocate; a .reloc
 * section with an empty list tells loaders that we know about it, and that the
 * file may be loaded anywhere. Signing tools fill the directory entry for the
 * certificate, and append it to the file.
 */
#define MACHINE_X86_64	    0x8664
#define EXECUTABLE	    0x0002
#define LARGE_ADDRESS_AWARE 0x0020

#define PE32_PLUS	    0x20b
#define SUBSYSTEM_EFI	    10 /* an EFI application */
#define HIGH_ENTROPY_VA	    0x0020 /* it may be loaded above 4 GiB */
#define DYNAMIC_BASE	    0x0040
#define NX_COMPAT	    0x0100

#define CODE		    0x00000020
#define INITIALIZED_DATA    0x00000040
#define DISCARDABLE	    0x02000000
#define EXECUTE		    0x20000000
#define READ		    0x40000000
#define WRITE		    0x80000000

#define DIRECTORIES	    16
#define ALIGNMENT	    4096

	.section .header, "a"
	.globl	pe_start
pe_start:
	.ascii	"MZ"
	.skip	0x3c - 2
	.long	signature - pe_start

	.balign	8
signature:
	.asciz	"PE\0"
	.word	MACHINE_X86_64
	.word	(section_table_end - section_table) / 40
	.long	0			/* date */
	.long	0, 0			/* symbol table */
	.word	section_table - optional_header
	.word	EXECUTABLE | LARGE_ADDRESS_AWARE

optional_header:
	.word	PE32_PLUS
	.byte	0, 0			/* linker version */
	.long	pe_text_size
	.long	pe_all_data_size
	.long	0			/* uninitialised data: none */
	.long	pe_entry
	.long	pe_text
	.quad	0			/* preferred address: any */
	.long	ALIGNMENT		/* in memory */
	.long	ALIGNMENT		/* in the file */
	.word	0, 0			/* operating system version */
	.word	0, 0			/* image version */
	.word	0, 0			/* subsystem version */
	.long	0
	.long	pe_end			/* size in memory */
	.long	pe_text			/* size of all headers */
	.long	0			/* checksum */
	.word	SUBSYSTEM_EFI
	.word	HIGH_ENTROPY_VA | DYNAMIC_BASE | NX_COMPAT
	.quad	0, 0, 0, 0		/* stack and heap: not used */
	.long	0
	.long	DIRECTORIES
	.quad	0, 0, 0, 0		/* exports, imports, resources, ... */
	.quad	0			/* 4: certificates */
	.long	pe_reloc, pe_reloc_used /* 5: base relocations */
	.quad	0, 0, 0, 0, 0, 0, 0, 0, 0, 0

	.macro	section name, label, flags
	.ascii	"\name"
	.skip	8 - (. - 9b)
	.long	\label\()_size
	.long	\label
	.long	\label\()_size
	.long	\label
	.long	0, 0, 0
	.long	\flags
	.endm

section_table:
9:	section	".text", pe_text, CODE | EXECUTE | READ
9:	section	".rodata", pe_rodata, INITIALIZED_DATA | READ
9:	section	".data", pe_data, INITIALIZED_DATA | READ | WRITE
9:	section	".sbat", pe_sbat, INITIALIZED_DATA | READ
9:	section	".reloc", pe_reloc, INITIALIZED_DATA | DISCARDABLE | READ
section_table_end:

	/* One block: the page it is for, its size, and two empty entries. */
	.section .reloc, "a"
	.long	pe_text
	.long	12
	.word	0, 0

	.section .note.GNU-stack, "", @progbits
