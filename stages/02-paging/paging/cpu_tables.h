/*
 * A CPU's own descriptor tables and exception stacks. Private to paging/.
 */
#ifndef PAGING_CPU_TABLES_H
#define PAGING_CPU_TABLES_H

#include "lib/types.h"

/* Numbers in the TSS's interrupt stack table; 0 means the current stack. */
#define IST_NMI   1
#define IST_DF    2
#define IST_MC    3
#define IST_COUNT 3

/* Fill this CPU's GDT and TSS and load both. The GS base is kept. */
void cpu_tables_load(void);

/* Address of this CPU's TSS. */
u64 cpu_tables_tss(void);

#endif
