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
#define AP_CR0    0x24
#define AP_DR0    0x28
#define AP_PAT    0x2c
#define AP_STAR   0x30
#define AP_CALL   0x34

#define AP_CODE        0x40 /* offsets of the code */
#define AP_NMI_HANDLER 0x100

/* What the code leaves in the upper halves of PAT and STAR, and in SYSENTER_CS:
 * an INIT keeps them. */
#define AP_PAT_VALUE  0x01040506
#define AP_STAR_VALUE 0x00230010
#define AP_CALL_VALUE 0x58

#ifndef __ASSEMBLER__

#include "lib/types.h"

struct ap_page {
	u8 code[AP_STARTS];
	u32 starts; /* how many CPUs have begun here */
	u32 alive;  /* counts on as long as one is running */
	u32 leaf;   /* EBX of the hypervisor's CPUID leaf, */
	u32 number; /* and the CPU's number by it */
	u32 nmis;   /* how many have come; the handler does not end */
	/* As it was at the start: */
	u32 cr0, dr0;
	u32 pat, star, sysenter_cs;
};

_Static_assert(offsetof(struct ap_page, nmis) == AP_NMIS, "");
_Static_assert(offsetof(struct ap_page, sysenter_cs) == AP_CALL, "");

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
