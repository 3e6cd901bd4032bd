/*
 * The words in which the rules of VM entry are written: bits of VMCS fields,
 * and what can be so, in the VMCS of a struct vmx_check that is called "check".
 *
 * A segment is its selector, base, limit and access rights (SDM 3C 25.4.1):
 *
 *	16 unusable | 15 G | 14 D/B | 13 L | 12 AVL | 7 P | 6:5 DPL | 4 S | 3:0
 *
 * where 3:0 is the type: bit 0 accessed; bit 3 code, with bit 2 conforming and
 * bit 1 readable.
 */
#ifndef VMENTRY_RULES_H
#define VMENTRY_RULES_H

#include "lib/cpu.h"
#include "vmentry/check.h"

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

#define EPTP_TYPE   7UL
#define EPTP_LEVELS 0x38UL
#define EPTP_OTHER  0xfc0UL /* accessed/dirty and reserved: we set none */

#define EFER_LONG     (EFER_LME | EFER_LMA)
#define PDPTE_PRESENT BIT(0)
#define SHADOW        (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)

#define EVENT_RESERVED    0x7ffff000UL
#define EFER_RESERVED     ~(EFER_SCE | EFER_LONG | EFER_NXE)
#define DEBUGCTL_RESERVED 0xffffffffffff0038UL
#define RFLAGS_RESERVED   0xffffffffffc08028UL /* bits 63:22, 15, 5, 3 */
#define PDPTE_RESERVED    0x1e6UL
#define PENDING_RESERVED  0xfffffffffffeaff0UL /* all but 16, 14, 12, 3:0 */

/* GUEST_ACTIVITY (SDM 3C 25.4.2). */
enum activity {
	ACTIVE,
	HLT,
	SHUTDOWN,
	WAIT_FOR_SIPI
};

/* The guest's segments, as their fields follow each other. */
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

/* Another field; one of segment s. */
#define READ(name)  check->read(VMCS_##name)
#define SELECTOR(s) (VMCS_GUEST_ES_SELECTOR + 2 * (s))
#define BASE(s)     (VMCS_GUEST_ES_BASE + 2 * (s))
#define LIMIT(s)    (VMCS_GUEST_ES_LIMIT + 2 * (s))
#define AR(s)       (VMCS_GUEST_ES_AR + 2 * (s))

/* A CPU without secondary controls acts as if they were 0. */
#define PIN(bit)   (READ(PIN_CONTROLS) & PIN_##bit)
#define PROC(bit)  (READ(PROC_CONTROLS) & PROC_##bit)
#define PROC2(bit) (PROC(SECONDARY) && (READ(PROC2_CONTROLS) & PROC2_##bit))
#define EXIT(bit)  (READ(EXIT_CONTROLS) & EXIT_##bit)
#define ENTRY(bit) (READ(ENTRY_CONTROLS) & ENTRY_##bit)

#define UNRESTRICTED PROC2(UNRESTRICTED_GUEST)
#define IA32E        ENTRY(IA32E)
#define CR0(bit)     (READ(GUEST_CR0) & CR0_##bit)
#define CR4(bit)     (READ(GUEST_CR4) & CR4_##bit)
#define V86          (READ(GUEST_RFLAGS) & RFLAGS_VM)
#define CODE64       (IA32E && (READ(GUEST_CS_AR) & AR_L))
#define CS_IS_DATA   (AR_TYPE(READ(GUEST_CS_AR)) == TYPE_DATA_RW)

/* Does an event go in; is it of this type? */
#define INJECTS       (READ(ENTRY_EVENT) & EVENT_VALID)
#define INJECTS_A(x)  (INJECTS && EVENT_TYPE(READ(ENTRY_EVENT)) == (x))
#define BLOCKED(bits) (READ(GUEST_INTERRUPTIBILITY) & (bits))

#endif
