/*
 * Events into the guest: exceptions that Vellum raises, and those that an exit
 * held up half way.
 *
 * VM entry can deliver one event as its last act (SDM 3C 27.6). Two kinds are
 * put there. A handler may want an exception in the guest: #GP for a bad MSR.
 * Or the exit came while the CPU was delivering something of its own: pushing
 * the frame touched memory that the EPT did not have yet. That event has left
 * its source and will not come again, so we must put it in once more (SDM 3C
 * 28.2.4). Book: chapter 5.
 */
#include "console/printf.h"
#include "vmx/vmx.h"

#define REASON_EXCEPTION     0
#define REASON_EPT_VIOLATION 48

#define EPT_IRET BIT(12) /* qualification: as EVENT_IRET */

#define DR6_CAUSES (DR6_B | BIT(13) | DR6_BS) /* and BD */
#define DR7_GD     BIT(13)                    /* debug registers are guarded */

/*
 * Deliver @event at the next entry. An event ends the shadow of STI or MOV SS
 * (and with the shadow and TF set, the CPU would demand a pending single step:
 * SDM 3C 27.3.1.5).
 */
static void inject_event(u64 event, u32 error)
{
	u64 state = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (state & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   state & ~(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	if (event & EVENT_HAS_ERROR)
		vmcs_write(VMCS_ENTRY_EVENT_ERROR, error);
	vmcs_write(VMCS_ENTRY_EVENT, event | EVENT_VALID);
}

/*
 * All exceptions that we raise are faults: the frame must have RF set, lest
 * an instruction breakpoint hits again on return (SDM 3B 18.3.1.1). Real mode
 * knows no error codes, and the CPU insists on that (SDM 3C 27.2.1.3).
 */
void vmx_inject_exception(struct vcpu *vcpu, uint vector, u32 error)
{
	u64 event = vector | EVENT_OF_TYPE(EVENT_EXCEPTION);

	if ((VECTORS_WITH_ERROR & BIT(vector)) &&
	    (vmcs_read(VMCS_GUEST_CR0) & CR0_PE))
		event |= EVENT_HAS_ERROR;
	vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
	inject_event(event, error);
}

/* Something else is on its way in: then after it (nmi.c). */
void vmx_set_window(const struct vmx_vcpu *vmx, bool open)
{
	vmcs_write(VMCS_PROC_CONTROLS,
		   vmx->proc_controls | (open ? PROC_NMI_WINDOW : 0));
}

bool vmx_inject_machine_check(struct vcpu *vcpu)
{
	if (vmcs_read(VMCS_ENTRY_EVENT) & EVENT_VALID) {
		vmx_set_window(vcpu->backend, true);
		return false;
	}
	vmx_inject_exception(vcpu, VECTOR_MC, 0);
	return true;
}

void vmx_inject_nmi(void)
{
	inject_event(VECTOR_NMI | EVENT_OF_TYPE(EVENT_NMI), 0);
}

void vmx_block_nmi(bool blocked)
{
	u64 state = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	state = blocked ? state | BLOCKED_BY_NMI : state & ~BLOCKED_BY_NMI;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, state);
}

/*
 * An IRET ends the blocking of NMIs early, and may fault after that. It will
 * run again, so it must find NMIs blocked again (SDM 3C 28.2.3).
 */
static bool iret_faulted(u64 reason)
{
	switch (reason) {
	case REASON_EXCEPTION:
		return vmcs_read(VMCS_EXIT_EVENT) & EVENT_IRET;
	case REASON_EPT_VIOLATION:
		return vmcs_read(VMCS_EXIT_QUALIFICATION) & EPT_IRET;
	default:
		return false;
	}
}

void vmx_resume_delivery(u64 reason)
{
	u64 event = vmcs_read(VMCS_IDT_VECTORING);

	if (!(event & EVENT_VALID)) {
		if (iret_faulted(reason))
			vmx_block_nmi(true);
		return;
	}
	/* The NMI blocks NMIs already, but an entry with one must not. */
	if (EVENT_TYPE(event) == EVENT_NMI)
		vmx_block_nmi(false);
	if (EVENT_TYPE(event) >= EVENT_SOFT_INTERRUPT)
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH,
			   vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH));
	inject_event(event & ~EVENT_IRET, vmcs_read(VMCS_IDT_VECTORING_ERROR));
}

/*
 * A #DB that exits leaves the debug registers as they were before; what the
 * exception would have done to them is left to us (SDM 3C 28.1).
 */
static void update_debug_registers(void)
{
	u64 dr6, causes = vmcs_read(VMCS_EXIT_QUALIFICATION);

	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	dr6 = (dr6 & ~DR6_B) | (causes & DR6_CAUSES);
	asm volatile("mov %0, %%dr6" : : "r"(dr6));
	vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~DR7_GD);
	vmcs_write(VMCS_GUEST_DEBUGCTL, vmcs_read(VMCS_GUEST_DEBUGCTL) &
						~(DEBUGCTL_LBR | DEBUGCTL_BTF));
}

/* Nothing can raise IRQ 13 but the CPU's FERR# signal, which needs NE to be 0;
 * and which vector the interrupt controller has for it can't be read. */
static void tell_of_x87_error(void)
{
	static u32 told;

	if (!__atomic_exchange_n(&told, 1, __ATOMIC_RELAXED))
		printf("vmx: an x87 error, which the guest (CR0.NE = 0) "
		       "expects as IRQ 13, comes as exception 16\n");
}

/*
 * If the exception came up while another event was being delivered, that one
 * gives way, as it does in hardware: both of ours are benign (SDM 3A 6.15,
 * #DF).
 */
void vmx_return_exception(void)
{
	u64 event = vmcs_read(VMCS_EXIT_EVENT);

	if ((event & EVENT_VECTOR) == VECTOR_DB &&
	    EVENT_TYPE(event) == EVENT_EXCEPTION)
		update_debug_registers();
	if ((event & EVENT_VECTOR) == VECTOR_MF)
		tell_of_x87_error();
	if (EVENT_TYPE(event) >= EVENT_SOFT_INTERRUPT)
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH,
			   vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH));
	inject_event(event & ~EVENT_IRET, vmcs_read(VMCS_EXIT_EVENT_ERROR));
}

void vmx_clear_events(void)
{
	vmcs_write(VMCS_ENTRY_EVENT, 0);
}
