/*
 * The decision about every MSR that there can be, for both vendors.
 */
#include "host.h"
#include "vmm/msr_rules.h"
#include "vmm/test/os_msrs.h"

enum {
	VMX = 1,
	SVM = 2
};

static char letter(u32 msr, u32 id)
{
	const struct msr_rule *r = msr_rule_find(msr, id);

	return "kpbva"[r ? r->verdict : MSR_KEEP];
}

static void rules_are_sorted_and_apart(void **state)
{
	const struct msr_rule *r, *next;

	for (uint i = 0; (r = msr_rule_get(i)); i++) {
		assert_true(r->first <= r->last);
		assert_true(r->on && !(r->on & ~ON_BOTH));
		assert_int_equal(r->verdict == MSR_BITS, r->bits != 0);
		assert_int_not_equal(r->verdict, MSR_KEEP);
		next = msr_rule_get(i + 1);
		if (!next)
			continue;
		if (r->on & next->on)
			assert_true(r->last < next->first);
		else
			assert_true(r->first <= next->first &&
				    r->last <= next->last);
	}
}

/* All 2^32 numbers, beside a walk along the rules. */
static void walk(u32 id)
{
	const struct msr_rule *r = msr_rule_get(0);
	uint i = 0;
	u32 msr = 0;

	do {
		while (r && (r->last < msr || !(r->on & BIT(id))))
			r = msr_rule_get(++i);
		if (msr_rule_find(msr, id) != (r && r->first <= msr ? r : NULL))
			fail_msg("MSR 0x%x has another rule", msr);
	} while (++msr);
}

static void every_number_has_its_rule_or_none_on_intel(void **state)
{
	walk(VMX);
}

static void every_number_has_its_rule_or_none_on_amd(void **state)
{
	walk(SVM);
}

static void what_systems_write_has_the_verdict_of_the_list(void **state)
{
	for (uint i = 0; i < ARRAY_SIZE(os_msrs); i++) {
		const struct os_msr *m = &os_msrs[i];

		for (u32 msr = m->first; msr <= m->last; msr++)
			if (letter(msr, VMX) != m->intel ||
			    letter(msr, SVM) != m->amd)
				fail_msg("MSR 0x%x: %c on Intel's, %c on AMD's",
					 msr, letter(msr, VMX),
					 letter(msr, SVM));
	}
}

/* Where a write could reach memory of ours, whoever makes it, or what runs on
 * in Vellum. */
static const struct {
	u32 first, last, id;
} never[] = {
	{0x1b, 0x1b, VMX},             /* APIC_BASE */
	{0x3a, 0x3a, VMX},             /* FEATURE_CONTROL */
	{0x79, 0x7d, VMX},             /* microcode, its staging */
	{0x9b, 0x9e, VMX},             /* SMM: MONITOR_CTL, SMBASE */
	{0xa0, 0xa8, VMX},             /* PRMRR */
	{0xe4, 0xe4, VMX},             /* PMG_IO_CAPTURE_BASE */
	{0x150, 0x150, VMX},           /* OC_MAILBOX: voltage */
	{0x1d9, 0x1d9, VMX},           /* DEBUGCTL */
	{0x1f2, 0x1f5, VMX},           /* SMRR, PRMRR */
	{0x2c2, 0x2d9, VMX},           /* in-field scan */
	{0x3f1, 0x3f5, VMX},           /* PEBS */
	{0x480, 0x4c0, VMX},           /* VMX */
	{0x4e0, 0x4e0, VMX},           /* SMM_FEATURE_CONTROL */
	{0x560, 0x587, VMX},           /* Intel PT */
	{0x600, 0x600, VMX},           /* DS_AREA */
	{0x6a0, 0x6a8, VMX},           /* CET */
	{0x7a0, 0x7bf, VMX},           /* microcode staging */
	{0x980, 0x98f, VMX},           /* memory encryption, UINTR */
	{0xc80, 0xc80, VMX},           /* DEBUG_INTERFACE */
	{0xd90, 0xd93, VMX},           /* MPX, COPY_STATUS, PASID */
	{0x1200, 0x121f, VMX},         /* architectural LBR */
	{0x14ce, 0x14cf, VMX},         /* the same */
	{0x17d0, 0x17da, VMX},         /* HFI, HRESET */
	{0x1900, 0x19ff, VMX},         /* architectural PEBS */
	{0x1b, 0x1b, SVM},             /* APIC_BASE */
	{0x79, 0x79, SVM},             /* no microcode of Intel's */
	{0x1d9, 0x1d9, SVM},           /* DEBUGCTL */
	{0x480, 0x4ff, SVM},           /* no VMX */
	{0x6a0, 0x6a8, SVM},           /* CET */
	{0xc0000080, 0xc0000080, SVM}, /* EFER */
	{0xc0000104, 0xc0000106, SVM}, /* TSC_RATIO, LWP */
	{0xc000010e, 0xc000010f, SVM}, /* LBRs */
	{0xc0010000, 0xc0010003, SVM}, /* counters */
	{0xc0010010, 0xc001001e, SVM}, /* SYSCFG, HWCR, IORR, TOM */
	{0xc0010020, 0xc0010022, SVM}, /* microcode, MC_EXCP_REDIR */
	{0xc0010050, 0xc0010058, SVM}, /* SMI traps, MMIO_CFG_BASE */
	{0xc0010064, 0xc0010073, SVM}, /* voltage, C-states by port */
	{0xc0010110, 0xc001011b, SVM}, /* SMM, SVM, AVIC */
	{0xc0010130, 0xc0010138, SVM}, /* SEV, RMP */
	{0xc0010200, 0xc001020b, SVM}, /* counters */
	{0xc0010300, 0xc001031f, SVM}, /* LBRs */
	{0xc0011000, 0xc0011018, SVM}, /* CPUID's features */
	{0xc0011030, 0xc001103f, SVM}, /* IBS */
	{0x2000, 0xbfffffff, VMX},
	{0x2000, 0xbfffffff, SVM},
	{0xc0012000, 0xffffffff, VMX},
	{0xc0012000, 0xffffffff, SVM},
};

static void what_leads_past_vellum_never_passes(void **state)
{
	const struct msr_rule *r;

	for (uint i = 0; i < ARRAY_SIZE(never); i++)
		for (uint k = 0; (r = msr_rule_get(k)); k++)
			if (r->verdict == MSR_PASS &&
			    r->on & BIT(never[i].id) &&
			    r->first <= never[i].last &&
			    r->last >= never[i].first)
				fail_msg("MSR 0x%x passes", r->first);
}

/* Each PASS range is as wide as its registers: a slip of a digit shows. */
static void no_rule_is_wider_than_a_family_of_registers(void **state)
{
	const struct msr_rule *r;

	for (uint i = 0; (r = msr_rule_get(i)); i++)
		assert_true(r->last - r->first < 0x200 ||
			    r->first == 0xc0002000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_sorted_and_apart),
		cmocka_unit_test(
			what_systems_write_has_the_verdict_of_the_list),
		cmocka_unit_test(what_leads_past_vellum_never_passes),
		cmocka_unit_test(no_rule_is_wider_than_a_family_of_registers),
		cmocka_unit_test(every_number_has_its_rule_or_none_on_intel),
		cmocka_unit_test(every_number_has_its_rule_or_none_on_amd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
