/*
 * The code that a CPU runs first, in real mode, below 1 MiB; for C and for
 * trampoline.S, which fills in nothing: start.c does.
 */
#ifndef SMP_TRAMPOLINE_H
#define SMP_TRAMPOLINE_H

/* Offsets of struct trampoline's fields from trampoline_start. */
#define TRAMPOLINE_CR0       8
#define TRAMPOLINE_CR3       12
#define TRAMPOLINE_CR4       16
#define TRAMPOLINE_EFER      20
#define TRAMPOLINE_GDT_LIMIT 24
#define TRAMPOLINE_GDT_BASE  26
#define TRAMPOLINE_JUMP      32
#define TRAMPOLINE_STACK     40
#define TRAMPOLINE_ENTRY     48
#define TRAMPOLINE_ARGUMENT  56
#define TRAMPOLINE_GDT       64
#define TRAMPOLINE_CODE      80

#define TRAMPOLINE_SELECTOR 8

#ifndef __ASSEMBLER__

#include "lib/types.h"

struct trampoline {
	u8 jump[8]; /* to the code behind this struct */
	u32 cr0, cr3, cr4, efer;
	u16 gdt_limit;
	u32 gdt_base;
	u16 unused;
	u32 jump_to; /* where 64-bit mode begins, and its selector */
	u16 jump_selector;
	u16 unused2;
	u64 stack;    /* RSP of the CPU that is to come */
	u64 entry;    /* a C function of one argument */
	u64 argument; /* what it gets */
	u64 gdt[2];
} __packed;

_Static_assert(offsetof(struct trampoline, cr0) == TRAMPOLINE_CR0, "");
_Static_assert(offsetof(struct trampoline, cr3) == TRAMPOLINE_CR3, "");
_Static_assert(offsetof(struct trampoline, cr4) == TRAMPOLINE_CR4, "");
_Static_assert(offsetof(struct trampoline, efer) == TRAMPOLINE_EFER, "");
_Static_assert(offsetof(struct trampoline, gdt_limit) == TRAMPOLINE_GDT_LIMIT,
	       "");
_Static_assert(offsetof(struct trampoline, gdt_base) == TRAMPOLINE_GDT_BASE,
	       "");
_Static_assert(offsetof(struct trampoline, jump_to) == TRAMPOLINE_JUMP, "");
_Static_assert(offsetof(struct trampoline, stack) == TRAMPOLINE_STACK, "");
_Static_assert(offsetof(struct trampoline, entry) == TRAMPOLINE_ENTRY, "");
_Static_assert(offsetof(struct trampoline, argument) == TRAMPOLINE_ARGUMENT,
	       "");
_Static_assert(offsetof(struct trampoline, gdt) == TRAMPOLINE_GDT, "");
_Static_assert(sizeof(struct trampoline) == TRAMPOLINE_CODE, "");

extern char trampoline_start[], trampoline_long[], trampoline_end[];

#endif
#endif
