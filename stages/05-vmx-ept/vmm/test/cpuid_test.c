/*
 * CPUID on a machine that has everything: what is left of it.
 */
#include "host.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "lib/version.h"
#include "vmm/cpuid.h"
#include "vmm/vcpu.h"

PERCPU(u32, cpu_number);
const struct vcpu_ops *vcpu_ops;

static struct cpuid_regs all(u32 leaf, u32 subleaf, u64 cr4)
{
	struct cpuid_regs r = {~0U, ~0U, ~0U, ~0U};

	cpuid_filter(leaf, subleaf, cr4, &r);
	return r;
}

static void virtualisation_is_hidden(void **state)
{
	assert_false(all(1, 0, 0).ecx & BIT(5));           /* VMX */
	assert_false(all(1, 0, 0).ecx & BIT(6));           /* SMX */
	assert_false(all(0x80000001, 0, 0).ecx & BIT(2));  /* SVM */
	assert_false(all(0x80000001, 0, 0).ecx & BIT(12)); /* SKINIT */
	assert_int_equal(all(0x8000000a, 0, 0).edx, 0);
	assert_int_equal(all(0x8000001f, 0, 0).eax, 0); /* SEV */
}

static void what_we_do_not_handle_is_hidden(void **state)
{
	assert_false(all(7, 0, 0).ecx & BIT(7));  /* CET_SS */
	assert_false(all(7, 0, 0).edx & BIT(20)); /* CET_IBT */
	assert_false(all(7, 0, 0).ecx & BIT(31)); /* PKS */
	assert_false(all(7, 0, 0).ecx & BIT(16)); /* LA57 */
	assert_false(all(7, 0, 0).ebx & BIT(2));  /* SGX */
	assert_false(all(7, 0, 0).ebx & BIT(25)); /* PT */
	assert_false(all(7, 1, 0).eax & BIT(17)); /* FRED */
	assert_false(all(7, 0, 0).ecx & BIT(24)); /* bus-lock detection */
	assert_false(all(6, 0, 0).eax & BIT(19)); /* HFI */
	assert_false(all(6, 0, 0).eax & BIT(23)); /* Thread Director */
	assert_false(all(0x80000008, 0, 0).ebx & BIT(3)); /* INVLPGB */
	assert_int_equal(all(0x12, 0, 0).eax, 0);         /* SGX's own leaf */
	assert_int_equal(all(0x19, 0, 0).eax, 0);         /* key locker */
}

static void common_features_pass(void **state)
{
	assert_true(all(1, 0, 0).edx & BIT(25));          /* SSE */
	assert_true(all(1, 0, 0).ecx & BIT(26));          /* XSAVE */
	assert_true(all(1, 0, 0).ecx & BIT(21));          /* x2APIC */
	assert_true(all(7, 0, 0).ebx & BIT(5));           /* AVX2 */
	assert_true(all(7, 0, 0).ebx & BIT(20));          /* SMAP */
	assert_true(all(7, 0, 0).ecx & BIT(3));           /* PKU */
	assert_true(all(7, 0, 0).edx & BIT(26));          /* IBRS */
	assert_true(all(0x80000001, 0, 0).edx & BIT(29)); /* LM */
	assert_true(all(0x80000001, 0, 0).edx & BIT(26)); /* 1 GiB pages */
	assert_int_equal(all(0xd, 0, 0).eax, ~0U);
}

static void osxsave_and_ospke_follow_the_guests_cr4(void **state)
{
	assert_false(all(1, 0, 0).ecx & BIT(27));
	assert_true(all(1, 0, CR4_OSXSAVE).ecx & BIT(27));
	assert_false(all(7, 0, 0).ecx & BIT(4));
	assert_true(all(7, 0, CR4_PKE).ecx & BIT(4));
}

static void the_hypervisor_bit_is_set(void **state)
{
	struct cpuid_regs none = {0};

	cpuid_filter(1, 0, 0, &none);
	assert_int_equal(none.ecx, BIT(31));
}

static void leaves_we_do_not_know_are_empty_and_past_the_maximum(void **state)
{
	assert_int_equal(all(0, 0, 0).eax, 0x1f);
	assert_int_equal(all(0x80000000, 0, 0).eax, 0x80000026);
	assert_int_equal(all(0x20, 0, 0).eax, 0);
	assert_int_equal(all(0x80000027, 0, 0).eax, 0);
	assert_int_equal(all(0x7, 3, 0).eax, 0);
}

static void our_own_leaves_say_who_and_which_version_we_are(void **state)
{
	const struct vcpu_ops ops = {.id = 7};
	struct cpuid_regs r;
	char text[3 * sizeof(r)];

	vcpu_ops = &ops;
	*this_cpu(cpu_number) = 5;
	cpuid_own_leaf(0x40000000, &r);
	assert_int_equal(r.eax, 0x40000003);
	assert_memory_equal(&r.ebx, "VellumVellum", 12);
	cpuid_own_leaf(0x40000001, &r);
	assert_int_equal(r.ebx, 7);
	assert_int_equal(r.ecx, 5);
	for (uint i = 0; i < 3; i++) {
		cpuid_own_leaf(0x40000002 + i, &r);
		memcpy(text + i * sizeof(r), &r, sizeof(r));
	}
	assert_string_equal(text, vellum_version);
	for (size_t i = strlen(vellum_version); i < sizeof(text); i++)
		assert_int_equal(text[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtualisation_is_hidden),
		cmocka_unit_test(what_we_do_not_handle_is_hidden),
		cmocka_unit_test(common_features_pass),
		cmocka_unit_test(osxsave_and_ospke_follow_the_guests_cr4),
		cmocka_unit_test(the_hypervisor_bit_is_set),
		cmocka_unit_test(
			our_own_leaves_say_who_and_which_version_we_are),
		cmocka_unit_test(
			leaves_we_do_not_know_are_empty_and_past_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
