/*
 * What Intel's units tell of devices that reached for what is not for them.
 */
#include "vtd_unit.h"

#include "paging/paging.h"

static struct iommu_unit unit;

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	return NULL;
}

static int set_up(void **state)
{
	vtd_unit_reset();
	unit = (struct iommu_unit){.ops = &vtd_ops, .size = PAGE_SIZE};
	return unit.ops->probe(&unit) ? -1 : 0;
}

static void faults_are_taken_one_by_one(void **state)
{
	struct dma_fault fault;

	assert_false(unit.ops->next_fault(&unit, &fault));
	vtd_unit_fault(0x0018, 0x1bc00123, true, 5);
	vtd_unit_fault(0xff07, 0x7fffffffffffff, false, 6);
	assert_true(unit.ops->next_fault(&unit, &fault));
	assert_int_equal(fault.bdf, 0x0018);
	assert_int_equal(fault.address, 0x1bc00000);
	assert_true(fault.write);
	assert_int_equal(fault.reason, 5);
	assert_true(unit.ops->next_fault(&unit, &fault));
	assert_int_equal(fault.bdf, 0xff07);
	assert_int_equal(fault.address, 0x7ffffffffff000);
	assert_false(fault.write);
	assert_int_equal(fault.reason, 6);
	assert_false(unit.ops->next_fault(&unit, &fault));
}

/* While there is the mark of one the unit records nothing. */
static void after_an_overflow_faults_are_recorded_again(void **state)
{
	struct dma_fault fault;

	for (u64 round = 0; round < 20; round++) {
		for (u64 i = 0; i < 5; i++)
			vtd_unit_fault(i, round << 12, true, 5);
		assert_true(vtd_unit.faults & VTD_OVERFLOW);
		for (u64 i = 0; i < 2; i++) {
			assert_true(unit.ops->next_fault(&unit, &fault));
			assert_int_equal(fault.address, round << 12);
		}
		assert_false(unit.ops->next_fault(&unit, &fault));
		assert_false(vtd_unit.faults & VTD_OVERFLOW);
	}
	vtd_unit.faults = VTD_OVERFLOW; /* and without a record */
	assert_false(unit.ops->next_fault(&unit, &fault));
	assert_int_equal(vtd_unit.faults, 0);
}

static void a_look_at_no_faults_costs_one_read(void **state)
{
	struct dma_fault fault;
	u64 before;

	vtd_unit.cap = VTD_CAP(0x200, 8, 48) | VTD_CAP_4;
	assert_null(unit.ops->probe(&unit));
	before = vtd_unit.reads;
	assert_false(unit.ops->next_fault(&unit, &fault));
	assert_int_equal(vtd_unit.reads, before + 1);
}

static void a_unit_that_is_gone_has_no_faults(void **state)
{
	struct dma_fault fault;

	vtd_unit.faults = ~0U;
	vtd_unit.record[0][1] = ~0UL;
	assert_false(unit.ops->next_fault(&unit, &fault));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults_are_taken_one_by_one),
		TEST(after_an_overflow_faults_are_recorded_again),
		TEST(a_look_at_no_faults_costs_one_read),
		TEST(a_unit_that_is_gone_has_no_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
