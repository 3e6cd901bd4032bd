/*
 * Bits of a page-table entry (SDM 3A 4.5.4; APM 2 5.4): in every level but for
 * PS, in our own tables, a guest's, and AMD's nested ones. Usable from assembly
 * too, but for the last two.
 */
#ifndef LIB_PTE_H
#define LIB_PTE_H

#define PTE_P       0x001 /* present */
#define PTE_W       0x002 /* may be written */
#define PTE_U       0x004 /* may be used by ring 3 */
#define PTE_PWT     0x008 /* entry 1 of the PAT; with PCD 3, uncached */
#define PTE_PCD     0x010
#define PTE_A       0x020 /* was accessed */
#define PTE_D       0x040 /* was written */
#define PTE_PS      0x080 /* in levels 2 and 3: a large page, no table */
#define PTE_NX      (1UL << 63)
#define PTE_ADDRESS 0x000ffffffffff000UL

#endif
