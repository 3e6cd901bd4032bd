/*
 * The VM-entry checker: good states pass, and each field that is broken is
 * named.
 */
#include "host.h"
#include "lib/cpu.h"
#include "vmentry/check.h"
#include "vmx/test/good_caps.h"

#define FIELDS (VMCS_HOST_RIP + 1)

static u64 vmcs[FIELDS];
static struct vmx_caps caps;

static u64 read_field(enum vmcs_field field)
{
	return vmcs[field];
}

static void ignore(struct vmx_check *check,
		   const struct vmx_broken_rule *broken)
{
}

static struct vmx_check run_check(void)
{
	struct vmx_check check = {
		.read = read_field,
		.caps = &caps,
		.report = ignore,
	};

	vmx_check_entry(&check);
	return check;
}

static void set_segment(uint s, u64 selector, u64 base, u64 limit, u64 ar)
{
	vmcs[VMCS_GUEST_ES_SELECTOR + 2 * s] = selector;
	vmcs[VMCS_GUEST_ES_BASE + 2 * s] = base;
	vmcs[VMCS_GUEST_ES_LIMIT + 2 * s] = limit;
	vmcs[VMCS_GUEST_ES_AR + 2 * s] = ar;
}

static void set_host(void)
{
	vmcs[VMCS_HOST_CR0] = 0x80010033;
	vmcs[VMCS_HOST_CR3] = 0x17c48000;
	vmcs[VMCS_HOST_CR4] = CR4_PAE | CR4_VMXE;
	vmcs[VMCS_HOST_EFER] = EFER_LME | EFER_LMA | EFER_NXE;
	vmcs[VMCS_HOST_PAT] = 0x0007040600070406;
	vmcs[VMCS_HOST_CS_SELECTOR] = 8;
	vmcs[VMCS_HOST_TR_SELECTOR] = 0x18;
	vmcs[VMCS_HOST_RIP] = 0x40001000;
}

static void set_controls(void)
{
	static const enum vmcs_field field[CONTROLS] = {
		[CONTROL_PIN] = VMCS_PIN_CONTROLS,
		[CONTROL_PROC] = VMCS_PROC_CONTROLS,
		[CONTROL_PROC2] = VMCS_PROC2_CONTROLS,
		[CONTROL_EXIT] = VMCS_EXIT_CONTROLS,
		[CONTROL_ENTRY] = VMCS_ENTRY_CONTROLS,
	};

	for (enum vmx_control w = 0; w < CONTROLS; w++)
		vmcs[field[w]] = vmx_choose_control(&caps, w);
	vmcs[VMCS_VPID] = 1;
	vmcs[VMCS_EPT_POINTER] = 0x1000 | 3 << 3 | 6;
	vmcs[VMCS_LINK_POINTER] = ~0UL;
}

/* As after INIT. */
static int set_real_mode(void **state)
{
	memset(vmcs, 0, sizeof(vmcs));
	caps = good_caps();
	set_controls();
	set_host();
	for (uint s = 0; s < 6; s++)
		set_segment(s, 0, 0, 0xffff, 0x93);
	set_segment(6, 0, 0, 0xffff, 0x82);
	set_segment(7, 0, 0, 0xffff, 0x8b);
	vmcs[VMCS_GUEST_CR0] = CR0_CD | CR0_NW | CR0_ET | CR0_NE;
	vmcs[VMCS_GUEST_CR4] = CR4_VMXE;
	vmcs[VMCS_GUEST_PAT] = 0x0007040600070406;
	vmcs[VMCS_GUEST_RFLAGS] = 2;
	vmcs[VMCS_GUEST_RIP] = 0xfff0;
	vmcs[VMCS_GUEST_DR7] = 0x400;
	return 0;
}

/* A 64-bit kernel. */
static int set_long_mode(void **state)
{
	set_real_mode(state);
	vmcs[VMCS_ENTRY_CONTROLS] |= ENTRY_IA32E;
	vmcs[VMCS_GUEST_CR0] = 0x80050033;
	vmcs[VMCS_GUEST_CR4] = CR4_VMXE | CR4_PAE;
	vmcs[VMCS_GUEST_EFER] = EFER_LME | EFER_LMA | EFER_SCE;
	vmcs[VMCS_GUEST_RIP] = 0xffffffff81000000;
	for (uint s = 0; s < 6; s++)
		set_segment(s, 0, 0, 0, 0x10000);
	set_segment(1, 0x10, 0, 0xffffffff, 0xa09b);
	set_segment(2, 0x18, 0, 0xffffffff, 0xc093);
	set_segment(7, 0x40, 0xfffffe0000003000, 0x206f, 0x8b);
	return 0;
}

static int set_virtual_8086(void **state)
{
	set_real_mode(state);
	vmcs[VMCS_GUEST_CR0] |= CR0_PE;
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_VM;
	for (uint s = 0; s < 6; s++)
		set_segment(s, 0x1000, 0x10000, 0xffff, 0xf3);
	return 0;
}

static void a_good_state_breaks_no_rule(void **state)
{
	struct vmx_check check = run_check();

	if (check.count)
		fail_msg("%s: %s (%s)", vmcs_field_name(check.first.field),
			 check.first.rule, check.first.section);
}

/* With @value in @field, the first complaint must be about @field. */
static void expect_named(enum vmcs_field field, u64 value, const char *section)
{
	u64 good = vmcs[field];
	struct vmx_check check;

	vmcs[field] = value;
	check = run_check();
	vmcs[field] = good;
	if (!check.count)
		fail_msg("%s = 0x%lx passes", vmcs_field_name(field), value);
	if (check.first.field != field)
		fail_msg("%s = 0x%lx: %s is named: %s", vmcs_field_name(field),
			 value, vmcs_field_name(check.first.field),
			 check.first.rule);
	assert_int_equal(check.first.value, value);
	assert_string_equal(check.first.section, section);
}

#define VMCS(x) VMCS_##x

static void broken_controls_are_named(void **state)
{
	expect_named(VMCS(PIN_CONTROLS), 0, "27.2.1.1");
	expect_named(VMCS(PROC_CONTROLS), ~0U, "27.2.1.1");
	expect_named(VMCS(PROC2_CONTROLS), ~0U, "27.2.1.1");
	expect_named(VMCS(EXIT_CONTROLS), 0, "27.2.1.2");
	expect_named(VMCS(ENTRY_CONTROLS), 0, "27.2.1.3");
	expect_named(VMCS(MSR_BITMAP), 0x10, "27.2.1.1");
	expect_named(VMCS(EPT_POINTER), 0, "27.2.1.1");
	expect_named(VMCS(EPT_POINTER), 0x109e, "27.2.1.1");
	expect_named(VMCS(VPID), 0, "27.2.1.1");
	expect_named(VMCS(CR3_TARGET_COUNT), 5, "27.2.1.1");
}

static void io_bitmaps_have_rules_when_in_use(void **state)
{
	vmcs[VMCS_IO_BITMAP_B] = 0x10;
	assert_int_equal(run_check().count, 0);
	vmcs[VMCS_PROC_CONTROLS] |= PROC_IO_BITMAPS;
	expect_named(VMCS(IO_BITMAP_B), 0x10, "27.2.1.1");
	vmcs[VMCS_IO_BITMAP_B] = 0;
	expect_named(VMCS(IO_BITMAP_A), 0x10, "27.2.1.1");
}

static void broken_events_are_named(void **state)
{
	expect_named(VMCS(ENTRY_EVENT), 0x80000100, "27.2.1.3");
	expect_named(VMCS(ENTRY_EVENT), 0x80000203, "27.2.1.3");
	expect_named(VMCS(ENTRY_EVENT), 0x80000320, "27.2.1.3");
	expect_named(VMCS(ENTRY_EVENT), 0x80001306, "27.2.1.3");
	/* No error codes in real mode. */
	expect_named(VMCS(ENTRY_EVENT), 0x80000b0d, "27.2.1.3");
}

static void an_exception_needs_its_error_code(void **state)
{
	expect_named(VMCS(ENTRY_EVENT), 0x8000030d, "27.2.1.3");
	expect_named(VMCS(ENTRY_EVENT), 0x80000b06, "27.2.1.3");
	vmcs[VMCS_ENTRY_EVENT] = 0x80000b0d;
	a_good_state_breaks_no_rule(state);
	expect_named(VMCS(ENTRY_EVENT_ERROR), 0x10000, "27.2.1.3");
}

static void a_broken_host_is_named(void **state)
{
	u64 far = 0x8000000000000000, wide = 1UL << 40;

	expect_named(VMCS(HOST_CR0), 0x80000001, "27.2.2");
	expect_named(VMCS(HOST_CR3), wide, "27.2.2");
	expect_named(VMCS(HOST_CR4), CR4_PAE, "27.2.2");
	expect_named(VMCS(HOST_CR4), CR4_VMXE, "27.2.4");
	expect_named(VMCS(HOST_EFER), 0, "27.2.2");
	expect_named(VMCS(HOST_PAT), 2, "27.2.2");
	expect_named(VMCS(HOST_CS_SELECTOR), 0, "27.2.3");
	expect_named(VMCS(HOST_CS_SELECTOR), 0xb, "27.2.3");
	expect_named(VMCS(HOST_SS_SELECTOR), 0x14, "27.2.3");
	expect_named(VMCS(HOST_TR_SELECTOR), 0, "27.2.3");
	expect_named(VMCS(HOST_GS_BASE), far, "27.2.3");
	expect_named(VMCS(HOST_TR_BASE), far, "27.2.3");
	expect_named(VMCS(HOST_IDTR_BASE), far, "27.2.3");
	expect_named(VMCS(HOST_SYSENTER_EIP), far, "27.2.2");
	expect_named(VMCS(HOST_RIP), far, "27.2.4");
}

static void a_broken_real_mode_guest_is_named(void **state)
{
	expect_named(VMCS(GUEST_CR0), CR0_NE | CR0_PG, "27.3.1.1");
	expect_named(VMCS(GUEST_CR0), 0, "27.3.1.1");
	expect_named(VMCS(GUEST_CR4), 0, "27.3.1.1");
	expect_named(VMCS(GUEST_CR4), CR4_VMXE | CR4_PCIDE, "27.3.1.1");
	expect_named(VMCS(GUEST_EFER), EFER_LMA, "27.3.1.1");
	expect_named(VMCS(GUEST_DR7), 1UL << 32, "27.3.1.1");
	expect_named(VMCS(GUEST_CS_AR), 0x13, "27.3.1.2");
	expect_named(VMCS(GUEST_CS_AR), 0x20093, "27.3.1.2");
	expect_named(VMCS(GUEST_SS_AR), 0xf3, "27.3.1.2");
}

static void a_broken_system_segment_is_named(void **state)
{
	expect_named(VMCS(GUEST_TR_AR), 0x1008b, "27.3.1.2");
	expect_named(VMCS(GUEST_TR_AR), 0x89, "27.3.1.2");
	expect_named(VMCS(GUEST_TR_AR), 0x0b, "27.3.1.2");
	expect_named(VMCS(GUEST_TR_SELECTOR), 4, "27.3.1.2");
	expect_named(VMCS(GUEST_LDTR_AR), 0x83, "27.3.1.2");
	expect_named(VMCS(GUEST_GDTR_LIMIT), 0x10000, "27.3.1.3");
	expect_named(VMCS(GUEST_IDTR_BASE), 1UL << 63, "27.3.1.3");
}

static void a_broken_long_mode_guest_is_named(void **state)
{
	expect_named(VMCS(GUEST_CR0), 0x80050031 & ~CR0_PG, "27.3.1.1");
	expect_named(VMCS(GUEST_CR4), CR4_VMXE, "27.3.1.1");
	expect_named(VMCS(GUEST_CR3), 1UL << 40, "27.3.1.1");
	expect_named(VMCS(GUEST_EFER), 0, "27.3.1.1");
	expect_named(VMCS(GUEST_CS_AR), 0xe09b, "27.3.1.2");
	expect_named(VMCS(GUEST_CS_AR), 0xa0fb, "27.3.1.2");
	expect_named(VMCS(GUEST_SS_AR), 0xc091, "27.3.1.2");
	expect_named(VMCS(GUEST_DS_AR), 0xc092, "27.3.1.2");
	expect_named(VMCS(GUEST_FS_BASE), 1UL << 63, "27.3.1.2");
	expect_named(VMCS(GUEST_TR_AR), 0x83, "27.3.1.2");
	expect_named(VMCS(GUEST_RIP), 1UL << 63, "27.3.1.4");
	expect_named(VMCS(GUEST_RFLAGS), RFLAGS_VM | 2, "27.3.1.4");
}

static void broken_flags_and_states_are_named(void **state)
{
	expect_named(VMCS(GUEST_RFLAGS), 0, "27.3.1.4");
	expect_named(VMCS(GUEST_RFLAGS), 0x22, "27.3.1.4");
	expect_named(VMCS(GUEST_ACTIVITY), 7, "27.3.1.5");
	expect_named(VMCS(GUEST_INTERRUPTIBILITY), 1, "27.3.1.5");
	expect_named(VMCS(GUEST_INTERRUPTIBILITY), 3, "27.3.1.5");
	expect_named(VMCS(GUEST_INTERRUPTIBILITY), 4, "27.3.1.5");
	expect_named(VMCS(GUEST_PENDING_DEBUG), 1 << 5, "27.3.1.5");
	expect_named(VMCS(LINK_POINTER), 0x123, "27.3.1.5");
}

static void a_blocked_nmi_cant_go_in(void **state)
{
	vmcs[VMCS_ENTRY_EVENT] = 0x80000202;
	a_good_state_breaks_no_rule(state);
	expect_named(VMCS(GUEST_INTERRUPTIBILITY), 8, "27.3.1.5");
	expect_named(VMCS(GUEST_INTERRUPTIBILITY), 2, "27.3.1.5");
}

static void a_single_step_must_not_get_lost(void **state)
{
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_TF | RFLAGS_IF;
	vmcs[VMCS_GUEST_INTERRUPTIBILITY] = 1;
	vmcs[VMCS_GUEST_PENDING_DEBUG] = BIT(14);
	a_good_state_breaks_no_rule(state);
	expect_named(VMCS(GUEST_PENDING_DEBUG), 0, "27.3.1.5");
}

static void bad_pdptes_are_named_with_pae_paging(void **state)
{
	vmcs[VMCS_GUEST_CR0] |= CR0_PE | CR0_PG;
	vmcs[VMCS_GUEST_CR4] |= CR4_PAE;
	a_good_state_breaks_no_rule(state);
	expect_named(VMCS(GUEST_PDPTE3), 7, "27.3.1.6");
	expect_named(VMCS(GUEST_PDPTE1), 1UL << 50 | 1, "27.3.1.6");
}

static void virtual_8086_segments_have_rules_of_their_own(void **state)
{
	a_good_state_breaks_no_rule(state);
	expect_named(VMCS(GUEST_SS_BASE), 0, "27.3.1.2");
	expect_named(VMCS(GUEST_DS_LIMIT), 0xfffff, "27.3.1.2");
	expect_named(VMCS(GUEST_GS_AR), 0x93, "27.3.1.2");
}

#define REAL(test) cmocka_unit_test_setup(test, set_real_mode)
#define LONG(test) cmocka_unit_test_setup(test, set_long_mode)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REAL(a_good_state_breaks_no_rule),
		LONG(a_good_state_breaks_no_rule),
		REAL(broken_controls_are_named),
		REAL(io_bitmaps_have_rules_when_in_use),
		REAL(broken_events_are_named),
		LONG(an_exception_needs_its_error_code),
		REAL(a_broken_host_is_named),
		LONG(a_broken_host_is_named),
		REAL(a_broken_real_mode_guest_is_named),
		REAL(a_broken_system_segment_is_named),
		LONG(a_broken_long_mode_guest_is_named),
		REAL(broken_flags_and_states_are_named),
		REAL(a_blocked_nmi_cant_go_in),
		LONG(a_blocked_nmi_cant_go_in),
		REAL(a_single_step_must_not_get_lost),
		REAL(bad_pdptes_are_named_with_pae_paging),
		cmocka_unit_test_setup(
			virtual_8086_segments_have_rules_of_their_own,
			set_virtual_8086),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
