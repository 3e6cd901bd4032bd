/*
 * What Intel's units tell: of themselves, and of devices that reached for what
 * is not for them.
 */
#include "vtd_unit.h"

#include "paging/paging.h"

static struct iommu_unit unit;
static u8 seen[PAGE_SIZE];

static u64 mapped; /* bytes of registers; then map_phys() has no more */
static u64 mappable;

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	assert_int_equal(phys.v, VTD_BASE);
	assert_int_equal(flags, MAP_WRITE | MAP_DEVICE);
	mapped = size;
	return size <= mappable ? (void *)VTD_BASE : NULL;
}

static void new_unit(void)
{
	unit = (struct iommu_unit){.ops = &vtd_ops,
				   .base = VTD_BASE,
				   .size = PAGE_SIZE,
				   .regs = (void *)VTD_BASE,
				   .seen = seen};
}

static int set_up(void **state)
{
	mapped = 0;
	mappable = 1UL << 20;
	vtd_unit_reset();
	new_unit();
	return unit.ops->probe(&unit) ? -1 : 0;
}

static u32 status_seen(void)
{
	return *(u32 *)(seen + 0x1c);
}

static void tell(uint at, u32 value)
{
	unit.ops->echo(&unit, at, value);
}

/* As a firmware that drives it does, and waits after each. */
static void a_command_of_the_firmwares_seems_to_be_done(void **state)
{
	memset(seen, 0, sizeof(seen));
	new_unit();
	vtd_unit.status = VTD_TE | VTD_SRTP | VTD_QIE;
	assert_null(unit.ops->probe(&unit));
	assert_int_equal(status_seen(), VTD_TE | VTD_SRTP | VTD_QIE);
	vtd_unit.told[0] = '\0';
	tell(0x18, VTD_TE | VTD_QIE | VTD_WBF);
	assert_int_equal(status_seen(), VTD_TE | VTD_SRTP | VTD_QIE);
	tell(0x18, VTD_QIE);
	assert_int_equal(status_seen(), VTD_SRTP | VTD_QIE);
	tell(0x18, VTD_QIE | VTD_TE);
	assert_int_equal(status_seen(), VTD_SRTP | VTD_QIE | VTD_TE);
	tell(0x88, 0x60);
	assert_int_equal(*(u32 *)(seen + 0x80), 0x60);
	for (uint at = 0; at < PAGE_SIZE; at += 4) /* the rest stays idle */
		if (at != 0x18 && at != 0x88)
			tell(at, ~0U);
	for (uint at = 0; at < PAGE_SIZE; at += 4)
		assert_true(at == 0x1c || at == 0x80 || !*(u32 *)(seen + at));
	assert_string_equal(vtd_unit.told, "");
}

static void what_a_unit_can_is_read_from_its_capabilities(void **state)
{
	static const struct {
		u64 cap;
		uint levels, leaf, bits;
	} units[] = {
		{VTD_CAP(0x220, 1, 39) | VTD_CAP_3, 3, 1, 39},
		{VTD_CAP(0x220, 1, 36) | VTD_CAP_3 | VTD_CAP_2M, 3, 2, 36},
		{VTD_CAP(0x220, 1, 48) | VTD_CAP_3 | VTD_CAP_2M | VTD_CAP_1G, 3,
		 3, 39},
		{VTD_CAP(0x220, 1, 39) | VTD_CAP_3 | VTD_CAP_4, 4, 1, 39},
		{VTD_CAP(0x220, 1, 48) | VTD_CAP_4, 4, 1, 48},
		{VTD_CAP(0x220, 1, 57) | BIT(11) | VTD_CAP_4, 4, 1, 48},
		/* of a laptop of 2010, of a server, and QEMU's */
		{0xc9008020e30272, 3, 1, 36},
		{0x8d2078c106f0466, 4, 3, 48},
		{0xd2008c22260206, 3, 3, 39},
	};

	for (uint i = 0; i < ARRAY_SIZE(units); i++) {
		new_unit();
		vtd_unit.cap = units[i].cap;
		assert_null(unit.ops->probe(&unit));
		assert_int_equal(unit.levels, units[i].levels);
		assert_int_equal(unit.max_leaf, units[i].leaf);
		assert_int_equal(unit.bits, units[i].bits);
		assert_int_equal(unit.size, PAGE_SIZE);
	}
	assert_string_equal(vtd_unit.told, "");
}

static void a_unit_that_is_none_or_can_not_is_named(void **state)
{
	static const u64 no_tables[] = {0, BIT(8), BIT(11), BIT(12) | BIT(8)};

	vtd_unit.version = 0;
	assert_string_equal(unit.ops->probe(&unit), "does not answer");
	vtd_unit.version = ~0U;
	assert_string_equal(unit.ops->probe(&unit), "does not answer");
	vtd_unit_reset();
	for (uint i = 0; i < ARRAY_SIZE(no_tables); i++) {
		vtd_unit.cap = VTD_CAP(0x220, 1, 48) | no_tables[i];
		assert_string_equal(unit.ops->probe(&unit),
				    "walks no tables of ours");
	}
	vtd_unit_reset();
	vtd_unit.version = 0x60;
	assert_null(unit.ops->probe(&unit));
	vtd_unit.ecap &= ~VTD_ECAP_QUEUE;
	assert_string_equal(unit.ops->probe(&unit), "can't be told to forget");
	vtd_unit.version = 0x50;
	assert_null(unit.ops->probe(&unit));
	vtd_unit.status = VTD_IRE;
	assert_string_equal(
		unit.ops->probe(&unit),
		"remaps interrupts for the firmware, which goes on");
}

static void registers_beyond_the_first_page_are_mapped(void **state)
{
	assert_null(unit.ops->probe(&unit));
	assert_int_equal(mapped, 0);
	vtd_unit.cap = VTD_CAP(0xff0, 1, 48) | VTD_CAP_4;
	assert_null(unit.ops->probe(&unit));
	assert_int_equal(mapped, 0);
	vtd_unit.cap = VTD_CAP(0xff0, 2, 48) | VTD_CAP_4;
	assert_null(unit.ops->probe(&unit));
	assert_int_equal(mapped, 2 * PAGE_SIZE);
	assert_int_equal(unit.size, 2 * PAGE_SIZE);
	new_unit();
	vtd_unit_reset();
	vtd_unit.ecap |= VTD_ECAP(0x3ff0);
	assert_null(unit.ops->probe(&unit));
	assert_int_equal(unit.size, 4 * PAGE_SIZE);
	new_unit();
	mappable = PAGE_SIZE;
	assert_string_equal(unit.ops->probe(&unit),
			    "has registers where none can be");
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
		TEST(a_command_of_the_firmwares_seems_to_be_done),
		TEST(what_a_unit_can_is_read_from_its_capabilities),
		TEST(a_unit_that_is_none_or_can_not_is_named),
		TEST(registers_beyond_the_first_page_are_mapped),
		TEST(faults_are_taken_one_by_one),
		TEST(after_an_overflow_faults_are_recorded_again),
		TEST(a_look_at_no_faults_costs_one_read),
		TEST(a_unit_that_is_gone_has_no_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
