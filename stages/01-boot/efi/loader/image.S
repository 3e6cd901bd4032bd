/*
 * The hypervisor, as bytes: what objcopy makes of vellum.elf, and what the
 * loader must know about it. mk/efi.mk writes image.h.
 */
#include "image.h"

	.section .rodata
	.balign	16
	.global	image_bytes, image_bytes_end
image_bytes:
	.incbin	IMAGE_FILE
image_bytes_end:

	.balign	8
	.global	image_size, image_entry, image_cpu_entry, image_crc
image_size:
	.quad	IMAGE_SIZE
image_entry:
	.quad	IMAGE_ENTRY
image_cpu_entry:
	.quad	IMAGE_CPU_ENTRY
image_crc:
	.incbin	IMAGE_CRC_FILE

	.section .note.GNU-stack, "", @progbits
