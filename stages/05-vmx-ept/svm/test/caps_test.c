/*
 * CPUs without what SVM needs, and what is said of them.
 */
#include "host.h"
#include "svm/caps.h"

static const struct svm_caps good = {
	.svm = true,
	.vm_cr_valid = true,
	.features = SVM_FEATURE_NPT,
	.asids = 16,
};

static void a_good_cpu_is_accepted(void **state)
{
	const char *why;

	assert_int_equal(svm_check_caps(&good, &why), 0);
}

static void a_cpu_without_svm_is_no_matter_of_firmware(void **state)
{
	struct svm_caps caps = {0};
	const char *why = "x";

	assert_int_equal(svm_check_caps(&caps, &why), -ENODEV);
	assert_null(why);
}

static void svmdis_names_the_firmware_setting(void **state)
{
	struct svm_caps caps = good;
	const char *why;

	caps.vm_cr = VM_CR_SVMDIS;
	assert_int_equal(svm_check_caps(&caps, &why), -ENODEV);
	assert_non_null(strstr(why, "VM_CR.SVMDIS"));
	assert_non_null(strstr(why, "SVM Mode"));
	caps.vm_cr_valid = false;
	assert_int_equal(svm_check_caps(&caps, &why), 0);
}

static void no_nested_paging_is_named(void **state)
{
	struct svm_caps caps = good;
	const char *why;

	caps.features = 0;
	assert_int_equal(svm_check_caps(&caps, &why), -ENODEV);
	assert_non_null(strstr(why, "nested paging"));
}

static void no_asid_for_a_guest_is_named(void **state)
{
	struct svm_caps caps = good;
	const char *why;

	caps.asids = 1;
	assert_int_equal(svm_check_caps(&caps, &why), -ENODEV);
	assert_non_null(strstr(why, "address space identifier"));
}

static void only_what_can_be_known_counts(void **state)
{
	struct svm_caps caps = {0};
	struct need need;
	uint i, unmet = 0;

	for (i = 0; svm_need(&good, i, &need); i++)
		assert_true(!need.problem && !need.moot);
	assert_int_equal(i, 4);
	for (i = 0; svm_need(&caps, i, &need); i++)
		unmet += need.problem != NULL;
	assert_int_equal(unmet, 1);
}

/* An AMD CPU with @leafs leafs of CPUID from 0x80000000 on, and SVM. */
static void make_cpu(u32 leafs)
{
	host_cpu_reset();
	host_set_cpuid(
		0, 0,
		(struct cpuid_regs){1, 0x68747541, 0x444d4163, 0x69746e65});
	host_set_cpuid(0x80000000, 0,
		       (struct cpuid_regs){.eax = 0x80000000 + leafs - 1});
	host_set_cpuid(0x80000001, 0, (struct cpuid_regs){.ecx = BIT(2)});
	host_set_cpuid(0x8000000a, 0,
		       (struct cpuid_regs){.ebx = 16, .edx = SVM_FEATURE_NPT});
}

static void what_the_cpu_says_is_read(void **state)
{
	struct svm_caps caps;
	const char *why;

	make_cpu(0x20);
	svm_read_caps(&caps);
	assert_true(caps.amd && caps.svm && !caps.vm_cr_valid);
	assert_int_equal(caps.asids, 16);
	assert_int_equal(svm_probe(&why), 0);
	host_set_msr(MSR_VM_CR, VM_CR_SVMDIS);
	assert_int_equal(svm_probe(&why), -ENODEV);
	assert_non_null(strstr(why, "VM_CR.SVMDIS"));
}

/* Where CPUID has no such leaf it gives another's numbers. */
static void no_leaf_is_read_that_is_not_there(void **state)
{
	struct svm_caps caps;

	make_cpu(9);
	svm_read_caps(&caps);
	assert_true(caps.amd && !caps.svm);
	assert_int_equal(caps.features, 0);
}

static void cpu_with(u32 bits, u32 eax, u32 ebx)
{
	host_cpu_reset();
	host_set_cpuid(0x80000000, 0, (struct cpuid_regs){.eax = 0x8000001f});
	host_set_cpuid(0x80000008, 0, (struct cpuid_regs){.eax = bits});
	host_set_cpuid(0x8000001f, 0,
		       (struct cpuid_regs){.eax = eax, .ebx = ebx});
}

static void addresses_end_below_the_bit_that_encrypts(void **state)
{
	cpu_with(48, 0, 47 | 5 << 6);
	assert_int_equal(svm_address_bits(), 48);
	cpu_with(48, 1, 47 | 5 << 6);
	host_set_msr(MSR_SYSCFG, 0);
	assert_int_equal(svm_address_bits(), 47);
}

static void encryption_that_is_on_costs_more_bits(void **state)
{
	cpu_with(48, 1, 47 | 5 << 6);
	host_set_msr(MSR_SYSCFG, SYSCFG_ENCRYPTION);
	assert_int_equal(svm_address_bits(), 43);
	cpu_with(52, 1, 51 | 6 << 6); /* and where nobody can tell */
	assert_int_equal(svm_address_bits(), 46);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_end_below_the_bit_that_encrypts),
		cmocka_unit_test(encryption_that_is_on_costs_more_bits),
		cmocka_unit_test(a_good_cpu_is_accepted),
		cmocka_unit_test(a_cpu_without_svm_is_no_matter_of_firmware),
		cmocka_unit_test(svmdis_names_the_firmware_setting),
		cmocka_unit_test(no_nested_paging_is_named),
		cmocka_unit_test(no_asid_for_a_guest_is_named),
		cmocka_unit_test(only_what_can_be_known_counts),
		cmocka_unit_test(what_the_cpu_says_is_read),
		cmocka_unit_test(no_leaf_is_read_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
