/*
 * Writing to video memory in bursts instead of word by word.
 */
#ifndef EFI_WRITE_COMBINING_H
#define EFI_WRITE_COMBINING_H

#include "lib/types.h"

#define PAT_WC          1UL /* the type's number (SDM 3A, table 12-10) */
#define PAT_ENTRY_SHIFT 8   /* of entry 1 */

/*
 * @pat, a value of IA32_PAT, with entry 1 made write-combining: that is the
 * entry that a page has whose only cache bit is PWT.
 */
static inline u64 pat_write_combining(u64 pat)
{
	return (pat & ~(0xffUL << PAT_ENTRY_SHIFT)) | PAT_WC << PAT_ENTRY_SHIFT;
}

/*
 * From begin to end, pages that are mapped with PWT alone are write-combining
 * on this CPU; nobody touches them at other times. Interrupts are off, and the
 * caller sees to it that one CPU at a time does this (the console's lock).
 * Begin returns what end wants: the PAT as it was.
 */
u64 write_combining_begin(void);
void write_combining_end(u64 pat);

#endif
