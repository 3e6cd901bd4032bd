/*
 * What a CPU of the signals test runs, and where it leaves its marks; for C and
 * assembly. A copy of it lies on each of two pages.
 */
#ifndef SMP_TEST_METAL_AP_CODE_H
#define SMP_TEST_METAL_AP_CODE_H

#define AP_PAGE_1 0x80000
#define AP_PAGE_2 0x81000

#define AP_STARTS 0x10
#define AP_ALIVE  0x14
#define AP_LEAF   0x18
#define AP_NUMBER 0x1c
#define AP_NMIS   0x20

#define AP_NMI_HANDLER 0x80 /* offset of the code */

#ifndef __ASSEMBLER__

#include "lib/types.h"

struct ap_page {
	u8 code[AP_STARTS];
	u32 starts; /* how many CPUs have begun here */
	u32 alive;  /* counts on as long as one is running */
	u32 leaf;   /* EBX of the hypervisor's CPUID leaf, */
	u32 number; /* and the CPU's number by it */
	u32 nmis;   /* how many have come; the handler does not end */
};

_Static_assert(offsetof(struct ap_page, nmis) == AP_NMIS, "");

/* An NMI, vector 2, goes to the handler on the first page. */
static inline void set_nmi_vector(void)
{
	volatile u16 *at = (void *)(4 * 2);

	asm("" : "+r"(at)); /* GCC takes it for a NULL pointer */
	at[0] = AP_NMI_HANDLER;
	at[1] = AP_PAGE_1 >> 4;
}

extern const char ap_code[], ap_code_end[];
extern void boot_cpu_again(void);

#endif
#endif
