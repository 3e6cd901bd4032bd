/*
 * AMD's units, driven as the specification demands: amdvi_unit.c is a unit that
 * fails the test when it is told anything in a wrong order, and says what it
 * was told. Its events are all those that there are.
 */
#include "amdvi_unit.h"

/* Its tables are to be forgotten between two tests. */
#include "iommu/amdvi.c"

#define VMM      0x1bc00000UL
#define VMM_SIZE (64 * MIB)
#define CARD     0x0320

static const struct dma_range vmm = {VMM, VMM + VMM_SIZE};
static const struct dma_range rings = {VMM + 5 * MIB, VMM + 5 * MIB + 0x3000};
static struct dma_map all, own;
static const struct dma_guest card = {CARD, &own};
static struct iommu_unit unit;
static struct dma_fault fault;

struct boot_info boot_info;

static void new_unit(void)
{
	unit = (struct iommu_unit){
		.ops = &amdvi_ops,
		.base = AMDVI_BASE,
		.size = 512 * KIB,
		.regs = (void *)AMDVI_BASE,
	};
}

static int set_up(void **state)
{
	memset(device_tables, 0, sizeof(device_tables));
	memset(commands, 0x5a, sizeof(commands));
	memory_reset(1100);
	amdvi_unit_reset();
	new_unit();
	return 0;
}

static void build_maps(void)
{
	all = (struct dma_map){.format = &amdvi_format,
			       .max_leaf = unit.max_leaf,
			       .ranges = &vmm,
			       .count = 1,
			       .top = 512 * GIB};
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
	return unit.ops->start(&unit, &all, guest);
}

static bool reaches(u16 bdf, u64 address)
{
	u64 to = ~address;
	uint domain = 0, rights = amdvi_unit_access(bdf, address, &to, &domain);

	assert_int_equal(domain, bdf == CARD ? 2 : 1);
	if (!rights)
		return false;
	assert_int_equal(to, address);
	assert_int_equal(rights, MAY_READ | MAY_WRITE);
	return true;
}

static void assert_runs(void)
{
	assert_false(amdvi_unit_is_stale());
	assert_int_equal(amdvi_unit.exclusion[0], 0);
	assert_int_equal(amdvi_unit.exclusion[1], 0);
	assert_int_equal(amdvi_unit.status,
			 AMDVI_RUN_EVENTS | AMDVI_RUN_COMMANDS);
	assert_false(unit.ops->next_fault(&unit, &fault));
	for (uint bdf = 0; bdf < 0x10000; bdf += bdf % 256 ? 1 : 255) {
		if (bdf == CARD)
			continue;
		assert_true(reaches(bdf, VMM - 1));
		assert_false(reaches(bdf, VMM));
		assert_false(reaches(bdf, VMM + VMM_SIZE - 1));
		assert_true(reaches(bdf, VMM + VMM_SIZE));
		assert_false(reaches(bdf, 512 * GIB));
	}
}

static void what_a_unit_can_is_read_from_its_features(void **state)
{
	for (u64 levels = 0; levels < 4; levels++) {
		amdvi_unit.features = levels << 10;
		new_unit();
		if (levels == 3) {
			assert_string_equal(unit.ops->probe(&unit),
					    "walks no tables of ours");
			continue;
		}
		assert_null(unit.ops->probe(&unit));
		assert_int_equal(unit.levels, 4);
		assert_int_equal(unit.max_leaf, LEVEL_1G);
		assert_int_equal(unit.bits, 48);
		assert_int_equal(unit.size, 16 * KIB);
	}
	new_unit();
	amdvi_unit.features = AMDVI_COUNTERS;
	assert_null(unit.ops->probe(&unit));
	assert_int_equal(unit.size, 512 * KIB);
	amdvi_unit.control = BIT(50); /* and it is off */
	assert_null(unit.ops->probe(&unit));
	amdvi_unit.control |= AMDVI_ON;
	assert_string_equal(
		unit.ops->probe(&unit),
		"remaps interrupts for the firmware, which goes on");
	amdvi_unit.control = AMDVI_ON;
	assert_null(unit.ops->probe(&unit));
	boot_info.firmware = BOOT_UEFI; /* its drivers are alive */
	assert_string_equal(unit.ops->probe(&unit),
			    "translates for the firmware, which goes on");
	boot_info.firmware = BOOT_BIOS;
	amdvi_unit.gone = true;
	assert_string_equal(unit.ops->probe(&unit), "does not answer");
	assert_string_equal(amdvi_unit.told, "");
}

static void tables_and_rings_are_there_before_it_is_switched_on(void **state)
{
	assert_null(start_with(NULL));
	assert_string_equal(amdvi_unit.told,
			    "off table commands events run all");
	assert_runs();
}

/* The model fails when it is switched off. */
static void what_firmware_left_on_is_taken_over_without_a_gap(void **state)
{
	amdvi_unit.control = AMDVI_ON | AMDVI_EVENTS | AMDVI_COMMANDS | BIT(3) |
			     BIT(4) | BIT(13) | BIT(17) | BIT(34) | BIT(40);
	amdvi_unit.status =
		AMDVI_RUN_EVENTS | AMDVI_RUN_COMMANDS | AMDVI_OVERFLOW;
	amdvi_unit.exclusion[0] = 0x1bc00003;
	amdvi_unit.exclusion[1] = 0x1fbff000;
	amdvi_unit.command_head = amdvi_unit.command_tail = 0x340;
	amdvi_unit.slow = 1000;
	assert_null(start_with(&card));
	assert_string_equal(amdvi_unit.told,
			    "stop table commands events run all");
	assert_runs();
}

/* Done only when it is waited for, so that the ring could overflow. */
static void without_a_command_for_all_each_device_is_named(void **state)
{
	for (uint lazy = 0; lazy < 2; lazy++) {
		set_up(NULL);
		amdvi_unit.features = 0;
		amdvi_unit.lazy = lazy;
		assert_null(start_with(&card));
		assert_string_equal(amdvi_unit.told,
				    "off table commands events run devices "
				    "pages pages");
		assert_runs();
	}
}

static void the_flags_of_the_ivrs_table_are_obeyed(void **state)
{
	for (uint flags = 0; flags < 256; flags++) {
		set_up(NULL);
		unit.flags = flags;
		assert_null(start_with(NULL));
		assert_int_equal(amdvi_unit.control,
				 BIT(0) | BIT(2) | BIT(10) | BIT(12) |
					 (flags & 1 ? BIT(1) : 0) |
					 (flags & 2 ? BIT(8) : 0) |
					 (flags & 4 ? BIT(9) : 0) |
					 (flags & 8 ? BIT(11) : 0));
	}
}

static void a_unit_that_does_not_obey_is_given_up(void **state)
{
	amdvi_unit.control = AMDVI_ON | AMDVI_COMMANDS;
	amdvi_unit.status = AMDVI_RUN_COMMANDS;
	amdvi_unit.keeps_running = true;
	assert_string_equal(start_with(NULL),
			    "does not stop what the firmware began");
	assert_string_equal(amdvi_unit.told, "stop");
	for (uint i = 0; i < 2; i++) {
		set_up(NULL);
		amdvi_unit.features = i ? AMDVI_INVALIDATE_ALL : 0;
		amdvi_unit.deaf = true;
		assert_string_equal(start_with(NULL),
				    "does not forget what it has read");
	}
}

static void our_own_function_reaches_its_rings_alone(void **state)
{
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

static void units_share_the_table_of_devices(void **state)
{
	u64 table;
	uint pages, domain;

	assert_null(start_with(&card));
	assert_int_equal(memory_pages - all.pages - own.pages, 513);
	pages = memory_pages;
	table = amdvi_unit.table;
	amdvi_unit_reset();
	new_unit();
	assert_null(unit.ops->probe(&unit));
	assert_null(unit.ops->start(&unit, &all, &card));
	assert_int_equal(memory_pages, pages + 1); /* its events */
	assert_int_equal(amdvi_unit.table, table);
	assert_runs();
	/* One that does not have our card has another. */
	amdvi_unit_reset();
	new_unit();
	assert_null(unit.ops->probe(&unit));
	assert_null(unit.ops->start(&unit, &all, NULL));
	assert_int_equal(memory_pages, pages + 514);
	assert_runs();
	assert_false(amdvi_unit_access(CARD, VMM, &table, &domain));
	assert_true(amdvi_unit_access(CARD, 0, &table, &domain));
	assert_int_equal(domain, 1);
}

static void handed_back_it_translates_no_more(void **state)
{
	assert_null(start_with(&card));
	amdvi_unit.told[0] = '\0';
	amdvi_unit.may_stop = true;
	unit.ops->stop(&unit);
	assert_string_equal(amdvi_unit.told, "off");
	assert_int_equal(amdvi_unit.control, 0);
}

/* Registers are lost, memory is not; nor are events that nobody read. */
static void after_a_sleep_it_starts_without_memory(void **state)
{
	assert_null(start_with(&card));
	for (uint i = 0; i < 3; i++) {
		uint pages = memory_pages;

		amdvi_unit_event(2UL << 60 | 7, 0x1000);
		amdvi_unit_event(2UL << 60 | 8, 0x1000);
		assert_true(unit.ops->next_fault(&unit, &fault));
		amdvi_unit_reset();
		assert_null(unit.ops->start(&unit, &all, &card));
		assert_int_equal(memory_pages, pages);
		assert_string_equal(amdvi_unit.told,
				    "off table commands events run all");
		assert_runs();
	}
}

static void without_memory_nothing_is_told(void **state)
{
	for (uint left = 0; left < 513; left += 256) {
		set_up(NULL);
		assert_null(unit.ops->probe(&unit));
		build_maps();
		while (memory_pages < 1100 - left)
			assert_non_null(new_page(NULL));
		assert_string_equal(unit.ops->start(&unit, &all, &card),
				    "no memory for its tables");
		assert_string_equal(amdvi_unit.told, "");
	}
}

/* Bits of the first word: who, and then bits 32 to 63. */
#define EVENT(kind, flags, bdf) ((u64)(kind) << 60 | (u64)(flags) << 32 | (bdf))
#define RW                      BIT(21)

static void events_of_all_kinds_are_told_apart(void **state)
{
	static const struct {
		u64 first, second;
		bool write;
	} events[] = {
		{EVENT(1, RW, 0x0018), 0x1bc00008, true},
		{EVENT(1, 0, 0x0018), 0x1bc00008, false},
		/* a page fault: of a domain, present or not */
		{EVENT(2, RW | BIT(20) | 1, 0xff07), 0x1bc00040, true},
		{EVENT(2, RW | 1, 0xff07), 0x1bc00040, true},
		{EVENT(2, BIT(20) | 2, 0x0000), 0xfffffffffffff000, false},
		{EVENT(3, RW, 0x0100), 0x1c000000, true},
		{EVENT(4, 0, 0x0100), 0x1c000000, false},
		/* no access, so no direction: that bit is something else */
		{EVENT(7, RW, 0x0200), 0x1c001000, false},
		{EVENT(8, RW | BIT(25), 0x0300), 0xfee00000, false},
		{EVENT(9, RW, 0x0400), 0x5000, false},
		{EVENT(11, RW, 0x0500), 0x6000, false},
		{EVENT(15, RW, 0x0600), 0x7000, false},
	};

	assert_null(start_with(NULL));
	for (uint i = 0; i < ARRAY_SIZE(events); i++) {
		amdvi_unit_event(EVENT(5, 0, 0), 0x1000); /* not a device's */
		amdvi_unit_event(events[i].first, events[i].second);
		amdvi_unit_event(EVENT(6, 0, 0), 0x1000);
		amdvi_unit_event(EVENT(10, 0, 0), 0x1000);
		assert_true(unit.ops->next_fault(&unit, &fault));
		assert_int_equal(fault.bdf, events[i].first & 0xffff);
		assert_int_equal(fault.address, events[i].second);
		assert_int_equal(fault.write, events[i].write);
		assert_int_equal(fault.reason, events[i].first >> 60);
		assert_false(unit.ops->next_fault(&unit, &fault));
		assert_int_equal(amdvi_unit.event_head, amdvi_unit.event_tail);
	}
}

static void the_ring_of_events_is_gone_round(void **state)
{
	u64 got = 0, sent = 0;

	assert_null(start_with(NULL));
	for (uint round = 0; round < 50; round++) {
		for (uint i = 0; i < 1 + round * 5; i++, sent++)
			amdvi_unit_event(EVENT(2, 0, (u16)sent), sent << 12);
		for (; got < sent; got++) {
			assert_true(unit.ops->next_fault(&unit, &fault));
			assert_int_equal(fault.bdf, (u16)got);
			assert_int_equal(fault.address, got << 12);
		}
		assert_false(unit.ops->next_fault(&unit, &fault));
	}
	assert_false(amdvi_unit.status & AMDVI_OVERFLOW);
}

/* The tail may be further than what is in memory. */
static void an_event_that_is_not_there_yet_is_waited_for(void **state)
{
	u64 *entry;

	assert_null(start_with(NULL));
	entry = memory_word(amdvi_unit.events & 0x000ffffffffff000UL);
	amdvi_unit.event_tail = 16;
	assert_false(unit.ops->next_fault(&unit, &fault));
	assert_int_equal(amdvi_unit.event_head, 0);
	entry[1] = 0x1000;
	entry[0] = EVENT(2, 0, 0x18);
	assert_true(unit.ops->next_fault(&unit, &fault));
	assert_int_equal(fault.bdf, 0x18);
	assert_int_equal(amdvi_unit.event_head, 16);
}

static void after_an_overflow_events_are_logged_again(void **state)
{
	assert_null(start_with(NULL));
	for (uint round = 0; round < 5; round++) {
		uint got = 0;

		for (uint i = 0; i < 300; i++)
			amdvi_unit_event(EVENT(2, 0, i), i);
		assert_true(amdvi_unit.status & AMDVI_OVERFLOW);
		for (; unit.ops->next_fault(&unit, &fault); got++)
			assert_int_equal(fault.bdf, got);
		assert_int_equal(got, 255);
		assert_int_equal(amdvi_unit.status,
				 AMDVI_RUN_EVENTS | AMDVI_RUN_COMMANDS);
	}
}

static void a_unit_that_is_gone_has_no_events(void **state)
{
	assert_null(start_with(NULL));
	amdvi_unit.told[0] = '\0';
	amdvi_unit.gone = true;
	assert_false(unit.ops->next_fault(&unit, &fault));
	assert_string_equal(amdvi_unit.told, "");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_unit_can_is_read_from_its_features),
		TEST(tables_and_rings_are_there_before_it_is_switched_on),
		TEST(what_firmware_left_on_is_taken_over_without_a_gap),
		TEST(without_a_command_for_all_each_device_is_named),
		TEST(the_flags_of_the_ivrs_table_are_obeyed),
		TEST(a_unit_that_does_not_obey_is_given_up),
		TEST(our_own_function_reaches_its_rings_alone),
		TEST(units_share_the_table_of_devices),
		TEST(after_a_sleep_it_starts_without_memory),
		TEST(handed_back_it_translates_no_more),
		TEST(without_memory_nothing_is_told),
		TEST(events_of_all_kinds_are_told_apart),
		TEST(the_ring_of_events_is_gone_round),
		TEST(an_event_that_is_not_there_yet_is_waited_for),
		TEST(after_an_overflow_events_are_logged_again),
		TEST(a_unit_that_is_gone_has_no_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
