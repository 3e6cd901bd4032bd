/*
 * Names of VMCS fields, for messages.
 */
#include "vmx/vmcs.h"

#include "console/panic.h"

static const struct {
	u16 number;
	const char *name;
} fields[] = {
#define X(name, number) {number, #name},
	VMCS_FIELDS(X)
#undef X
};

const char *vmcs_field_name(enum vmcs_field field)
{
	for (uint i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].number == field)
			return fields[i].name;
	return "?";
}

void vmcs_access_failed(const char *instruction, enum vmcs_field field)
{
	panic("%s of VMCS field %s (0x%x) failed", instruction,
	      vmcs_field_name(field), field);
}
