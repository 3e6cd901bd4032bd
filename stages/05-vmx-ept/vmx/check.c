/*
 * Going through the rules of VM entry, in the order in which the CPU does. The
 * rules are in check_*.c.
 */
#include "vmx/check.h"

#include "lib/cpu.h"

void vmx_require(struct vmx_check *check, enum vmcs_field field, bool holds,
		 const char *rule)
{
	struct vmx_broken_rule broken = {check->section, field, 0, rule};

	if (holds)
		return;
	broken.value = check->read(field);
	if (!check->count++)
		check->first = broken;
	check->report(check, &broken);
}

/* The width is that of our own mode: entries happen in it. */
void vmx_require_canonical(struct vmx_check *check, enum vmcs_field field)
{
	uint unused = READ(HOST_CR4) & CR4_LA57 ? 64 - 57 : 64 - 48;
	u64 address = check->read(field);

	vmx_require(check, field,
		    (u64)((s64)(address << unused) >> unused) == address,
		    "must be a canonical address");
}

bool vmx_is_physical(const struct vmx_check *check, u64 address)
{
	return address >> check->caps->physical_bits == 0;
}

void vmx_require_physical(struct vmx_check *check, enum vmcs_field field)
{
	vmx_require(check, field, vmx_is_physical(check, check->read(field)),
		    "must be within the physical-address width");
}

void vmx_require_pat(struct vmx_check *check, enum vmcs_field field)
{
	u64 pat = check->read(field);
	bool good = true;

	for (uint i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			good = false;
	vmx_require(check, field, good, "each byte must be 0, 1, 4, 5, 6 or 7");
}

void vmx_check_entry(struct vmx_check *check)
{
	vmx_check_controls(check);
	vmx_check_event(check);
	vmx_check_host(check);
	vmx_check_guest(check);
	vmx_check_segments(check);
	vmx_check_run_state(check);
}
