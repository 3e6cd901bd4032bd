/*
 * The VMCS: the page in which an Intel CPU keeps a guest, its host, and what
 * makes the one end and the other begin. Its layout is the CPU's secret; each
 * field has a number, and VMREAD and VMWRITE take that number.
 *
 *	bits 14:13 width	0 16 bits, 1 64 bits, 2 32 bits, 3 natural
 *	bits 11:10 kind		0 control, 1 read-only, 2 guest, 3 host
 *	bits 9:1   index
 *
 * The numbers are those of SDM 3D appendix B; the section numbers in this
 * folder are those of the SDM of December 2023 (order number 325462-082).
 * Book: chapter 5.
 */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#define VMCS_HOST_RSP_NUMBER 0x6c14 /* for entry.S */

#ifndef __ASSEMBLER__

#include "lib/cpu.h"
#include "lib/types.h"

#define VMCS_FIELDS(X)                                       \
	/* 16 bits: control, guest, host */                  \
	X(VPID, 0x0000)                                      \
	X(GUEST_ES_SELECTOR, 0x0800)                         \
	X(GUEST_CS_SELECTOR, 0x0802)                         \
	X(GUEST_SS_SELECTOR, 0x0804)                         \
	X(GUEST_DS_SELECTOR, 0x0806)                         \
	X(GUEST_FS_SELECTOR, 0x0808)                         \
	X(GUEST_GS_SELECTOR, 0x080a)                         \
	X(GUEST_LDTR_SELECTOR, 0x080c)                       \
	X(GUEST_TR_SELECTOR, 0x080e)                         \
	X(HOST_ES_SELECTOR, 0x0c00)                          \
	X(HOST_CS_SELECTOR, 0x0c02)                          \
	X(HOST_SS_SELECTOR, 0x0c04)                          \
	X(HOST_DS_SELECTOR, 0x0c06)                          \
	X(HOST_FS_SELECTOR, 0x0c08)                          \
	X(HOST_GS_SELECTOR, 0x0c0a)                          \
	X(HOST_TR_SELECTOR, 0x0c0c)                          \
	/* 64 bits: control, read-only, guest, host */       \
	X(IO_BITMAP_A, 0x2000)                               \
	X(IO_BITMAP_B, 0x2002)                               \
	X(MSR_BITMAP, 0x2004)                                \
	X(EXIT_MSR_STORE_ADDR, 0x2006)                       \
	X(EXIT_MSR_LOAD_ADDR, 0x2008)                        \
	X(ENTRY_MSR_LOAD_ADDR, 0x200a)                       \
	X(TSC_OFFSET, 0x2010)                                \
	X(EPT_POINTER, 0x201a)                               \
	X(XSS_EXITING_BITMAP, 0x202c)                        \
	X(GUEST_PHYSICAL_ADDRESS, 0x2400)                    \
	X(LINK_POINTER, 0x2800)                              \
	X(GUEST_DEBUGCTL, 0x2802)                            \
	X(GUEST_PAT, 0x2804)                                 \
	X(GUEST_EFER, 0x2806)                                \
	X(GUEST_PDPTE0, 0x280a)                              \
	X(GUEST_PDPTE1, 0x280c)                              \
	X(GUEST_PDPTE2, 0x280e)                              \
	X(GUEST_PDPTE3, 0x2810)                              \
	X(HOST_PAT, 0x2c00)                                  \
	X(HOST_EFER, 0x2c02)                                 \
	/* 32 bits: control, read-only, guest, host */       \
	X(PIN_CONTROLS, 0x4000)                              \
	X(PROC_CONTROLS, 0x4002)                             \
	X(EXCEPTION_BITMAP, 0x4004)                          \
	X(PF_ERROR_MASK, 0x4006)                             \
	X(PF_ERROR_MATCH, 0x4008)                            \
	X(CR3_TARGET_COUNT, 0x400a)                          \
	X(EXIT_CONTROLS, 0x400c)                             \
	X(EXIT_MSR_STORE_COUNT, 0x400e)                      \
	X(EXIT_MSR_LOAD_COUNT, 0x4010)                       \
	X(ENTRY_CONTROLS, 0x4012)                            \
	X(ENTRY_MSR_LOAD_COUNT, 0x4014)                      \
	X(ENTRY_EVENT, 0x4016)                               \
	X(ENTRY_EVENT_ERROR, 0x4018)                         \
	X(ENTRY_INSTRUCTION_LENGTH, 0x401a)                  \
	X(PROC2_CONTROLS, 0x401e)                            \
	X(INSTRUCTION_ERROR, 0x4400)                         \
	X(EXIT_REASON, 0x4402)                               \
	X(EXIT_EVENT, 0x4404)                                \
	X(EXIT_EVENT_ERROR, 0x4406)                          \
	X(IDT_VECTORING, 0x4408)                             \
	X(IDT_VECTORING_ERROR, 0x440a)                       \
	X(EXIT_INSTRUCTION_LENGTH, 0x440c)                   \
	X(EXIT_INSTRUCTION_INFO, 0x440e)                     \
	X(GUEST_ES_LIMIT, 0x4800)                            \
	X(GUEST_CS_LIMIT, 0x4802)                            \
	X(GUEST_SS_LIMIT, 0x4804)                            \
	X(GUEST_DS_LIMIT, 0x4806)                            \
	X(GUEST_FS_LIMIT, 0x4808)                            \
	X(GUEST_GS_LIMIT, 0x480a)                            \
	X(GUEST_LDTR_LIMIT, 0x480c)                          \
	X(GUEST_TR_LIMIT, 0x480e)                            \
	X(GUEST_GDTR_LIMIT, 0x4810)                          \
	X(GUEST_IDTR_LIMIT, 0x4812)                          \
	X(GUEST_ES_AR, 0x4814)                               \
	X(GUEST_CS_AR, 0x4816)                               \
	X(GUEST_SS_AR, 0x4818)                               \
	X(GUEST_DS_AR, 0x481a)                               \
	X(GUEST_FS_AR, 0x481c)                               \
	X(GUEST_GS_AR, 0x481e)                               \
	X(GUEST_LDTR_AR, 0x4820)                             \
	X(GUEST_TR_AR, 0x4822)                               \
	X(GUEST_INTERRUPTIBILITY, 0x4824)                    \
	X(GUEST_ACTIVITY, 0x4826)                            \
	X(GUEST_SYSENTER_CS, 0x482a)                         \
	X(HOST_SYSENTER_CS, 0x4c00)                          \
	/* natural width: control, read-only, guest, host */ \
	X(CR0_MASK, 0x6000)                                  \
	X(CR4_MASK, 0x6002)                                  \
	X(CR0_SHADOW, 0x6004)                                \
	X(CR4_SHADOW, 0x6006)                                \
	X(EXIT_QUALIFICATION, 0x6400)                        \
	X(GUEST_LINEAR_ADDRESS, 0x640a)                      \
	X(GUEST_CR0, 0x6800)                                 \
	X(GUEST_CR3, 0x6802)                                 \
	X(GUEST_CR4, 0x6804)                                 \
	X(GUEST_ES_BASE, 0x6806)                             \
	X(GUEST_CS_BASE, 0x6808)                             \
	X(GUEST_SS_BASE, 0x680a)                             \
	X(GUEST_DS_BASE, 0x680c)                             \
	X(GUEST_FS_BASE, 0x680e)                             \
	X(GUEST_GS_BASE, 0x6810)                             \
	X(GUEST_LDTR_BASE, 0x6812)                           \
	X(GUEST_TR_BASE, 0x6814)                             \
	X(GUEST_GDTR_BASE, 0x6816)                           \
	X(GUEST_IDTR_BASE, 0x6818)                           \
	X(GUEST_DR7, 0x681a)                                 \
	X(GUEST_RSP, 0x681c)                                 \
	X(GUEST_RIP, 0x681e)                                 \
	X(GUEST_RFLAGS, 0x6820)                              \
	X(GUEST_PENDING_DEBUG, 0x6822)                       \
	X(GUEST_SYSENTER_ESP, 0x6824)                        \
	X(GUEST_SYSENTER_EIP, 0x6826)                        \
	X(HOST_CR0, 0x6c00)                                  \
	X(HOST_CR3, 0x6c02)                                  \
	X(HOST_CR4, 0x6c04)                                  \
	X(HOST_FS_BASE, 0x6c06)                              \
	X(HOST_GS_BASE, 0x6c08)                              \
	X(HOST_TR_BASE, 0x6c0a)                              \
	X(HOST_GDTR_BASE, 0x6c0c)                            \
	X(HOST_IDTR_BASE, 0x6c0e)                            \
	X(HOST_SYSENTER_ESP, 0x6c10)                         \
	X(HOST_SYSENTER_EIP, 0x6c12)                         \
	X(HOST_RSP, 0x6c14)                                  \
	X(HOST_RIP, 0x6c16)

enum vmcs_field {
#define X(name, number) VMCS_##name = number,
	VMCS_FIELDS(X)
#undef X
};

_Static_assert(VMCS_HOST_RSP == VMCS_HOST_RSP_NUMBER, "entry.S uses it");

/*
 * A segment is its selector, base, limit and access rights (SDM 3C 25.4.1):
 *
 *	16 unusable | 15 G | 14 D/B | 13 L | 12 AVL | 7 P | 6:5 DPL | 4 S | 3:0
 *
 * where 3:0 is the type: bit 0 accessed; bit 3 code, with bit 2 conforming and
 * bit 1 readable. The numbers of a segment register's four fields differ by 2
 * from the next's.
 */
enum segment {
	ES,
	CS,
	SS,
	DS,
	FS,
	GS,
	LDTR,
	TR
};

#define AR_TYPE(ar) ((ar)&0xf)
#define AR_ACCESSED BIT(0)
#define AR_READABLE BIT(1)
#define AR_CONFORM  BIT(2)
#define AR_CODE     BIT(3)
#define AR_DPL(ar)  ((ar) >> 5 & 3)
#define AR_S        BIT(4)
#define AR_P        BIT(7)
#define AR_L        BIT(13)
#define AR_DB       BIT(14)
#define AR_G        BIT(15)
#define AR_UNUSABLE BIT(16)
#define AR_RESERVED 0xfffe0f00UL
#define AR_V86      0xf3UL

#define TYPE_LDT     2
#define TYPE_DATA_RW 3  /* read, write, accessed */
#define TYPE_STACK   7  /* the same, expanding down */
#define TYPE_TSS16   3  /* busy */
#define TYPE_TSS     11 /* busy, 32 or 64 bits */

#define RPL(selector) ((selector)&3)
#define SELECTOR_TI   BIT(2)

#define PDPTE_PRESENT  BIT(0)
#define PDPTE_RESERVED 0x1e6UL /* bits 2:1 and 8:5 (SDM 3A 4.4.1) */

/* Bits of the five words of controls (SDM 3C 25.6.1, 25.6.2, 25.7.1, 25.8.1).
 * Which of them we set is in caps.c. */

/* Pin-based. */
#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PIN_NMI                BIT(3)
#define PIN_VIRTUAL_NMI        BIT(5)
#define PIN_PREEMPTION_TIMER   BIT(6)

/* Primary processor-based. */
#define PROC_HLT         BIT(7)
#define PROC_INVLPG      BIT(9)
#define PROC_RDTSC       BIT(12)
#define PROC_CR3_LOAD    BIT(15)
#define PROC_CR3_STORE   BIT(16)
#define PROC_NMI_WINDOW  BIT(22)
#define PROC_MOV_DR      BIT(23)
#define PROC_IO          BIT(24)
#define PROC_IO_BITMAPS  BIT(25)
#define PROC_MSR_BITMAPS BIT(28)
#define PROC_MONITOR     BIT(29)
#define PROC_PAUSE       BIT(30)
#define PROC_SECONDARY   BIT(31)

/* Secondary processor-based. */
#define PROC2_EPT                BIT(1)
#define PROC2_RDTSCP             BIT(3)
#define PROC2_VPID               BIT(5)
#define PROC2_UNRESTRICTED_GUEST BIT(7)
#define PROC2_INVPCID            BIT(12)
#define PROC2_CONCEAL_FROM_PT    BIT(19)
#define PROC2_XSAVES             BIT(20)
#define PROC2_USER_WAIT          BIT(26)

/* VM exit. */
#define EXIT_SAVE_DEBUG      BIT(2)
#define EXIT_HOST_64         BIT(9)
#define EXIT_SAVE_PAT        BIT(18)
#define EXIT_LOAD_PAT        BIT(19)
#define EXIT_SAVE_EFER       BIT(20)
#define EXIT_LOAD_EFER       BIT(21)
#define EXIT_SAVE_PREEMPTION BIT(22)
#define EXIT_CONCEAL_FROM_PT BIT(24)

/* VM entry. */
#define ENTRY_LOAD_DEBUG      BIT(2)
#define ENTRY_IA32E           BIT(9)
#define ENTRY_TO_SMM          BIT(10)
#define ENTRY_DEACTIVATE_DUAL BIT(11)
#define ENTRY_LOAD_PAT        BIT(14)
#define ENTRY_LOAD_EFER       BIT(15)
#define ENTRY_CONCEAL_FROM_PT BIT(17)

/*
 * The word that names an event, in three fields alike (SDM 3C 25.8.3, 25.9.2,
 * 25.9.3): what to inject, what caused the exit, what the exit interrupted.
 */
#define EVENT_VECTOR        0xffUL
#define EVENT_TYPE(event)   ((event) >> 8 & 7)
#define EVENT_OF_TYPE(type) ((u64)(type) << 8)
#define EVENT_HAS_ERROR     BIT(11)
#define EVENT_IRET          BIT(12) /* an IRET had unblocked NMIs (exits) */
#define EVENT_VALID         BIT(31)

enum event_type {
	EVENT_EXTERNAL = 0,
	EVENT_NMI = 2,
	EVENT_EXCEPTION = 3,
	EVENT_SOFT_INTERRUPT = 4, /* INT n */
	EVENT_PRIVILEGED = 5,     /* INT1 */
	EVENT_SOFT_EXCEPTION = 6, /* INT3, INTO */
	EVENT_OTHER = 7,
};

/* Exceptions that push an error code (SDM 3A 6.13). */
#define VECTORS_WITH_ERROR                                                   \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | \
	 BIT(VECTOR_GP) | BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(21))

/* GUEST_INTERRUPTIBILITY (SDM 3C 25.4.2). */
#define BLOCKED_BY_STI    BIT(0)
#define BLOCKED_BY_MOV_SS BIT(1)
#define BLOCKED_BY_NMI    BIT(3)

/* GUEST_PENDING_DEBUG: a single step was due. */
#define PENDING_BS BIT(14)

#define DEBUGCTL_LBR BIT(0)
#define DEBUGCTL_BTF BIT(1) /* single-step on branches */

/* "GUEST_CS_AR", or "?" for a number that is not in the list above. */
const char *vmcs_field_name(enum vmcs_field field);

/* Panic, naming the field. CF and ZF said that the access failed. */
void vmcs_access_failed(const char *instruction, enum vmcs_field field)
	__attribute__((noreturn));

/*
 * Read a field of this CPU's current VMCS. Fails, and so panics, when there
 * is no current VMCS or the CPU has no such field (SDM 3C 31.3, VMREAD).
 */
static inline u64 vmcs_read(enum vmcs_field field)
{
	u64 value;
	bool failed;

	asm volatile("vmread %2, %0" /* CF or ZF: "below or equal" */
		     : "=r"(value), "=@ccbe"(failed)
		     : "r"((u64)field));
	if (failed)
		vmcs_access_failed("VMREAD", field);
	return value;
}

/* Write a field of this CPU's current VMCS; panics as vmcs_read() does. */
static inline void vmcs_write(enum vmcs_field field, u64 value)
{
	bool failed;

	asm volatile("vmwrite %1, %2"
		     : "=@ccbe"(failed)
		     : "r"(value), "r"((u64)field)
		     : "memory");
	if (failed)
		vmcs_access_failed("VMWRITE", field);
}

#endif
#endif
