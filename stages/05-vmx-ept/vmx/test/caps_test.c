/*
 * CPUs that lack something, and what is said of them; and the controls that
 * are chosen.
 */
#include "host.h"
#include "vmx/test/good_caps.h"

static void expect_refused(const struct vmx_caps *caps, const char *text)
{
	const char *why = NULL;

	assert_int_equal(vmx_check_caps(caps, &why), -ENODEV);
	assert_non_null(why);
	if (!strstr(why, text))
		fail_msg("\"%s\" does not say \"%s\"", why, text);
}

static void expect_accepted(const struct vmx_caps *caps)
{
	const char *why = "x";

	assert_int_equal(vmx_check_caps(caps, &why), 0);
	assert_null(why);
}

static void a_good_cpu_is_accepted(void **state)
{
	struct vmx_caps caps = good_caps();

	expect_accepted(&caps);
}

static void another_vendors_cpu_is_no_failure(void **state)
{
	struct vmx_caps caps = {0};
	const char *why = "x";

	assert_int_equal(vmx_check_caps(&caps, &why), -ENODEV);
	assert_null(why);
}

static void intel_without_vmx_is_named(void **state)
{
	struct vmx_caps caps = {.intel = true};

	expect_refused(&caps, "no VMX");
}

static void a_lock_without_vmx_names_the_firmware_setting(void **state)
{
	struct vmx_caps caps = good_caps();

	caps.feature_control = FEATURE_LOCKED;
	expect_refused(&caps, "enable Intel Virtualization Technology (VT-x) "
			      "in the firmware set-up");
	caps.feature_control = FEATURE_LOCKED | FEATURE_VMX_SMX;
	expect_refused(&caps, "firmware set-up");
}

static void no_lock_is_no_obstacle(void **state)
{
	struct vmx_caps caps = good_caps();

	caps.feature_control = 0;
	expect_accepted(&caps);
}

static void every_missing_control_is_named(void **state)
{
	static const struct {
		enum vmx_control which;
		u32 bit;
		const char *name;
	} needs[] = {
		{CONTROL_PIN, PIN_NMI, "NMI exiting"},
		{CONTROL_PIN, PIN_VIRTUAL_NMI, "virtual NMIs"},
		{CONTROL_PROC, PROC_NMI_WINDOW, "NMI-window"},
		{CONTROL_PROC, PROC_MSR_BITMAPS, "MSR bitmaps"},
		{CONTROL_PROC, PROC_SECONDARY, "secondary controls"},
		{CONTROL_PROC2, PROC2_EPT, "extended page tables"},
		{CONTROL_PROC2, PROC2_UNRESTRICTED_GUEST, "unrestricted guest"},
		{CONTROL_EXIT, EXIT_HOST_64, "host address-space size"},
		{CONTROL_EXIT, EXIT_SAVE_PAT, "save IA32_PAT"},
		{CONTROL_EXIT, EXIT_LOAD_PAT, "load IA32_PAT"},
		{CONTROL_EXIT, EXIT_SAVE_EFER, "save IA32_EFER"},
		{CONTROL_EXIT, EXIT_LOAD_EFER, "load IA32_EFER"},
		{CONTROL_EXIT, EXIT_SAVE_DEBUG, "save debug controls"},
		{CONTROL_ENTRY, ENTRY_IA32E, "IA-32e mode guest"},
		{CONTROL_ENTRY, ENTRY_LOAD_PAT, "load IA32_PAT"},
		{CONTROL_ENTRY, ENTRY_LOAD_EFER, "load IA32_EFER"},
		{CONTROL_ENTRY, ENTRY_LOAD_DEBUG, "load debug controls"},
	};

	for (uint i = 0; i < ARRAY_SIZE(needs); i++) {
		struct vmx_caps caps = good_caps();

		caps.allowed[needs[i].which].one &= ~needs[i].bit;
		expect_refused(&caps, needs[i].name);
	}
}

static void an_exit_that_cant_be_switched_off_is_named(void **state)
{
	struct vmx_caps caps = good_caps();

	caps.allowed[CONTROL_PROC].zero |= PROC_CR3_LOAD;
	expect_refused(&caps, "CR3");
	caps = good_caps();
	caps.allowed[CONTROL_PIN].zero |= PIN_EXTERNAL_INTERRUPT;
	expect_refused(&caps, "external interrupts");
	caps = good_caps();
	caps.allowed[CONTROL_PROC].zero |= PROC_HLT;
	expect_refused(&caps, "HLT");
	caps = good_caps();
	caps.allowed[CONTROL_PROC].zero |= PROC_IO;
	expect_refused(&caps, "I/O ports");
}

static void a_poor_ept_is_named(void **state)
{
	static const struct {
		u64 bits;
		const char *name;
	} needs[] = {
		{EPT_CAP_4_LEVELS, "4 levels"},
		{EPT_CAP_WB, "write-back"},
		{EPT_CAP_2M, "2 MiB"},
		{EPT_CAP_INVEPT, "INVEPT"},
		{EPT_CAP_INVEPT_SINGLE, "INVEPT"},
	};

	for (uint i = 0; i < ARRAY_SIZE(needs); i++) {
		struct vmx_caps caps = good_caps();

		caps.ept_vpid &= ~needs[i].bits;
		expect_refused(&caps, needs[i].name);
	}
}

static void other_missing_capabilities_are_named(void **state)
{
	struct vmx_caps caps = good_caps();

	caps.basic &= ~BASIC_TRUE;
	expect_refused(&caps, "TRUE");
	caps = good_caps();
	caps.misc &= ~MISC_SAVES_LMA;
	expect_refused(&caps, "IA32_VMX_MISC");
	caps = good_caps();
	caps.cr4_fixed0 |= BIT(5);
	expect_refused(&caps, "CR4");
}

static void chosen_controls_are_allowed_ones(void **state)
{
	struct vmx_caps caps = good_caps();

	for (enum vmx_control w = 0; w < CONTROLS; w++) {
		u32 value = vmx_choose_control(&caps, w);

		assert_int_equal(caps.allowed[w].zero & ~value, 0);
		assert_int_equal(value & ~caps.allowed[w].one, 0);
	}
}

static void a_guest_keeps_what_needs_no_exit(void **state)
{
	struct vmx_caps caps = good_caps();
	u32 pin = vmx_choose_control(&caps, CONTROL_PIN);
	u32 proc = vmx_choose_control(&caps, CONTROL_PROC);

	assert_int_equal(pin & PIN_EXTERNAL_INTERRUPT, 0);
	assert_int_equal(proc & (PROC_HLT | PROC_CR3_LOAD | PROC_CR3_STORE |
				 PROC_IO | PROC_INVLPG | PROC_RDTSC |
				 PROC_MOV_DR | PROC_PAUSE | PROC_MONITOR),
			 0);
}

static void instructions_are_enabled_where_the_cpu_allows(void **state)
{
	struct vmx_caps caps = good_caps();
	u32 proc2 = vmx_choose_control(&caps, CONTROL_PROC2);

	assert_true(proc2 & PROC2_RDTSCP);
	assert_true(proc2 & PROC2_INVPCID);
	assert_false(proc2 & PROC2_XSAVES); /* Haswell has none */
	assert_false(proc2 & PROC2_USER_WAIT);
}

static void vpid_needs_invvpid(void **state)
{
	struct vmx_caps caps = good_caps();

	assert_true(vmx_choose_control(&caps, CONTROL_PROC2) & PROC2_VPID);
	caps.ept_vpid &= ~EPT_CAP_INVVPID_SINGLE;
	assert_false(vmx_choose_control(&caps, CONTROL_PROC2) & PROC2_VPID);
	expect_accepted(&caps);
}

/* How many needs are there, how many are unmet, and how many moot? */
static uint count_needs(const struct vmx_caps *caps, uint *unmet, uint *moot)
{
	struct need need;
	uint i;

	*unmet = *moot = 0;
	for (i = 0; vmx_need(caps, i, &need); i++) {
		assert_non_null(need.name);
		*unmet += need.problem != NULL;
		*moot += need.moot;
		assert_false(need.moot && need.problem);
	}
	return i;
}

static void a_good_cpu_meets_every_need(void **state)
{
	struct vmx_caps caps = good_caps();
	uint unmet, moot;

	assert_true(count_needs(&caps, &unmet, &moot) > 25);
	assert_int_equal(unmet, 0);
	assert_int_equal(moot, 0);
}

static void what_depends_on_a_missing_need_is_moot(void **state)
{
	struct vmx_caps caps = {.intel = true};
	uint unmet, moot, n = count_needs(&caps, &unmet, &moot);

	assert_int_equal(unmet, 1);
	assert_int_equal(moot, n - 1);

	caps = good_caps();
	caps.allowed[CONTROL_PROC].one &= ~PROC_SECONDARY;
	caps.allowed[CONTROL_PROC2].one = 0;
	caps.ept_vpid = 0;
	caps.misc = 0;
	count_needs(&caps, &unmet, &moot);
	assert_int_equal(unmet, 1);

	caps = good_caps();
	caps.allowed[CONTROL_PROC2].one &= ~PROC2_EPT;
	caps.ept_vpid = 0;
	count_needs(&caps, &unmet, &moot);
	assert_int_equal(unmet, 1);
}

static void a_lock_does_not_hide_what_the_cpu_has(void **state)
{
	struct vmx_caps caps = good_caps();
	uint unmet, moot;

	caps.feature_control = FEATURE_LOCKED;
	count_needs(&caps, &unmet, &moot);
	assert_int_equal(unmet, 1);
	assert_int_equal(moot, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_cpu_is_accepted),
		cmocka_unit_test(another_vendors_cpu_is_no_failure),
		cmocka_unit_test(intel_without_vmx_is_named),
		cmocka_unit_test(a_lock_without_vmx_names_the_firmware_setting),
		cmocka_unit_test(no_lock_is_no_obstacle),
		cmocka_unit_test(every_missing_control_is_named),
		cmocka_unit_test(an_exit_that_cant_be_switched_off_is_named),
		cmocka_unit_test(a_poor_ept_is_named),
		cmocka_unit_test(other_missing_capabilities_are_named),
		cmocka_unit_test(chosen_controls_are_allowed_ones),
		cmocka_unit_test(a_guest_keeps_what_needs_no_exit),
		cmocka_unit_test(instructions_are_enabled_where_the_cpu_allows),
		cmocka_unit_test(vpid_needs_invvpid),
		cmocka_unit_test(a_good_cpu_meets_every_need),
		cmocka_unit_test(what_depends_on_a_missing_need_is_moot),
		cmocka_unit_test(a_lock_does_not_hide_what_the_cpu_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
