/*
 * Intel's units, driven as the manual demands: vtd_unit.c is a unit that fails
 * the test when it is told anything in a wrong order, and says what it was
 * told.
 */
#include "vtd_unit.h"

/* Its tables are to be forgotten between two tests. */
#include "iommu/vtd.c"

#define VMM      0x1bc00000UL
#define VMM_SIZE (64 * MIB)
#define CARD     0x0320

static const struct dma_range vmm = {VMM, VMM + VMM_SIZE};
static const struct dma_range rings = {VMM + 5 * MIB, VMM + 5 * MIB + 0x3000};
static struct dma_map all, own;
static const struct dma_guest card = {CARD, &own};
static struct iommu_unit unit;
static u8 seen[PAGE_SIZE];

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	fail();
	return NULL;
}

static void new_unit(void)
{
	unit = (struct iommu_unit){
		.ops = &vtd_ops,
		.base = VTD_BASE,
		.size = PAGE_SIZE,
		.regs = (void *)VTD_BASE,
		.seen = seen,
	};
}

static int set_up(void **state)
{
	memset(roots, 0, sizeof(roots));
	memory_reset(100);
	vtd_unit_reset();
	new_unit();
	return 0;
}

/* Maps as iommu.c makes them for what the unit can. */
static void build_maps(void)
{
	all = (struct dma_map){.format = &vtd_format,
			       .max_leaf = unit.max_leaf,
			       .ranges = &vmm,
			       .count = 1,
			       .top = 4 * GIB};
	own = all;
	own.ranges = &rings;
	own.top = 0;
	assert_int_equal(dma_map_build(&all), 0);
	assert_int_equal(dma_map_build(&own), 0);
}

static const char *start_with(const struct dma_guest *guest)
{
	assert_null(unit.ops->probe(&unit));
	build_maps();
	vtd_unit.told[0] = '\0';
	return unit.ops->start(&unit, &all, guest);
}

static bool reaches(u16 bdf, u64 address)
{
	u64 to = ~address;
	uint domain = 0, rights = vtd_unit_access(bdf, address, &to, &domain);

	if (!rights)
		return false;
	assert_int_equal(to, address);
	assert_int_equal(rights, MAY_READ | MAY_WRITE);
	assert_int_equal(domain, bdf == CARD ? 2 : 1);
	return true;
}

/* It translates, knows nothing of old, and keeps all devices out. */
static void assert_runs(void)
{
	static const u16 devices[] = {0, 7, 0x18, 0xff, 0x100, 0x8000, 0xffff};

	assert_true(vtd_unit.status & VTD_TE);
	assert_false(vtd_unit.stale_contexts || vtd_unit.stale_iotlb);
	assert_false(vtd_unit.closed);
	assert_int_equal(vtd_unit.fault_control, BIT(31));
	for (uint i = 0; i < ARRAY_SIZE(devices); i++) {
		assert_true(reaches(devices[i], 0));
		assert_true(reaches(devices[i], VMM - 1));
		assert_false(reaches(devices[i], VMM));
		assert_false(reaches(devices[i], VMM + VMM_SIZE - 1));
		assert_true(reaches(devices[i], VMM + VMM_SIZE));
		assert_true(reaches(devices[i], 4 * GIB - 1));
		assert_false(reaches(devices[i], 4 * GIB));
	}
}

static void a_unit_with_a_queue_is_told_by_it(void **state)
{
	static const u32 versions[] = {0x10, 0x52, 0x60};

	for (uint i = 0; i < ARRAY_SIZE(versions); i++) {
		set_up(NULL);
		vtd_unit.version = versions[i];
		assert_null(start_with(NULL));
		assert_string_equal(vtd_unit.told,
				    "SRTP QIE contexts iotlb wait TE");
		assert_runs();
	}
}

static void a_unit_without_a_queue_is_told_by_registers(void **state)
{
	vtd_unit.ecap &= ~VTD_ECAP_QUEUE;
	assert_null(start_with(NULL));
	assert_string_equal(vtd_unit.told, "SRTP contexts iotlb TE");
	assert_runs();
}

/* Tables that are still in a cache or a buffer are junk to this model. */
static void tables_are_flushed_before_the_unit_is_given_them(void **state)
{
	memory_is_cached();
	vtd_unit.ecap &= ~VTD_ECAP_COHERENT;
	assert_null(start_with(&card));
	assert_string_equal(vtd_unit.told,
			    "wbinvd SRTP QIE contexts iotlb wait TE");
	assert_runs();

	set_up(NULL);
	memory_is_buffered();
	vtd_unit.cap |= VTD_CAP_RWBF;
	assert_null(start_with(&card));
	assert_string_equal(vtd_unit.told,
			    "WBF SRTP QIE contexts iotlb wait TE");
	assert_runs();

	set_up(NULL);
	memory_is_cached();
	memory_is_buffered();
	vtd_unit.cap |= VTD_CAP_RWBF | VTD_CAP_CM;
	vtd_unit.ecap &= ~(VTD_ECAP_COHERENT | VTD_ECAP_QUEUE);
	assert_null(start_with(&card));
	assert_string_equal(vtd_unit.told, "wbinvd WBF SRTP contexts iotlb TE");
	assert_runs();
}

static void each_command_is_waited_for(void **state)
{
	vtd_unit.slow = 1000;
	vtd_unit.cap |= VTD_CAP_RWBF;
	vtd_unit.status = VTD_EAFL | VTD_CFI;
	assert_null(start_with(NULL));
	assert_string_equal(vtd_unit.told,
			    "EAFL- WBF SRTP QIE contexts iotlb wait TE");
	assert_int_equal(vtd_unit.status & VTD_CFI, VTD_CFI);
	assert_runs();
}

/* The model fails when translation ends. */
static void what_firmware_left_on_is_taken_over_without_a_gap(void **state)
{
	vtd_unit.status = VTD_TE | VTD_SRTP | VTD_QIE | VTD_EAFL | VTD_CFI;
	vtd_unit.rtaddr = vtd_unit.root = 0x7b000000;
	vtd_unit.queue = 0x7b001000;
	vtd_unit.head = 0xff0; /* it has still to do what is in there */
	vtd_unit.tail = 0x050;
	vtd_unit.stale_contexts = vtd_unit.stale_iotlb = true;
	vtd_unit.closed = true;
	assert_null(start_with(&card));
	assert_string_equal(vtd_unit.told,
			    "QIE- EAFL- SRTP QIE contexts iotlb wait open");
	assert_runs();
}

static void a_queue_that_is_stuck_is_stopped_all_the_same(void **state)
{
	vtd_unit.status = VTD_TE | VTD_SRTP | VTD_QIE;
	vtd_unit.stuck = true;
	vtd_unit.head = 0x10;
	vtd_unit.tail = 0x30;
	vtd_unit.faults = BIT(4);
	assert_null(unit.ops->probe(&unit));
	assert_true(stop_firmware(&unit));
	assert_string_equal(vtd_unit.told, "QIE-");
	assert_int_equal(vtd_unit.faults, 0);
}

static void protected_memory_is_opened_once_we_translate(void **state)
{
	vtd_unit.closed = true;
	assert_null(start_with(NULL));
	assert_string_equal(vtd_unit.told,
			    "SRTP QIE contexts iotlb wait TE open");
	assert_runs();
	set_up(NULL);
	vtd_unit.closed = vtd_unit.keeps_closed = true;
	assert_string_equal(start_with(NULL),
			    "keeps memory of the firmware's closed");
}

static void a_mode_that_can_not_be_left_is_not_touched(void **state)
{
	static const char other_mode[] =
		"translates in a way that has to end before ours begins";

	for (u64 mode = 1; mode < 4; mode++) {
		set_up(NULL);
		assert_null(unit.ops->probe(&unit));
		build_maps();
		vtd_unit.status = VTD_TE | VTD_SRTP | VTD_QIE;
		vtd_unit.rtaddr = vtd_unit.root = 0x7b000000 | mode << 10;
		assert_string_equal(unit.ops->probe(&unit), other_mode);
		assert_string_equal(unit.ops->start(&unit, &all, NULL),
				    other_mode);
		assert_string_equal(vtd_unit.told, "");
		assert_int_equal(vtd_unit.rtaddr, 0x7b000000 | mode << 10);
		vtd_unit.status = 0; /* it translates nothing */
		assert_null(unit.ops->probe(&unit));
		assert_null(unit.ops->start(&unit, &all, NULL));
		assert_runs();
	}
}

/* When the machine wakes, its firmware may have done so in between. */
static void remapping_that_is_on_at_the_start_is_not_touched(void **state)
{
	assert_null(unit.ops->probe(&unit));
	build_maps();
	vtd_unit.status = VTD_IRE;
	assert_string_equal(
		unit.ops->start(&unit, &all, NULL),
		"remaps interrupts for the firmware, which goes on");
	assert_string_equal(vtd_unit.told, "");
}

/* Newer units change the mode and the tables at once. */
static void where_it_may_change_a_mode_is_left_without_a_gap(void **state)
{
	for (u64 mode = 1; mode < 4; mode++) {
		set_up(NULL);
		vtd_unit.cap |= VTD_CAP_ESRTPS;
		vtd_unit.status = VTD_TE | VTD_SRTP;
		vtd_unit.rtaddr = vtd_unit.root = 0x7b000000 | mode << 10;
		assert_null(start_with(&card));
		assert_string_equal(vtd_unit.told,
				    "SRTP QIE contexts iotlb wait");
		assert_runs();
	}
}

static void a_unit_that_does_not_obey_is_given_up(void **state)
{
	static const struct {
		u32 status, deaf;
		const char *why;
	} units[] = {
		{VTD_QIE, VTD_QIE, "does not stop what the firmware began"},
		{VTD_EAFL, VTD_EAFL, "does not stop what the firmware began"},
		{0, VTD_WBF, "does not write what it has buffered"},
		{0, VTD_SRTP, "does not take its tables"},
		{0, VTD_QIE, "does not forget what it has read"},
		{0, VTD_TE, "does not begin"},
	};

	for (uint i = 0; i < ARRAY_SIZE(units); i++) {
		set_up(NULL);
		vtd_unit.cap |= VTD_CAP_RWBF;
		vtd_unit.status = units[i].status;
		vtd_unit.deaf = units[i].deaf;
		assert_string_equal(start_with(NULL), units[i].why);
		assert_false(vtd_unit.status & VTD_TE);
	}
}

static void an_invalidation_that_is_not_done_is_noticed(void **state)
{
	for (uint i = 0; i < 4; i++) {
		set_up(NULL);
		if (i)
			vtd_unit.ecap &= ~VTD_ECAP_QUEUE;
		vtd_unit.no_queue = i == 0;
		vtd_unit.no_contexts = i == 1;
		vtd_unit.no_iotlb = i == 2;
		vtd_unit.does_nothing = i == 3;
		assert_string_equal(start_with(NULL),
				    "does not forget what it has read");
		assert_false(vtd_unit.status & VTD_TE);
	}
}

static void our_own_function_reaches_its_rings_alone(void **state)
{
	static const u64 caps[] = {VTD_CAP_3, VTD_CAP_4};

	for (uint i = 0; i < ARRAY_SIZE(caps); i++) {
		set_up(NULL);
		vtd_unit.cap = VTD_CAP(0x220, 1, 39) | VTD_CAP_2M | caps[i];
		assert_null(start_with(&card));
		assert_runs();
		for (u64 a = rings.base; a < rings.end; a += 8)
			assert_true(reaches(CARD, a));
		assert_false(reaches(CARD, rings.base - 1));
		assert_false(reaches(CARD, rings.end));
		assert_false(reaches(CARD, 0));
		assert_false(reaches(CARD, 3 * GIB));
		for (uint bdf = 0; bdf < 0x10000; bdf++)
			if (bdf != CARD)
				assert_false(reaches(bdf, rings.base));
		assert_true(reaches(CARD + 1, 0));
		assert_true(reaches(CARD + 0x100, 0));
	}
}

static void a_function_with_an_empty_map_reaches_nothing(void **state)
{
	vtd_unit.cap = VTD_CAP(0x220, 1, 39) | VTD_CAP_3 | VTD_CAP_1G;
	assert_null(unit.ops->probe(&unit));
	build_maps();
	memset(vmm_phys_to_virt(own.root), 0, PAGE_SIZE);
	assert_null(unit.ops->start(&unit, &all, &card));
	assert_runs();
	for (u64 a = 0; a < 4 * GIB; a += MIB)
		assert_false(reaches(CARD, a));
}

static void units_share_their_tables(void **state)
{
	uint pages, domain;
	u64 root;

	assert_null(start_with(&card));
	assert_int_equal(memory_pages - all.pages - own.pages, 3);
	pages = memory_pages;
	root = vtd_unit.root;
	vtd_unit_reset();
	new_unit();
	assert_null(unit.ops->probe(&unit));
	assert_null(unit.ops->start(&unit, &all, &card));
	assert_int_equal(memory_pages, pages);
	assert_int_equal(vtd_unit.root, root);
	assert_runs();
	/* One that does not have our card has others. */
	vtd_unit_reset();
	new_unit();
	assert_null(unit.ops->probe(&unit));
	assert_null(unit.ops->start(&unit, &all, NULL));
	assert_int_equal(memory_pages, pages + 2);
	assert_runs();
	assert_false(vtd_unit_access(CARD, VMM, &root, &domain));
	assert_true(vtd_unit_access(CARD, 0, &root, &domain));
	assert_int_equal(domain, 1);
	/* So has one of 3 levels beside one of 4. */
	vtd_unit_reset();
	vtd_unit.cap = VTD_CAP(0x220, 1, 39) | VTD_CAP_3;
	new_unit();
	assert_null(unit.ops->probe(&unit));
	unit.cap |= VTD_CAP_1G; /* leaves are those that all know */
	vtd_unit.cap |= VTD_CAP_1G;
	assert_null(unit.ops->start(&unit, &all, &card));
	assert_int_equal(memory_pages, pages + 5);
	assert_runs();
}

static void handed_back_it_translates_no_more(void **state)
{
	assert_null(start_with(&card));
	vtd_unit.told[0] = '\0';
	vtd_unit.may_stop = true;
	unit.ops->stop(&unit);
	assert_string_equal(vtd_unit.told, "TE- QIE-");
	assert_false(vtd_unit.status & VTD_TE);
}

/* Registers are lost, memory is not. */
static void after_a_sleep_it_starts_without_memory(void **state)
{
	char told[sizeof(vtd_unit.told)];

	assert_null(start_with(&card));
	memcpy(told, vtd_unit.told, sizeof(told));
	for (uint i = 0; i < 3; i++) {
		uint pages = memory_pages;

		vtd_unit_reset();
		assert_null(unit.ops->start(&unit, &all, &card));
		assert_int_equal(memory_pages, pages);
		assert_string_equal(vtd_unit.told, told);
		assert_runs();
	}
}

static void without_memory_nothing_is_told(void **state)
{
	for (uint left = 0; left < 3; left++) {
		set_up(NULL);
		assert_null(unit.ops->probe(&unit));
		build_maps();
		while (memory_pages < 100 - left)
			assert_non_null(new_page(&(phys_t){0}));
		assert_string_equal(unit.ops->start(&unit, &all, &card),
				    "no memory for its tables");
		assert_string_equal(vtd_unit.told, "");
	}
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_unit_with_a_queue_is_told_by_it),
		TEST(a_unit_without_a_queue_is_told_by_registers),
		TEST(tables_are_flushed_before_the_unit_is_given_them),
		TEST(each_command_is_waited_for),
		TEST(what_firmware_left_on_is_taken_over_without_a_gap),
		TEST(a_queue_that_is_stuck_is_stopped_all_the_same),
		TEST(protected_memory_is_opened_once_we_translate),
		TEST(a_mode_that_can_not_be_left_is_not_touched),
		TEST(remapping_that_is_on_at_the_start_is_not_touched),
		TEST(where_it_may_change_a_mode_is_left_without_a_gap),
		TEST(a_unit_that_does_not_obey_is_given_up),
		TEST(an_invalidation_that_is_not_done_is_noticed),
		TEST(our_own_function_reaches_its_rings_alone),
		TEST(a_function_with_an_empty_map_reaches_nothing),
		TEST(units_share_their_tables),
		TEST(after_a_sleep_it_starts_without_memory),
		TEST(handed_back_it_translates_no_more),
		TEST(without_memory_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
