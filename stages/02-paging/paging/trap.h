/*
 * Exceptions in Vellum itself. (What happens in the guest is not seen here.)
 */
#ifndef PAGING_TRAP_H
#define PAGING_TRAP_H

#include "lib/types.h"

/* Stack at the entry of the C handler, as trap_entry.S leaves it. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss; /* pushed by the CPU */
};

/* Every CPU, first thing: from here on a mistake is reported, not fatal. */
void trap_init(void);

/*
 * Have @handler called for @vector in place of the panic; it returns true when
 * it dealt with the trap. Runs on the vector's own stack with interrupts off;
 * an NMI handler must take no locks and print nothing.
 */
void trap_set_handler(uint vector, bool (*handler)(struct trap_frame *));

/* What an exception is called: "#PF page fault". */
const char *trap_name(uint vector);

/* The C end of every exception; called by trap_entry.S. */
void trap_dispatch(struct trap_frame *frame);

#endif
