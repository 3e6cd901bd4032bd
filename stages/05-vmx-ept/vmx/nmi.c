/*
 * Non-maskable interrupts.
 *
 * An NMI is the guest's, but it must not enter the guest behind our back: NMI
 * is also how Vellum's own CPUs will call each other. So NMIs exit ("NMI
 * exiting"), and "virtual NMIs" lets the CPU keep the guest's blocking apart:
 *
 *	NMI exit ------> guest blocks NMIs? --no--> inject at the next entry
 *	NMI in Vellum -/        | yes
 *				v
 *		      NMI-window exiting: exit as soon as the guest can take
 *		      one, then inject
 *
 * As in hardware, one NMI can wait; a second one while it waits is lost.
 *
 * An NMI can come at any instruction of ours, also between the last look at
 * nmi_waits and the entry. Its handler therefore opens the window itself, in
 * the VMCS, and then nothing can be missed. The other writer, set_window(),
 * never reads the control word, so nothing that the handler wrote gets written
 * back from an older copy; and it looks again after it wrote. Book: chapter 5.
 */
#include "lib/percpu.h"
#include "paging/gdt.h"
#include "paging/trap.h"
#include "vmx/vmx.h"

/* Whose VMCS is current on this CPU; NULL: it has no guest. */
static PERCPU(struct vmx_vcpu *, nmi_target);

/* An NMI waits for the guest. Set by NMI exits and by the handler below. */
static PERCPU(bool, nmi_waits);

static bool nmi_is_waiting(void)
{
	return __atomic_load_n(this_cpu(nmi_waits), __ATOMIC_SEQ_CST);
}

static void set_nmi_waiting(bool waiting)
{
	__atomic_store_n(this_cpu(nmi_waits), waiting, __ATOMIC_SEQ_CST);
}

static void set_window(const struct vmx_vcpu *vmx)
{
	bool open;

	do {
		open = nmi_is_waiting();
		vmx_set_window(vmx, open);
	} while (open != nmi_is_waiting());
}

/* The handler below uses the new controls, or set_window() repairs it. */
void vmx_add_proc_controls(struct vmx_vcpu *vmx, u32 controls)
{
	vmx->proc_controls |= controls;
	set_window(vmx);
}

/* An NMI while the CPU ran Vellum: it is the guest's all the same, where this
 * CPU has one. */
void vmx_nmi_in_host(void)
{
	const struct vmx_vcpu *vmx = *this_cpu(nmi_target);

	if (!vmx)
		return;
	set_nmi_waiting(true);
	vmx_set_window(vmx, true);
}

/*
 * Can the next entry inject an NMI (SDM 3C 27.3.1.5)? Blocking by STI is no
 * obstacle: an NMI ends it. An event that is on its way in already comes
 * first.
 */
static bool guest_can_take_nmi(void)
{
	u64 blocked = BLOCKED_BY_NMI | BLOCKED_BY_MOV_SS;

	if (vmcs_read(VMCS_ENTRY_EVENT) & EVENT_VALID)
		return false;
	return !(vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & blocked);
}

static void deliver_waiting_nmi(const struct vmx_vcpu *vmx)
{
	if (nmi_is_waiting() && guest_can_take_nmi()) {
		set_nmi_waiting(false);
		vmx_inject_nmi();
	}
	set_window(vmx);
}

/*
 * The CPU holds back further NMIs after one that caused an exit, until an IRET
 * (SDM 3C 28.5.5). Execute one, to the next instruction.
 */
static void unblock_host_nmi(void)
{
	u64 scratch;

	asm volatile("mov %%rsp, %0\n\t"
		     "pushq %1\n\t"
		     "push %0\n\t"
		     "pushfq\n\t"
		     "pushq %2\n\t"
		     "lea 1f(%%rip), %0\n\t"
		     "push %0\n\t"
		     "iretq\n"
		     "1:"
		     : "=&r"(scratch)
		     : "i"(SEL_DATA), "i"(SEL_CODE)
		     : "memory", "cc");
}

/* Before the state is touched by a call: it may start the guest anew. */
void vmx_end_nmi(struct vcpu *vcpu)
{
	unblock_host_nmi();
}

void vmx_stop_entry(struct trap_frame *frame)
{
	if (frame->rip >= (u64)vmx_enter_begins &&
	    frame->rip < (u64)vmx_enter_ends)
		frame->rip = (u64)vmx_enter_stop;
}

/* Unblock last: a second NMI must find the first one gone. */
void vmx_nmi(struct vcpu *vcpu, const struct vm_exit *exit)
{
	set_nmi_waiting(true);
	deliver_waiting_nmi(vcpu->backend);
	unblock_host_nmi();
}

void vmx_nmi_window(struct vcpu *vcpu, const struct vm_exit *exit)
{
	deliver_waiting_nmi(vcpu->backend);
}

/* None waits: it was for the CPU before its reset. The window closes with the
 * next entry. */
void vmx_nmi_reset(void)
{
	set_nmi_waiting(false);
}

void vmx_nmi_init(struct vmx_vcpu *vmx)
{
	*this_cpu(nmi_target) = vmx;
}
