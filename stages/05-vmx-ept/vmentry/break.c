/*
 * Breaking a VMCS field on purpose, in test builds: break-vmcs=FIELD on the
 * command line. A boot test then sees whether the checker names the field.
 */
#include "boot/settings.h"
#include "vmentry/check.h"

#ifdef VELLUM_TEST

static const struct {
	const char *name;
	enum vmcs_field field;
	u64 value;
} breakable[] = {
	{"guest_cs_ar", VMCS_GUEST_CS_AR, 0x13},       /* not present */
	{"guest_rflags", VMCS_GUEST_RFLAGS, 0},        /* bit 1 is 0 */
	{"guest_tr_ar", VMCS_GUEST_TR_AR, 0x1008b},    /* unusable */
	{"guest_cr0", VMCS_GUEST_CR0, 0x80000030},     /* PG without PE */
	{"guest_activity", VMCS_GUEST_ACTIVITY, 7},    /* no such state */
	{"link_pointer", VMCS_LINK_POINTER, 0x123},    /* not aligned */
	{"host_tr", VMCS_HOST_TR_SELECTOR, 0},         /* null */
	{"host_cs", VMCS_HOST_CS_SELECTOR, 0xb},       /* RPL is 3 */
	{"host_cr4", VMCS_HOST_CR4, 0},                /* no VMXE */
	{"pin_controls", VMCS_PIN_CONTROLS, 0},        /* reserved bits 0 */
	{"ept_pointer", VMCS_EPT_POINTER, 0},          /* no levels */
	{"entry_event", VMCS_ENTRY_EVENT, 0x80000103}, /* type 1 */
};

static const char *break_choice(uint i)
{
	return i < ARRAY_SIZE(breakable) ? breakable[i].name : NULL;
}

SETTING(break_setting, .name = "break-vmcs", .type = &choice_type,
	.choice = break_choice,
	.help = "write nonsense to this field of the VMCS (TEST=1)");

void vmx_break_vmcs(void)
{
	int i = setting_choice(&break_setting);

	if (i >= 0)
		vmcs_write(breakable[i].field, breakable[i].value);
}

#else

void vmx_break_vmcs(void)
{
}

#endif
