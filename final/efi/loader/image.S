/*
 * The hypervisor, as bytes: what objcopy makes of vellum.elf, and what the
 * loader must know about it. mk/efi.mk writes image.h.
 *
 * And what the file says of itself to shim (SBAT.md of shim), which starts none
 * that says nothing under Secure Boot: the form's own generation, then name,
 * generation, vendor, package, version and contact. A generation goes up when
 * all files before it must no longer be started.
 */
#include "image.h"

	.section .rodata
	.balign	16
	.globl	image_bytes, image_bytes_end
image_bytes:
	.incbin	IMAGE_FILE
image_bytes_end:

	.balign	8
	.globl	image_size, image_entry, image_cpu_entry, image_crc
image_size:
	.quad	IMAGE_SIZE
image_entry:
	.quad	IMAGE_ENTRY
image_cpu_entry:
	.quad	IMAGE_CPU_ENTRY
image_crc:
	.incbin	IMAGE_CRC_FILE

	.section .sbat, "a"
	.ascii	"sbat,1,SBAT Version,sbat,1,"
	.ascii	"https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	.ascii	"vellum,1,Vellum,vellum,", IMAGE_VERSION
	.ascii	",README.md of its sources\n"

	.section .note.GNU-stack, "", @progbits
