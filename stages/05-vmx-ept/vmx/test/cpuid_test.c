/*
 * What VMX hides of CPUID, by the guest's mode and by the CPU's controls.
 */
#include "host.h"
#include "vmx/vmx.h"

static uint address_size;
static u32 controls;
static struct vmx_caps caps;

uint guest_address_size(struct vcpu *vcpu)
{
	return address_size;
}

const struct vmx_caps *vmx_caps(void)
{
	return &caps;
}

u32 vmx_choose_control(const struct vmx_caps *c, enum vmx_control which)
{
	return controls;
}

static struct cpuid_regs all(u32 leaf)
{
	struct cpuid_regs r = {~0U, ~0U, ~0U, ~0U};

	vmx_filter_cpuid(NULL, leaf, 0, &r);
	return r;
}

static void syscall_is_shown_in_64_bit_mode_only(void **state)
{
	controls = ~0U;
	for (address_size = 2; address_size <= 8; address_size *= 2)
		assert_int_equal(!!(all(0x80000001).edx & BIT(11)),
				 address_size == 8);
	address_size = 4;
	assert_true(all(1).edx & BIT(11)); /* SYSENTER */
}

static void an_instruction_is_shown_only_where_a_control_allows_it(void **state)
{
	address_size = 8;
	controls = PROC2_RDTSCP;
	assert_true(all(0x80000001).edx & BIT(27));
	assert_false(all(7).ebx & BIT(10)); /* INVPCID */
	controls = PROC2_INVPCID;
	assert_false(all(0x80000001).edx & BIT(27));
	assert_true(all(7).ebx & BIT(10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syscall_is_shown_in_64_bit_mode_only),
		cmocka_unit_test(
			an_instruction_is_shown_only_where_a_control_allows_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
