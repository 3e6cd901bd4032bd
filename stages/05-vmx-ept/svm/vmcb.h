/*
 * The virtual machine control block: AMD's one page of controls and guest
 * state (APM 2 appendix B). Unlike Intel's VMCS it is plain memory.
 */
#ifndef SVM_VMCB_H
#define SVM_VMCB_H

#include "lib/types.h"

/* A segment register; attributes are descriptor bits 40-47 and 52-55. */
struct vmcb_segment {
	u16 selector;
	u16 attributes;
	u32 limit;
	u64 base;
};

struct vmcb_control {
	u16 intercept_cr_read, intercept_cr_write;
	u16 intercept_dr_read, intercept_dr_write;
	u32 intercept_exceptions;
	u32 intercept1; /* offset 0x0c: INTERCEPT1_* */
	u32 intercept2; /* offset 0x10: INTERCEPT2_* */
	u8 reserved1[0x3c - 0x14];
	u16 pause_threshold, pause_count;
	u64 iopm_base;
	u64 msrpm_base;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 reserved2[3];
	u64 virtual_interrupt; /* V_TPR, V_IRQ, V_INTR_MASKING, ... */
	u64 interrupt_shadow;
	u64 exit_code;
	u64 exit_info1, exit_info2;
	u64 exit_int_info;
	u64 nested_control;
	u8 reserved3[0xa8 - 0x98];
	u64 event_injection;
	u64 nested_cr3;
	u64 lbr_control;
	u32 clean;
	u32 reserved4;
	u64 next_rip;
	u8 fetched_count;
	u8 fetched[15];
	u8 reserved5[0x400 - 0xe0];
};

struct vmcb_save {
	struct vmcb_segment es, cs, ss, ds, fs, gs;
	struct vmcb_segment gdtr, ldtr, idtr, tr;
	u8 reserved1[0xcb - 0xa0];
	u8 cpl;
	u32 reserved2;
	u64 efer;
	u8 reserved3[0x148 - 0xd8];
	u64 cr4, cr3, cr0;
	u64 dr7, dr6;
	u64 rflags, rip;
	u8 reserved4[0x1d8 - 0x180];
	u64 rsp;
	u8 reserved5[0x1f8 - 0x1e0];
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved6[0x268 - 0x248];
	u64 g_pat;
	u8 reserved7[0xc00 - 0x270];
};

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
};

_Static_assert(offsetof(struct vmcb, control.iopm_base) == 0x40, "APM B-1");
_Static_assert(offsetof(struct vmcb, control.exit_code) == 0x70, "APM B-1");
_Static_assert(offsetof(struct vmcb, control.event_injection) == 0xa8,
	       "APM B-1");
_Static_assert(offsetof(struct vmcb, control.next_rip) == 0xc8, "APM B-1");
_Static_assert(offsetof(struct vmcb, save) == 0x400, "APM B-2");
_Static_assert(offsetof(struct vmcb, save.efer) == 0x4d0, "APM B-2");
_Static_assert(offsetof(struct vmcb, save.cr4) == 0x548, "APM B-2");
_Static_assert(offsetof(struct vmcb, save.rsp) == 0x5d8, "APM B-2");
_Static_assert(offsetof(struct vmcb, save.rax) == 0x5f8, "APM B-2");
_Static_assert(offsetof(struct vmcb, save.g_pat) == 0x668, "APM B-2");
_Static_assert(sizeof(struct vmcb) == 4096, "one page");

/* intercept1 */
#define INTERCEPT1_NMI      BIT(1)
#define INTERCEPT1_INIT     BIT(3)
#define INTERCEPT1_CPUID    BIT(18)
#define INTERCEPT1_IRET     BIT(20)
#define INTERCEPT1_INVD     BIT(22)
#define INTERCEPT1_INVLPGA  BIT(26)
#define INTERCEPT1_IO       BIT(27)
#define INTERCEPT1_MSR      BIT(28)
#define INTERCEPT1_SHUTDOWN BIT(31)

/* intercept2 */
#define INTERCEPT2_VMRUN   BIT(0)
#define INTERCEPT2_VMMCALL BIT(1)
#define INTERCEPT2_VMLOAD  BIT(2)
#define INTERCEPT2_VMSAVE  BIT(3)
#define INTERCEPT2_STGI    BIT(4)
#define INTERCEPT2_CLGI    BIT(5)
#define INTERCEPT2_SKINIT  BIT(6)

#define NESTED_NP_ENABLE BIT(0)

#define TLB_CONTROL_FLUSH_ALL 1

#define INTERRUPT_SHADOW BIT(0)

/* event_injection and exit_int_info (APM 2 15.20) */
#define EVENT_VECTOR         0xff
#define EVENT_TYPE_SHIFT     8
#define EVENT_TYPE_INTR      0UL
#define EVENT_TYPE_NMI       2UL
#define EVENT_TYPE_EXCEPTION 3UL
#define EVENT_ERROR_VALID    BIT(11)
#define EVENT_VALID          BIT(31)
#define EVENT_ERROR_SHIFT    32

/* Exit codes (APM 2 appendix C) that mean more than a row in run.c's table. */
#define SVM_EXIT_EXCEPTION 0x40 /* plus the vector */
#define SVM_EXIT_IO        0x7b
#define SVM_EXIT_MSR       0x7c
#define SVM_EXIT_NPF       0x400
#define SVM_EXIT_INVALID   (~0UL) /* the entry itself was refused */

/* exit_info1 of a nested page fault (APM 2 15.25.6) */
#define NPF_WRITE    BIT(1)
#define NPF_RESERVED BIT(3)  /* an entry of ours has a reserved bit */
#define NPF_WALK     BIT(33) /* of the guest's page tables */

/* exit_info1 of an I/O exit (APM 2 15.10.2); exit_info2 is the next RIP */
#define IO_IN         BIT(0)
#define IO_STRING     BIT(2)
#define IO_SIZE(info) ((info) >> 4 & 7) /* in bytes: one bit for each size */
#define IO_PORT(info) ((info) >> 16 & 0xffff)

#endif
