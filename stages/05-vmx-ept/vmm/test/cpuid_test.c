/*
 * CPUID on a machine that has everything: what is left of it.
 */
#include "host.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "lib/version.h"
#include "vmm/cpuid.h"
#include "vmm/msr_rules.h"
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

enum {
	EAX,
	EBX,
	ECX,
	EDX
};

/* A bit of CPUID, and what there is if it is 1: another leaf, or an MSR. */
struct announcement {
	u32 leaf, subleaf;
	int reg;
	uint bit;
	u32 what;
};

static const struct announcement leaves[] = {
	{0x1, 0, ECX, 3, 0x5},                /* MONITOR */
	{0x1, 0, ECX, 18, 0x9},               /* DCA */
	{0x1, 0, ECX, 26, 0xd},               /* XSAVE */
	{0x7, 0, EBX, 2, 0x12},               /* SGX */
	{0x7, 0, EBX, 12, 0xf},               /* RDT monitoring */
	{0x7, 0, EBX, 15, 0x10},              /* RDT allocation */
	{0x7, 0, EBX, 25, 0x14},              /* Processor Trace */
	{0x7, 0, ECX, 13, 0x1b},              /* TME, with PCONFIG */
	{0x7, 0, ECX, 23, 0x19},              /* Key Locker */
	{0x7, 0, ECX, 30, 0x12},              /* SGX_LC */
	{0x7, 0, EDX, 1, 0x12},               /* SGX keys */
	{0x7, 0, EDX, 15, 0x1a},              /* hybrid */
	{0x7, 0, EDX, 18, 0x1b},              /* PCONFIG */
	{0x7, 0, EDX, 19, 0x1c},              /* architectural LBR */
	{0x7, 0, EDX, 24, 0x1d},              /* AMX tiles */
	{0x7, 0, EDX, 24, 0x1e},              /* the same */
	{0x7, 1, EAX, 8, 0x23},               /* counters */
	{0x7, 1, EAX, 22, 0x20},              /* HRESET */
	{0x7, 1, EDX, 19, 0x24},              /* AVX10 */
	{0x7, 1, EBX, 1, 0x1},                /* TSE */
	{0x80000001, 0, ECX, 2, 0x8000000a},  /* SVM */
	{0x80000001, 0, ECX, 10, 0x8000001b}, /* IBS */
	{0x80000001, 0, ECX, 15, 0x8000001c}, /* LWP */
	{0x80000001, 0, ECX, 22, 0x8000001d}, /* topology */
	{0x80000001, 0, ECX, 22, 0x8000001e}, /* the same */
	{0x80000001, 0, EDX, 29, 0x80000008}, /* long mode */
	{0x80000008, 0, EBX, 6, 0x80000020},  /* bandwidth shares */
	{0x80000021, 0, EAX, 19, 0x80000025}, /* RMP */
};

static const struct announcement msrs[] = {
	{0x1, 0, EDX, 5, 0x10},               /* MSRs: TSC */
	{0x1, 0, ECX, 24, 0x6e0},             /* TSC_DEADLINE */
	{0x1, 0, ECX, 21, 0x80b},             /* x2APIC */
	{0x1, 0, ECX, 11, 0xc80},             /* silicon debug */
	{0x1, 0, EDX, 7, 0x400},              /* MCE */
	{0x1, 0, EDX, 11, 0x174},             /* SYSENTER */
	{0x1, 0, EDX, 16, 0x277},             /* PAT */
	{0x6, 0, EAX, 0, 0x19b},              /* thermal sensor */
	{0x6, 0, EAX, 7, 0x774},              /* HWP */
	{0x6, 0, EAX, 13, 0xdb1},             /* HDC */
	{0x6, 0, EAX, 19, 0x17d0},            /* HFI */
	{0x6, 0, ECX, 3, 0x1b0},              /* energy bias */
	{0x7, 0, EBX, 1, 0x3b},               /* TSC_ADJUST */
	{0x7, 0, ECX, 5, 0xe1},               /* WAITPKG */
	{0x7, 0, ECX, 7, 0x6a2},              /* CET_SS */
	{0x7, 0, ECX, 29, 0xd93},             /* ENQCMD */
	{0x7, 0, ECX, 31, 0x6e1},             /* PKS */
	{0x7, 0, EDX, 5, 0x985},              /* UINTR */
	{0x7, 0, EDX, 9, 0x123},              /* SRBDS_CTRL */
	{0x7, 0, EDX, 13, 0x10f},             /* TSX_FORCE_ABORT */
	{0x7, 0, EDX, 19, 0x14ce},            /* architectural LBR */
	{0x7, 0, EDX, 20, 0x6a2},             /* CET_IBT */
	{0x7, 0, EDX, 26, 0x48},              /* IBRS */
	{0x7, 0, EDX, 26, 0x49},              /* IBPB */
	{0x7, 0, EDX, 28, 0x10b},             /* FLUSH_CMD */
	{0x7, 1, EAX, 22, 0x17da},            /* HRESET */
	{0x7, 1, EAX, 27, 0x2f},              /* MSRLIST's BARRIER */
	{0xd, 1, EAX, 4, 0x1c4},              /* XFD */
	{0x80000001, 0, ECX, 10, 0xc0011030}, /* IBS */
	{0x80000001, 0, ECX, 15, 0xc0000105}, /* LWP */
	{0x80000001, 0, ECX, 26, 0xc0011027}, /* breakpoint masks */
	{0x80000001, 0, EDX, 11, 0xc0000081}, /* SYSCALL */
	{0x80000001, 0, EDX, 27, 0xc0000103}, /* RDTSCP */
	{0x80000008, 0, EBX, 12, 0x49},       /* IBPB */
	{0x80000008, 0, EBX, 25, 0xc001011f}, /* VIRT_SSBD */
	{0x80000008, 0, EBX, 27, 0xc00102b3}, /* CPPC */
	{0x80000008, 0, EBX, 31, 0xc000010f}, /* branch sampling */
	{0x80000021, 0, EAX, 13, 0xc0000108}, /* prefetchers */
	{0x80000022, 0, EAX, 0, 0xc0000301},  /* counters */
	{0x80000022, 0, EAX, 1, 0xc000010f},  /* LBRs */
};

static bool is_made(const struct announcement *a)
{
	struct cpuid_regs r = all(a->leaf, a->subleaf, 0);
	const u32 *reg[] = {&r.eax, &r.ebx, &r.ecx, &r.edx};

	return *reg[a->reg] & BIT(a->bit);
}

static void a_bit_passes_only_with_the_leaf_that_it_announces(void **state)
{
	for (uint i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct cpuid_regs r = all(leaves[i].what, 0, 0);

		if (is_made(&leaves[i]) && !(r.eax | r.ebx | r.ecx | r.edx))
			fail_msg("leaf 0x%x announces 0x%x, which is hidden",
				 leaves[i].leaf, leaves[i].what);
	}
}

/* A feature that brings an MSR along is shown only if that can be written. */
static void a_bit_passes_only_with_the_msr_that_it_announces(void **state)
{
	for (uint i = 0; i < ARRAY_SIZE(msrs); i++) {
		const struct msr_rule *vmx = msr_rule_find(msrs[i].what, 1),
				      *svm = msr_rule_find(msrs[i].what, 2);

		if (is_made(&msrs[i]) && !(vmx && vmx->verdict == MSR_PASS) &&
		    !(svm && svm->verdict == MSR_PASS))
			fail_msg("leaf 0x%x announces MSR 0x%x, which is kept",
				 msrs[i].leaf, msrs[i].what);
	}
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
		cmocka_unit_test(
			a_bit_passes_only_with_the_leaf_that_it_announces),
		cmocka_unit_test(
			a_bit_passes_only_with_the_msr_that_it_announces),
		cmocka_unit_test(the_hypervisor_bit_is_set),
		cmocka_unit_test(
			our_own_leaves_say_who_and_which_version_we_are),
		cmocka_unit_test(
			leaves_we_do_not_know_are_empty_and_past_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
