/*
 * What the UEFI loader hands to the hypervisor, and what both need to go back.
 *
 * The two are separate programs: vellum.efi carries the image of vellum.elf as
 * a block of bytes. This header is all that they share. The structure lies
 * below 1 GiB, where both of their address spaces show the same memory.
 * Book: chapter 7, "What is handed over".
 */
#ifndef EFI_HANDOFF_H
#define EFI_HANDOFF_H

/* Offsets into struct efi_handoff for assembly, checked below. */
#define HANDOFF_ROOT        0x00
#define HANDOFF_ENTRY       0x08
#define HANDOFF_BACK        0x10
#define HANDOFF_CPU_RIP     0x18
#define HANDOFF_CPU_RSP     0x20
#define HANDOFF_CPU_CR0     0x28
#define HANDOFF_CPU_CR3     0x30
#define HANDOFF_CPU_CR4     0x38
#define HANDOFF_CPU_EFER    0x40
#define HANDOFF_CPU_FS_BASE 0x48
#define HANDOFF_CPU_GS_BASE 0x50
#define HANDOFF_CPU_GDTR    0x58
#define HANDOFF_CPU_IDTR    0x62
#define HANDOFF_CPU_ES      0x6c
#define HANDOFF_CPU_CS      0x6e
#define HANDOFF_CPU_SS      0x70
#define HANDOFF_CPU_DS      0x72
#define HANDOFF_CPU_FS      0x74
#define HANDOFF_CPU_GS      0x76
#define HANDOFF_CPU_LDTR    0x78
#define HANDOFF_CPU_TR      0x7a

/* What the call of the hypervisor returns (switch.S). */
#define HANDOFF_IS_GUEST 1 /* it stays, and we are its guest */
#define HANDOFF_REFUSED  2 /* gone: it could not protect this machine */
#define HANDOFF_DONE     3 /* gone: it did what it was asked to do */

#ifndef __ASSEMBLER__

#include "boot/boot_info.h"
#include "lib/types.h"

/* In the order of their numbers in instructions; then the two in the GDT. */
enum efi_segment {
	EFI_ES,
	EFI_CS,
	EFI_SS,
	EFI_DS,
	EFI_FS,
	EFI_GS,
	EFI_LDTR,
	EFI_TR,
	EFI_SEGMENTS,
};

struct efi_table_register {
	u16 limit;
	u64 base;
} __packed;

/* The CPU as the firmware has set it up, at the call of the hypervisor. */
struct efi_cpu {
	u64 rip; /* where a guest goes on: see switch.S */
	u64 rsp;
	u64 cr0, cr3, cr4, efer;
	u64 fs_base, gs_base;
	struct efi_table_register gdtr, idtr;
	u16 selector[EFI_SEGMENTS];
	u64 descriptor[EFI_SEGMENTS][2]; /* as in the GDT; 0 where none is */
};

struct efi_handoff {
	u64 root;  /* the early page tables: CR3 */
	u64 entry; /* where the hypervisor begins, virtual */
	u64 back;  /* where it jumps to go back, in switch.S */
	struct efi_cpu cpu;

	u64 range_base, range_size;     /* physical memory that is ours */
	u64 map, map_size;              /* the EFI memory map: address, bytes */
	u64 descriptor_size;            /* from one entry to the next */
	u64 rsdp;                       /* 0: the firmware has none */
	u64 low_page;                   /* below 1 MiB, and ours */
	u64 cpus, cpu_count;            /* APIC IDs, u32 each; 0: not known */
	u64 conf, conf_size;            /* the words of vellum.conf */
	struct framebuffer framebuffer; /* base 0: there is none */
	char cmdline[512];
	char loader[64];
};

#define CHECK_OFFSET(name, member)                                             \
	_Static_assert(HANDOFF_##name == offsetof(struct efi_handoff, member), \
		       "asm")
CHECK_OFFSET(ROOT, root);
CHECK_OFFSET(ENTRY, entry);
CHECK_OFFSET(BACK, back);
CHECK_OFFSET(CPU_RIP, cpu.rip);
CHECK_OFFSET(CPU_RSP, cpu.rsp);
CHECK_OFFSET(CPU_CR0, cpu.cr0);
CHECK_OFFSET(CPU_CR3, cpu.cr3);
CHECK_OFFSET(CPU_CR4, cpu.cr4);
CHECK_OFFSET(CPU_EFER, cpu.efer);
CHECK_OFFSET(CPU_FS_BASE, cpu.fs_base);
CHECK_OFFSET(CPU_GS_BASE, cpu.gs_base);
CHECK_OFFSET(CPU_GDTR, cpu.gdtr);
CHECK_OFFSET(CPU_IDTR, cpu.idtr);
CHECK_OFFSET(CPU_ES, cpu.selector[EFI_ES]);
CHECK_OFFSET(CPU_CS, cpu.selector[EFI_CS]);
CHECK_OFFSET(CPU_SS, cpu.selector[EFI_SS]);
CHECK_OFFSET(CPU_DS, cpu.selector[EFI_DS]);
CHECK_OFFSET(CPU_FS, cpu.selector[EFI_FS]);
CHECK_OFFSET(CPU_GS, cpu.selector[EFI_GS]);
CHECK_OFFSET(CPU_LDTR, cpu.selector[EFI_LDTR]);
CHECK_OFFSET(CPU_TR, cpu.selector[EFI_TR]);
#undef CHECK_OFFSET

/* What the loader gave us, copied out of its memory; zero on a BIOS. */
extern struct efi_handoff efi_handoff;
extern phys_t efi_handoff_phys; /* where the loader's own is */

/*
 * Take over what the loader left at @handoff, as boot_info_read() does on a
 * BIOS machine: 0, or what efi_map_parse() returns.
 */
int efi_read_handoff(u64 handoff);

#endif
#endif
