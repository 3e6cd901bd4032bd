/*
 * The five words of VM-execution, VM-exit and VM-entry controls: their bits
 * (SDM 3C 25.6.1, 25.6.2, 25.7.1, 25.8.1), and which of them we set.
 */
#ifndef VMX_CONTROLS_H
#define VMX_CONTROLS_H

#include "lib/types.h"

/* Pin-based. */
#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PIN_NMI                BIT(3)
#define PIN_VIRTUAL_NMI        BIT(5)
#define PIN_PREEMPTION_TIMER   BIT(6)
#define PIN_POSTED_INTERRUPTS  BIT(7)

/* Primary processor-based. */
#define PROC_INTERRUPT_WINDOW BIT(2)
#define PROC_TSC_OFFSET       BIT(3)
#define PROC_HLT              BIT(7)
#define PROC_INVLPG           BIT(9)
#define PROC_MWAIT            BIT(10)
#define PROC_RDPMC            BIT(11)
#define PROC_RDTSC            BIT(12)
#define PROC_CR3_LOAD         BIT(15)
#define PROC_CR3_STORE        BIT(16)
#define PROC_TERTIARY         BIT(17)
#define PROC_CR8_LOAD         BIT(19)
#define PROC_CR8_STORE        BIT(20)
#define PROC_TPR_SHADOW       BIT(21)
#define PROC_NMI_WINDOW       BIT(22)
#define PROC_MOV_DR           BIT(23)
#define PROC_IO               BIT(24)
#define PROC_IO_BITMAPS       BIT(25)
#define PROC_TRAP_FLAG        BIT(27)
#define PROC_MSR_BITMAPS      BIT(28)
#define PROC_MONITOR          BIT(29)
#define PROC_PAUSE            BIT(30)
#define PROC_SECONDARY        BIT(31)

/* Secondary processor-based. */
#define PROC2_APIC_ACCESS        BIT(0)
#define PROC2_EPT                BIT(1)
#define PROC2_DESCRIPTOR_TABLE   BIT(2)
#define PROC2_RDTSCP             BIT(3)
#define PROC2_X2APIC             BIT(4)
#define PROC2_VPID               BIT(5)
#define PROC2_WBINVD             BIT(6)
#define PROC2_UNRESTRICTED_GUEST BIT(7)
#define PROC2_INVPCID            BIT(12)
#define PROC2_CONCEAL_FROM_PT    BIT(19)
#define PROC2_XSAVES             BIT(20)
#define PROC2_USER_WAIT          BIT(26)
#define PROC2_PCONFIG            BIT(27)

/* VM exit. */
#define EXIT_SAVE_DEBUG      BIT(2)
#define EXIT_HOST_64         BIT(9)
#define EXIT_ACK_INTERRUPT   BIT(15)
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

enum vmx_control {
	CONTROL_PIN,
	CONTROL_PROC,
	CONTROL_PROC2,
	CONTROL_EXIT,
	CONTROL_ENTRY,
	CONTROLS,
};

/* What the CPU allows in one control word (SDM 3D A.3 to A.5). */
struct vmx_allowed {
	u32 zero; /* bits that must be 1: their 0-setting is not allowed */
	u32 one;  /* bits that may be 1 */
};

struct vmx_caps;

/*
 * Choose the value of control word @which on a CPU with @caps: what we need,
 * what we like to have where it is allowed, and what the CPU insists on. Sound
 * only after vmx_check_caps() has passed @caps.
 */
u32 vmx_choose_control(const struct vmx_caps *caps, enum vmx_control which);

struct need;

/*
 * How many settings are there that we can't do without; and the @i-th of them:
 * does it stand on a CPU with @caps?
 */
uint vmx_control_needs(void);
void vmx_control_need(const struct vmx_caps *caps, uint i, struct need *need);

#endif
