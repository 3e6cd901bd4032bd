/*
 * VM-entry checks on the event to inject (SDM 3C 27.2.1.3).
 */
#include "vmx/check.h"
#include "vmx/events.h"

#define RESERVED 0x7ffff000UL

static bool vector_fits(uint type, uint vector)
{
	switch (type) {
	case EVENT_NMI:
		return vector == VECTOR_NMI;
	case EVENT_EXCEPTION:
		return vector < 32;
	case EVENT_OTHER: /* a monitor trap */
		return vector == 0;
	default:
		return true;
	}
}

/* CPUs with CET leave the choice, in protected mode (SDM 3D A.1). */
static bool error_code_fits(struct vmx_check *check, u64 event)
{
	uint vector = event & EVENT_VECTOR;
	bool exception = EVENT_TYPE(event) == EVENT_EXCEPTION;
	bool protected = READ(GUEST_CR0) & CR0_PE;
	bool expected = exception && protected && vector < 32 &&
			(VECTORS_WITH_ERROR & BIT(vector));

	if ((check->caps->basic & BASIC_ANY_ERROR) && exception && protected)
		return true;
	return (bool)(event & EVENT_HAS_ERROR) == expected;
}

void vmx_check_event(struct vmx_check *check)
{
	u64 event = READ(ENTRY_EVENT);
	uint type = EVENT_TYPE(event);

	if (!(event & EVENT_VALID))
		return;
	check->section = "27.2.1.3";
	vmx_require(check, VMCS_ENTRY_EVENT, !(event & RESERVED),
		    "bits 30:12 must be 0");
	vmx_require(check, VMCS_ENTRY_EVENT, type != 1, "type 1 is reserved");
	vmx_require(check, VMCS_ENTRY_EVENT,
		    vector_fits(type, event & EVENT_VECTOR),
		    "the vector must be 2 for an NMI, < 32 for an exception");
	vmx_require(check, VMCS_ENTRY_EVENT, error_code_fits(check, event),
		    "bit 11 must be 1 exactly for exceptions that push an "
		    "error code, in protected mode");
	vmx_require(check, VMCS_ENTRY_EVENT_ERROR,
		    !(event & EVENT_HAS_ERROR) ||
			    !(READ(ENTRY_EVENT_ERROR) >> 16),
		    "bits 31:16 must be 0");
	if (type >= EVENT_SOFT_INTERRUPT && type != EVENT_OTHER)
		vmx_require(check, VMCS_ENTRY_INSTRUCTION_LENGTH,
			    READ(ENTRY_INSTRUCTION_LENGTH) <= 15,
			    "must be at most 15");
}
