/*
 * VM-entry checks on what is no register: is the guest halted, what blocks
 * interrupts, what is pending (SDM 3C 27.3.1.5).
 */
#include "lib/cpu.h"
#include "vmx/check.h"
#include "vmx/events.h"

enum activity {
	ACTIVE,
	HLT,
	SHUTDOWN,
	WAIT_FOR_SIPI
};

#define MISC_ACTIVITY_SHIFT 5 /* IA32_VMX_MISC bit 6 is for state 1 */

#define SHADOW           (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)
#define PENDING_RESERVED 0xfffffffffffeaff0UL /* all but 16, 14, 12, 3:0 */

/* Can @event make a CPU go on that is in @state? */
static bool wakes(u64 event, u64 state)
{
	bool exception = EVENT_TYPE(event) == EVENT_EXCEPTION;
	uint vector = event & EVENT_VECTOR;

	switch (state) {
	case ACTIVE:
		return true;
	case HLT:
		return EVENT_TYPE(event) == EVENT_EXTERNAL ||
		       EVENT_TYPE(event) == EVENT_NMI ||
		       EVENT_TYPE(event) == EVENT_OTHER ||
		       (exception &&
			(vector == VECTOR_DB || vector == VECTOR_MC));
	case SHUTDOWN:
		return EVENT_TYPE(event) == EVENT_NMI ||
		       (exception && vector == VECTOR_MC);
	default:
		return false;
	}
}

static void check_activity(struct vmx_check *check, u64 blocked)
{
	u64 state = READ(GUEST_ACTIVITY), event = READ(ENTRY_EVENT);

	vmx_require(check, VMCS_GUEST_ACTIVITY,
		    state == ACTIVE || (state <= WAIT_FOR_SIPI &&
					(check->caps->misc &
					 BIT(MISC_ACTIVITY_SHIFT + state))),
		    "must be a state that the CPU supports");
	vmx_require(check, VMCS_GUEST_ACTIVITY,
		    state != HLT || (READ(GUEST_SS_AR) >> 5 & 3) == 0,
		    "HLT needs DPL 0 in SS");
	vmx_require(check, VMCS_GUEST_ACTIVITY,
		    state == ACTIVE || !(blocked & SHADOW),
		    "must be active in the shadow of STI or MOV SS");
	vmx_require(check, VMCS_GUEST_ACTIVITY,
		    !(event & EVENT_VALID) || wakes(event, state),
		    "must be a state from which the event wakes the CPU");
}

static void check_blocking(struct vmx_check *check, u64 blocked)
{
	u64 event = READ(ENTRY_EVENT), blocks_nmi = SHADOW;
	uint type = event & EVENT_VALID ? EVENT_TYPE(event) : EVENT_OTHER;

	if (READ(PIN_CONTROLS) & PIN_VIRTUAL_NMI)
		blocks_nmi |= BLOCKED_BY_NMI;
	vmx_require(check, VMCS_GUEST_INTERRUPTIBILITY,
		    !(blocked & ~(SHADOW | BLOCKED_BY_NMI)),
		    "reserved bits, SMI and enclave must be 0");
	vmx_require(check, VMCS_GUEST_INTERRUPTIBILITY,
		    (blocked & SHADOW) != SHADOW,
		    "STI and MOV SS can't both block");
	vmx_require(check, VMCS_GUEST_INTERRUPTIBILITY,
		    !(blocked & BLOCKED_BY_STI) ||
			    (READ(GUEST_RFLAGS) & RFLAGS_IF),
		    "blocking by STI needs RFLAGS.IF");
	vmx_require(check, VMCS_GUEST_INTERRUPTIBILITY,
		    type != EVENT_EXTERNAL || !(blocked & SHADOW),
		    "must not block the interrupt that goes in");
	vmx_require(check, VMCS_GUEST_INTERRUPTIBILITY,
		    type != EVENT_NMI || !(blocked & blocks_nmi),
		    "must not block the NMI that goes in");
}

/* A trap that TF has caused stays pending while it is held back. */
static void check_pending_debug(struct vmx_check *check, u64 blocked)
{
	u64 pending = READ(GUEST_PENDING_DEBUG);
	bool held = (blocked & SHADOW) || READ(GUEST_ACTIVITY) == HLT;
	bool stepping = (READ(GUEST_RFLAGS) & RFLAGS_TF) &&
			!(READ(GUEST_DEBUGCTL) & DEBUGCTL_BTF);

	vmx_require(check, VMCS_GUEST_PENDING_DEBUG,
		    !(pending & PENDING_RESERVED), "reserved bits must be 0");
	vmx_require(check, VMCS_GUEST_PENDING_DEBUG,
		    !held || !!(pending & PENDING_BS) == stepping,
		    "BS must be as RFLAGS.TF says while traps are held back");
}

void vmx_check_run_state(struct vmx_check *check)
{
	u64 blocked = READ(GUEST_INTERRUPTIBILITY), link = READ(LINK_POINTER);

	check->section = "27.3.1.5";
	check_activity(check, blocked);
	check_blocking(check, blocked);
	check_pending_debug(check, blocked);
	vmx_require(check, VMCS_LINK_POINTER,
		    link == ~0UL || (!(link & PAGE_MASK) &&
				     vmx_is_physical(check, link)),
		    "must be all ones, or the address of a page");
}
