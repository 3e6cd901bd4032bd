/*
 * A CPU's own descriptor tables and exception stacks. Usable from assembly too.
 */
#ifndef PAGING_GDT_H
#define PAGING_GDT_H

/* Segment selectors of every CPU's GDT. */
#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS  0x18 /* takes two entries */

/* Numbers in the TSS's interrupt stack table; 0 means the current stack. */
#define IST_NMI   1
#define IST_DF    2
#define IST_MC    3
#define IST_COUNT 3

#ifndef __ASSEMBLER__

#include "lib/types.h"

/* Fill this CPU's GDT and TSS and load both. The GS base is kept. */
void gdt_setup(void);

#endif
#endif
