/*
 * CPUs that lack something, and what is said of them; and the controls that
 * are chosen.
 */
#include "host.h"
#include "vmx/test/good_caps.h"
#include "vmx/vmcs.h"

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

/* VMFUNC could change the EPT without an exit: it stays undefined. */
static void vm_functions_stay_off(void **state)
{
	struct vmx_caps caps = good_caps();

	caps.allowed[CONTROL_PROC2].one |= BIT(13); /* enable VM functions */
	assert_false(vmx_choose_control(&caps, CONTROL_PROC2) & BIT(13));
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

/* A CPU with the registers of @caps, as far as it would have them. */
static void make_cpu(const struct vmx_caps *caps)
{
	static const u32 true_msr[CONTROLS] = {0x48d, 0x48e, 0, 0x48f, 0x490};
	static const u32 plain_msr[CONTROLS] = {0x481, 0x482, 0x48b, 0x483,
						0x484};
	bool has_true = caps->basic & BASIC_TRUE;
	bool secondary = caps->allowed[CONTROL_PROC].one & (u32)PROC_SECONDARY;

	host_cpu_reset();
	host_set_cpuid(
		0, 0,
		(struct cpuid_regs){7, 0x756e6547, 0x6c65746e, 0x49656e69});
	host_set_cpuid(1, 0, (struct cpuid_regs){.ecx = BIT(5) | BIT(26)});
	host_set_cpuid(0x80000008, 0,
		       (struct cpuid_regs){.eax = caps->physical_bits});
	host_set_msr(MSR_FEATURE_CONTROL, caps->feature_control);
	host_set_msr(MSR_VMX_BASIC, caps->basic);
	host_set_msr(0x485, caps->misc);
	host_set_msr(0x486, caps->cr0_fixed0);
	host_set_msr(0x487, caps->cr0_fixed1);
	host_set_msr(0x488, caps->cr4_fixed0);
	host_set_msr(0x489, caps->cr4_fixed1);
	for (enum vmx_control w = 0; w < CONTROLS; w++)
		if (w != CONTROL_PROC2 || secondary)
			host_set_msr(has_true && true_msr[w] ? true_msr[w]
							     : plain_msr[w],
				     (u64)caps->allowed[w].one << 32 |
					     caps->allowed[w].zero);
	if (secondary)
		host_set_msr(0x48c, caps->ept_vpid);
}

static void what_the_cpu_says_is_read(void **state)
{
	struct vmx_caps good = good_caps(), caps;
	const char *why;

	make_cpu(&good);
	vmx_read_caps(&caps);
	assert_memory_equal(caps.allowed, good.allowed, sizeof(good.allowed));
	assert_true(caps.intel && caps.vmx && caps.xsave);
	assert_int_equal(caps.physical_bits, good.physical_bits);
	assert_int_equal(caps.keyid_bits, 0);
	assert_int_equal(caps.ept_vpid, good.ept_vpid);
	assert_int_equal(caps.cr0_fixed0, good.cr0_fixed0);
	assert_int_equal(caps.cr0_fixed1, good.cr0_fixed1);
	assert_int_equal(caps.cr4_fixed1, good.cr4_fixed1);
	assert_int_equal(vmx_probe(&why), 0);
}

/* Each would be a #GP: there are no such registers. */
static void no_register_is_read_that_is_not_there(void **state)
{
	struct vmx_caps good = good_caps();
	const char *why;

	host_cpu_reset();
	assert_int_equal(vmx_probe(&why), -ENODEV);
	assert_null(why);

	good.basic &= ~BASIC_TRUE;
	make_cpu(&good);
	assert_int_equal(vmx_probe(&why), -ENODEV);
	assert_non_null(strstr(why, "TRUE"));

	good = good_caps();
	good.allowed[CONTROL_PROC].one &= ~PROC_SECONDARY;
	make_cpu(&good);
	assert_int_equal(vmx_probe(&why), -ENODEV);
	assert_non_null(strstr(why, "secondary controls"));
}

static void what_chooses_a_key_is_no_part_of_an_address(void **state)
{
	struct vmx_caps good = good_caps(), caps;

	make_cpu(&good);
	host_set_cpuid(7, 0, (struct cpuid_regs){.ecx = BIT(13)});
	host_set_msr(0x982, BIT(1) | 6UL << 32);
	vmx_read_caps(&caps);
	assert_int_equal(caps.keyid_bits, 6);
	host_set_msr(0x982, 6UL << 32); /* not switched on */
	vmx_read_caps(&caps);
	assert_int_equal(caps.keyid_bits, 0);
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
		cmocka_unit_test(vm_functions_stay_off),
		cmocka_unit_test(vpid_needs_invvpid),
		cmocka_unit_test(a_good_cpu_meets_every_need),
		cmocka_unit_test(what_depends_on_a_missing_need_is_moot),
		cmocka_unit_test(a_lock_does_not_hide_what_the_cpu_has),
		cmocka_unit_test(what_the_cpu_says_is_read),
		cmocka_unit_test(no_register_is_read_that_is_not_there),
		cmocka_unit_test(what_chooses_a_key_is_no_part_of_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
