/*
 * Interrupts, exceptions and NMIs on their way into the guest.
 */
#ifndef VMX_EVENTS_H
#define VMX_EVENTS_H

#include "lib/cpu.h"
#include "vmx/vmx.h"

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
#define VECTORS_WITH_ERROR                                               \
	(BIT(VECTOR_DF) | BIT(10) | BIT(11) | BIT(12) | BIT(VECTOR_GP) | \
	 BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(21))

/* GUEST_INTERRUPTIBILITY (SDM 3C 25.4.2). */
#define BLOCKED_BY_STI    BIT(0)
#define BLOCKED_BY_MOV_SS BIT(1)
#define BLOCKED_BY_SMI    BIT(2)
#define BLOCKED_BY_NMI    BIT(3)

/* GUEST_PENDING_DEBUG: a single step was due. */
#define PENDING_BS BIT(14)

#define DEBUGCTL_LBR BIT(0)
#define DEBUGCTL_BTF BIT(1) /* single-step on branches */

/*
 * #DB and #AC exit so that we can put them in ourselves. A guest can make the
 * delivery of either raise the same exception again, for ever; in hardware no
 * NMI, and so nothing of ours, would ever get in between.
 */
#define VMX_EXITING_EXCEPTIONS (BIT(VECTOR_DB) | BIT(VECTOR_AC))

/* vmx_ops.inject_exception. */
void vmx_inject_exception(struct vcpu *vcpu, uint vector, u32 error);

/* Deliver an NMI at the next entry; the guest must be able to take one. */
void vmx_inject_nmi(void);

/*
 * After any exit: the event that was being delivered when the exit came, if
 * any, goes in again at the next entry; and an IRET that faulted has its NMI
 * blocking back.
 */
void vmx_resume_delivery(u64 reason);

/* The exit was for one of VMX_EXITING_EXCEPTIONS: give it to the guest. */
void vmx_return_exception(void);

/* Nothing goes in at the next entry. */
void vmx_clear_events(void);

/*
 * NMIs (nmi.c). vmx_nmi_init() tells this CPU whose NMIs it takes from now on;
 * the last two are vmx_ops.nmi and .nmi_window.
 */
void vmx_nmi_init(struct vmx_vcpu *vmx);
void vmx_nmi_reset(void);
/* Set more of the primary controls; after set-up only nmi.c
 * writes that field. */
void vmx_add_proc_controls(struct vmx_vcpu *vmx, u32 controls);
void vmx_nmi(struct vcpu *vcpu, const struct vm_exit *exit);
void vmx_end_nmi(struct vcpu *vcpu);
bool vmx_nmi_in_host(struct trap_frame *frame);
void vmx_stop_entry(struct trap_frame *frame);
void vmx_nmi_window(struct vcpu *vcpu, const struct vm_exit *exit);

#endif
