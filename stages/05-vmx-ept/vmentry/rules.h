/*
 * The words in which the rules of VM entry are written: bits of VMCS fields,
 * and what can be so, in the VMCS of a struct vmx_check that is called "check".
 */
#ifndef VMENTRY_RULES_H
#define VMENTRY_RULES_H

#include "lib/cpu.h"
#include "vmentry/check.h"

#define EPTP_TYPE   7UL
#define EPTP_LEVELS 0x38UL
#define EPTP_OTHER  0xfc0UL /* accessed/dirty and reserved: we set none */

#define EFER_LONG (EFER_LME | EFER_LMA)
#define SHADOW    (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)

#define EVENT_RESERVED    0x7ffff000UL
#define EFER_RESERVED     ~(EFER_SCE | EFER_LONG | EFER_NXE)
#define DEBUGCTL_RESERVED 0xffffffffffff0038UL
#define RFLAGS_RESERVED   0xffffffffffc08028UL /* bits 63:22, 15, 5, 3 */
#define PENDING_RESERVED  0xfffffffffffeaff0UL /* all but 16, 14, 12, 3:0 */

/* GUEST_ACTIVITY (SDM 3C 25.4.2). */
enum activity {
	ACTIVE,
	HLT,
	SHUTDOWN,
	WAIT_FOR_SIPI
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
