/*
 * The virtual address space, and the names that the linker script gives to
 * the parts of the image. Usable from assembly too.
 *
 *	0xffffc000_00000000 ...	device pages, mapped one by one (stage 02)
 *	0xffff8000_00000000 ...	direct map of RAM (up to 64 TiB), NX
 *	0x40000000 + vmm_size	end of our range
 *	0x40000000		our range: image, then pages to allocate
 *
 * Book: chapter 1, "Where the hypervisor lives".
 */
#ifndef BOOT_LAYOUT_H
#define BOOT_LAYOUT_H

#define VMM_VIRT    0x40000000 /* where our range is mapped */
#define VMM_LOAD    0x00100000 /* where Multiboot loads us: physical 1 MiB */
#define DIRECT_VIRT 0xffff800000000000
#define DIRECT_SIZE 0x0000400000000000 /* 64 TiB */
#define DEVICE_VIRT 0xffffc00000000000
#define STACK_SIZE  0x4000 /* of CPU 0; a guard page lies under it */

#ifndef __ASSEMBLER__

#include "lib/types.h"

/* Boundaries of the image (boot/vellum.ld), each on a page of its own. */
extern char image_start[], image_end[];   /* everything */
extern char text_start[], text_end[];     /* execute, read */
extern char rodata_start[], rodata_end[]; /* read */
extern char data_start[], data_end[];     /* read, write; .bss included */
extern char percpu_start[], percpu_end[]; /* CPU 0's per-CPU variables */
extern char stack_guard[];                /* one page, to be unmapped */
extern char stack_bottom[], stack_top[];  /* CPU 0's stack */

/*
 * Where RAM at @p appears in our direct map. Before stage 02 that covers the
 * first 4 GiB, after it all RAM but our own range.
 */
static inline void *phys_to_direct(phys_t p)
{
	return (void *)(DIRECT_VIRT + p.v);
}

#endif
#endif
