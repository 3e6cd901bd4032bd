/*
 * Ring 3: in, and out again. Usable from assembly too.
 */
#ifndef DOMAIN_TABLES_H
#define DOMAIN_TABLES_H

#define SEL_USER_DATA 0x2b /* ring 3's, in the GDT of tables.c */
#define SEL_USER_CODE 0x33

#ifndef __ASSEMBLER__

#include "lib/types.h"
#include "paging/trap.h"

/*
 * Run ring 3 from @regs in the address space @root until it leaves by a system
 * call, an exception, an NMI or a machine check; then @regs is where, and
 * @regs->vector why. Returns CR2. Never within guarded(). Any CPU.
 */
u64 domain_enter(phys_t root, struct trap_frame *regs);

/* Once, CPU 0. */
void domain_tables_init(void);

/* In a panic, on this CPU: back to Vellum's own tables, wherever it was. */
void domain_tables_reset(void);

#endif
#endif
