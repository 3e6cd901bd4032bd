/*
 * Memory types under nested paging, end to end: for each type that the guest's
 * MTRRs give a page, the machine's give it, and the guest's page tables name,
 * what does the hardware make of the leaf that Vellum builds?
 */
#include "host.h"
#include "svm/caps.h"
#include "svm/svm.h"
#include "vmm/guest_mtrr.h"
#include "vmm/nested_tree.h"
#include "vmm/test/mtrr_model.h"
#include "vmm/test/nested_host.h"

enum {
	UC = CACHE_UC,
	WC = CACHE_WC,
	WT = CACHE_WT,
	WP = CACHE_WP,
	WB = CACHE_WB,
	UM = 7, /* UC-: the MTRRs may make WC of it */
};

static const u8 mtrr_types[] = {UC, WC, WT, WP, WB};
static const u8 pat_types[] = {UC, UM, WC, WP, WT, WB};

/* APM 2 15.25.8, the guest's type and the nested table's; rows are the guest's,
 * both in the order of pat_types. */
static const u8 two_pats[6][6] = {
	{UC, UC, UC, UC, UC, UC}, {UC, UM, WC, UC, UC, UC},
	{WC, WC, WC, WC, WC, WC}, {UC, UC, UC, WP, UC, WP},
	{UC, UC, UC, UC, WT, WT}, {UC, UM, WC, WP, WT, WB},
};

/* APM 2 7.8.5 and 15.25.8, and SDM 3A 12.5.2.2 for EPT: a PAT type (rows) and
 * an MTRR type, in the order of mtrr_types. What is not cached though it was
 * asked for (AMD: CD) is UC. */
static const u8 pat_mtrr[6][5] = {
	{UC, UC, UC, UC, UC}, {UC, WC, UC, UC, UC}, {WC, WC, WC, WC, WC},
	{UC, UC, UC, WP, WP}, {UC, UC, WT, UC, WT}, {UC, WC, WT, WP, WB},
};

static uint place(const u8 *types, uint type)
{
	uint i = 0;

	while (types[i] != type)
		i++;
	return i;
}

static uint on_bare_metal(uint pat, uint mtrr)
{
	return pat_mtrr[place(pat_types, pat)][place(mtrr_types, mtrr)];
}

struct mtrr_state machine_mtrrs;

uint svm_address_bits(void)
{
	return 48;
}

static struct mtrr_state guest;
static const struct nested_format *npt;
static struct vmcb vmcb;
static struct svm_vcpu svm = {.vmcb = &vmcb};
static struct vcpu vcpu = {.backend = &svm};

const struct mtrr_state *guest_mtrr_init(void)
{
	return &guest;
}

/* What svm_build_map() hands over. */
int nested_root_init(struct nested_root *root,
		     const struct nested_format *format,
		     const struct mtrr_state *mtrr, u64 limit)
{
	npt = format;
	return 0;
}

/* The type that the leaf around @gpa names, by the PAT that Vellum runs with.
 * */
static uint leaf_pat(const struct nested_map *map, u64 gpa)
{
	u64 entry, size;
	uint i;

	assert_int_equal(host_lookup(map, GPHYS(gpa), NULL, &entry, &size), 0);
	i = (entry >> 3 & 3) | (entry >> (size > PAGE_SIZE ? 12 : 7) & 1) << 2;
	return rdmsr(MSR_PAT) >> 8 * i & 0xff;
}

static void take_svm_format(u64 pat, bool has_1g)
{
	host_cpu_reset();
	host_set_msr(MSR_PAT, pat);
	if (has_1g)
		host_set_cpuid(0x80000001, 0,
			       (struct cpuid_regs){.edx = BIT(26)});
	assert_int_equal(svm_build_map(&vcpu), 0);
}

static void build(struct nested_map *map, uint machine, uint wanted)
{
	mtrr_start(&machine_mtrrs, 40, machine);
	mtrr_start(&guest, 40, wanted);
	assert_int_equal(nested_map_build(map, npt, &guest, BIT(36)), 0);
}

/* Memory is never cached more, nor ordered less, than where the guest's MTRRs
 * and page tables are the machine's own. */
static bool is_safe(uint got, uint native, uint machine, uint wanted)
{
	if (got == native || got == UC)
		return true;
	/* A faster type that can't be had leaves a coherent one. */
	return wanted == WB && (machine == WT || machine == WP) &&
	       (got == WT || got == WP);
}

/* Not slower either: where the machine's memory is ordinary RAM, or the two
 * agree. WC and WP are not in the PAT, and become UC. */
static bool is_exact(uint machine, uint wanted)
{
	return wanted == machine || wanted == UC ||
	       (machine == WB && wanted == WT);
}

static void each_triple_of_types(u64 pat, bool has_1g)
{
	struct nested_map map;

	take_svm_format(pat, has_1g);
	for (uint m = 0; m < 5; m++)
		for (uint w = 0; w < 5; w++) {
			uint machine = mtrr_types[m], wanted = mtrr_types[w];

			build(&map, machine, wanted);
			for (uint g = 0; g < 6; g++) {
				uint native =
					on_bare_metal(pat_types[g], wanted);
				uint nested =
					place(pat_types, leaf_pat(&map, MIB));
				uint got = on_bare_metal(two_pats[g][nested],
							 machine);

				assert_true(
					is_safe(got, native, machine, wanted));
				if (is_exact(machine, wanted) &&
				    !(machine == WC && pat_types[g] == UM))
					assert_int_equal(got, native);
			}
			assert_int_equal(map.slower,
					 !is_exact(machine, wanted));
			nested_map_free(&map);
		}
}

static void npt_gives_each_page_its_type_or_a_safe_one(void **state)
{
	host_machine(4 * GIB, 3 * GIB, 2 * GIB, 128 * MIB);
	each_triple_of_types(0x0007040600070406, true);
	each_triple_of_types(0x0007040600070406, false);
	each_triple_of_types(0x0606060606060606, true); /* a strange firmware */
}

/* There the leaf says it all, and the machine's MTRRs do not count. */
static void ept_gives_each_page_its_type(void **state)
{
	struct nested_map map;
	u64 entry;

	host_machine(4 * GIB, 3 * GIB, 2 * GIB, 128 * MIB);
	for (uint w = 0; w < 5; w++) {
		mtrr_start(&guest, 40, mtrr_types[w]);
		assert_int_equal(
			nested_map_build(&map, &ept_1g, &guest, BIT(36)), 0);
		host_lookup(&map, GPHYS(MIB), NULL, &entry, NULL);
		/* Bit 6 would have the guest's page tables ignored. */
		assert_int_equal(entry >> 3 & 15, mtrr_types[w]);
		nested_map_free(&map);
	}
}

/* A leaf over memory that is of one type for the guest, and of two for the
 * machine, would have an undefined one. */
static void a_leaf_does_not_span_two_of_the_machines_types(void **state)
{
	struct nested_map map;
	u64 size;

	host_machine(4 * GIB, 3 * GIB, 2 * GIB, 128 * MIB);
	take_svm_format(0x0007040600070406, true);
	mtrr_start(&machine_mtrrs, 40, WB);
	mtrr_block(&machine_mtrrs, GIB + 2 * MIB, 4 * KIB, UC);
	mtrr_start(&guest, 40, WB);
	assert_int_equal(nested_map_build(&map, npt, &guest, BIT(36)), 0);
	host_lookup(&map, GPHYS(GIB), NULL, NULL, &size);
	assert_int_equal(size, 2 * MIB);
	host_lookup(&map, GPHYS(GIB + 2 * MIB), NULL, NULL, &size);
	assert_int_equal(size, 4 * KIB);
	assert_true(map.slower);
	nested_map_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(npt_gives_each_page_its_type_or_a_safe_one),
		cmocka_unit_test(ept_gives_each_page_its_type),
		cmocka_unit_test(
			a_leaf_does_not_span_two_of_the_machines_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
