/*
 * The code that a CPU runs first, in real mode, below 1 MiB; for C and for
 * trampoline.S, which fills in nothing: low_page.c does.
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
#define TRAMPOLINE_NO_IDT    40
#define TRAMPOLINE_ENTRY     48
#define TRAMPOLINE_GDT       56
#define TRAMPOLINE_CODE      72

#define TRAMPOLINE_SELECTOR 8

/* How many CPUs a census can name; more are counted. */
#define CENSUS_MOST 1024

#ifndef __ASSEMBLER__

#include "smp/cpus.h"

struct trampoline {
	u8 jump[8]; /* to the code behind this struct */
	u32 cr0, cr3, cr4, efer;
	u16 gdt_limit;
	u32 gdt_base;
	u16 unused;
	u32 jump_to; /* where 64-bit mode begins, and its selector */
	u16 jump_selector;
	u16 unused2;
	u8 no_idt[8]; /* limit 0: an exception here resets the machine */
	u64 entry;    /* where 64-bit mode goes on, in our own range */
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
_Static_assert(offsetof(struct trampoline, no_idt) == TRAMPOLINE_NO_IDT, "");
_Static_assert(offsetof(struct trampoline, entry) == TRAMPOLINE_ENTRY, "");
_Static_assert(offsetof(struct trampoline, gdt) == TRAMPOLINE_GDT, "");
_Static_assert(sizeof(struct trampoline) == TRAMPOLINE_CODE, "");

extern char trampoline_start[], trampoline_long[], trampoline_end[];

/*
 * Lay the trampoline in its page, for good, with its page tables; once, by
 * CPU 0. On a BIOS machine the page is chosen here, on a UEFI machine the
 * loader has. -ENOSPC: there is no RAM for it below 1 MiB; -ENOMEM.
 */
int trampoline_init(void);

/* The vector of a start-up IPI that begins there; 0: there is none. */
u8 trampoline_vector(void);

/* The next CPU that comes up shall be @cpu, and calls @entry with it, on the
 * stack that ends at @stack_top. Who comes without being expected is noted, and
 * parked. One at a time. */
void trampoline_expect(struct smp_cpu *cpu, void *stack_top,
		       void (*entry)(struct smp_cpu *cpu));

/* Nobody is expected any more. False: a CPU has come in the meantime. */
bool trampoline_expect_nobody(void);

/* The APIC IDs of those that came unexpected, the first @max of them into @ids.
 * How many came in all. */
uint trampoline_visitors(u32 *ids, uint max);

/*
 * Sleep for good: this CPU is never to do anything. No NMI and no machine check
 * brings it anywhere else. In trampoline.S.
 */
void smp_park(void) __noreturn;

#endif
#endif
