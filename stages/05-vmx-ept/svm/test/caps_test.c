/*
 * CPUs without what SVM needs, and what is said of them.
 */
#include "host.h"
#include "svm/svm.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_cpu_is_accepted),
		cmocka_unit_test(a_cpu_without_svm_is_no_matter_of_firmware),
		cmocka_unit_test(svmdis_names_the_firmware_setting),
		cmocka_unit_test(no_nested_paging_is_named),
		cmocka_unit_test(no_asid_for_a_guest_is_named),
		cmocka_unit_test(only_what_can_be_known_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
