/*
 * Letting interrupts into Vellum: lapic_reset.c only.
 */
#ifndef SMP_INTERRUPT_H
#define SMP_INTERRUPT_H

#include "lib/types.h"

/* Take the interrupt that this CPU has waiting, if any, and do nothing about
 * it. The caller ends it (EOI). Vectors below 32 must be held back. */
void interrupt_take_one(void);

/* What LIDT loads and SIDT stores. */
struct idt_place {
	u16 limit;
	u64 base;
} __packed;

/* Have interrupts on for one instruction, with that IDT; and a handler that
 * returns with interrupts off. In interrupt_entry.S. */
void interrupt_window(const struct idt_place *idt);
extern const char interrupt_drop[];

#endif
