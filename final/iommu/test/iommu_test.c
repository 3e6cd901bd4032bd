/*
 * What is done with a machine's IOMMUs as a whole: what is closed, how far the
 * map reaches, what is said, and what happens when one of them fails. The units
 * are fakes, which note what they are told.
 */
#include "iommu/faults.c"
#include "iommu/iommu.c"

#include "machine.h"
#include "memory.h"

#define VMM      0x1bc00000UL
#define VMM_SIZE (64 * MIB)
#define CARD     PCI_BDF(3, 4, 1)
#define RINGS    (VMM + 5 * MIB)

struct boot_info boot_info;
void (*vmm_between_exits)(void);
const struct setting_type choice_type;
static int chosen;

/* What units are like, and what they were told: "start 0 card, stop 1". */
static const char *probe_says, *start_says;
static uint fails_at; /* the unit that says so */
static uint max_leaf, bits;
static char told[512];
static uint waiting; /* faults that wait in unit 0 */

int setting_choice(const struct setting *setting)
{
	return chosen;
}

static uint number(const struct iommu_unit *unit)
{
	return unit - units;
}

static const char *fake_probe(struct iommu_unit *unit)
{
	unit->levels = 4;
	unit->max_leaf = max_leaf;
	unit->bits = bits;
	return number(unit) == fails_at ? probe_says : NULL;
}

static const char *fake_start(struct iommu_unit *unit,
			      const struct dma_map *everything,
			      const struct dma_guest *guest)
{
	size_t used = strlen(told);

	assert_ptr_equal(everything, &all);
	snprintf(told + used, sizeof(told) - used, "start %u%s, ", number(unit),
		 guest ? " card" : "");
	return number(unit) == fails_at ? start_says : NULL;
}

static void fake_stop(struct iommu_unit *unit)
{
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "stop %u, ", number(unit));
}

static bool fake_fault(struct iommu_unit *unit, struct dma_fault *fault)
{
	if (number(unit) || !waiting)
		return false;
	waiting--;
	*fault = (struct dma_fault){
		.bdf = 0x18, .address = VMM, .write = true, .reason = 5};
	return true;
}

static void fake_echo(struct iommu_unit *unit, uint at, u32 value)
{
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "echo %u 0x%x 0x%x, ",
		 number(unit), at, value);
}

const struct iommu_ops vtd_ops = {fake_probe, fake_start, fake_stop, fake_echo,
				  fake_fault};
const struct iommu_ops amdvi_ops = {fake_probe, fake_start, fake_stop, NULL,
				    fake_fault};
const struct dma_format vtd_format = {3, 0, 3, BIT(7)};
const struct dma_format amdvi_format = {BIT(0) | 3UL << 61, 9,
					BIT(0) | 3UL << 61, 0};

static int set_up(void **state)
{
	memory_reset(600);
	machine = (struct machine){0};
	memset(units, 0, sizeof(units));
	memset(hidden, 0, sizeof(hidden));
	all = (struct dma_map){.ranges = closed};
	own_map = (struct dma_map){.ranges = &own_range};
	unit_count = 0;
	running = false;
	vmm_between_exits = NULL;
	faults = waiting = watched_count = 0;
	probe_says = start_says = NULL;
	fails_at = ~0U;
	chosen = IOMMU_ON;
	max_leaf = LEVEL_1G;
	bits = 48;
	told[0] = host_printed[0] = '\0';
	boot_info = (struct boot_info){
		.vmm_base = PHYS(VMM),
		.vmm_size = VMM_SIZE,
		.low = {0x8f000, PAGE_SIZE, 0},
		.map = {3,
			{{0, 640 * KIB, MEM_RAM},
			 {MIB, GIB - MIB, MEM_RAM},
			 {4 * GIB, 4 * GIB, MEM_RAM}}},
	};
	return 0;
}

static bool reaches(u64 address)
{
	u64 to;

	return walk_vtd(all.root.v, 4, max_leaf, address, &to);
}

static void assert_closed(u64 base, u64 size)
{
	assert_true(!base || reaches(base - 1));
	assert_false(reaches(base));
	assert_false(reaches(base + size - 1));
	assert_true(reaches(base + size));
}

static void what_is_ours_is_closed_and_all_else_is_open(void **state)
{
	struct pci_function card = {.bdf = CARD};

	card.bars[0].base = 0xfebc0800; /* less than a page */
	card.bars[0].size = 0x400;
	card.bars[2].base = 0xc000; /* ports */
	card.bars[2].size = 0x20;
	card.bars[2].io = true;
	machine_has_dmar(3, true);
	iommu_own(&card, PHYS(RINGS), 0x3000);
	iommu_close(0x7ff00010, 0x20);
	machine.ecam = 0xb0000000;
	assert_null(iommu_init());
	assert_closed(VMM, VMM_SIZE);
	assert_closed(0x8f000, PAGE_SIZE);
	assert_closed(0xb0200000, 4 * MIB); /* of its configuration space */
	assert_closed(0xfed90000, 3 * PAGE_SIZE);
	assert_closed(0xfebc0000, PAGE_SIZE);
	assert_closed(0x7ff00000, PAGE_SIZE);
	assert_true(reaches(0xc000));
	assert_true(reaches(512 * GIB - 1));
	assert_false(reaches(512 * GIB));
	assert_int_equal(own.bdf, CARD);
	assert_string_equal(told, "start 0 card, start 1 card, start 2, ");
	assert_int_equal(machine.watched, 3);
	assert_non_null(strstr(host_printed, "iommu: DMAR, 3 units, 4 levels"));
	assert_non_null(strstr(host_printed, "devices are kept out\n"));
	assert_non_null(strstr(host_printed, "03:04.1 is ours"));
}

/* As firmware's table may say that is wrong; one byte is enough. */
static void what_cannot_be_configuration_space_stays_open(void **state)
{
	for (uint i = 0; i < 2; i++) {
		set_up(NULL);
		machine_has_dmar(1, false);
		machine.ecam = 4 * GIB - 6 * MIB;
		boot_info.map.range[2].base += i ? 0 : -1;
		assert_null(iommu_init());
		assert_int_equal(reaches(4 * GIB - 4 * MIB), !i);
		assert_int_equal(reaches(4 * GIB - 1), !i);
		assert_int_equal(!strstr(host_printed,
					 "iommu: no ECAM can be at 0xffc00000-"
					 "0xffffffff, which has RAM: left "
					 "open to devices\n"),
				 i);
	}
}

static void without_a_card_no_unit_is_told_of_one(void **state)
{
	machine_has_dmar(2, false);
	assert_null(iommu_init());
	assert_string_equal(told, "start 0, start 1, ");
	assert_null(strstr(host_printed, "is ours"));
}

/* All that is memory, and what the firmware's devices use. */
static void the_map_reaches_as_far_as_there_is_memory(void **state)
{
	static const struct {
		u64 memory, reserved;
		uint leaf, bits;
		u64 top;
	} machines[] = {
		{GIB, 0, LEVEL_1G, 48, 512 * GIB},
		{GIB, 0, LEVEL_2M, 48, 4 * GIB},
		{8 * GIB + 1, 0, LEVEL_2M, 48, 9 * GIB},
		{8 * GIB, 10 * GIB, LEVEL_2M, 48, 11 * GIB},
		{600 * GIB, 0, LEVEL_1G, 48, 1024 * GIB},
		{500 * GIB, 0, LEVEL_1G, 39, 512 * GIB},
		{8 * GIB, 0, LEVEL_2M, 36, 8 * GIB},
		{GIB, 513 * GIB, LEVEL_1G, 48, 1024 * GIB},
	};

	for (uint i = 0; i < ARRAY_SIZE(machines); i++) {
		set_up(NULL);
		max_leaf = machines[i].leaf;
		bits = machines[i].bits;
		boot_info.map.count = machines[i].memory > 4 * GIB ? 3 : 2;
		boot_info.map.range[2].size = machines[i].memory - 4 * GIB;
		machine_has_dmar(1, false);
		if (machines[i].reserved)
			machine_has_reserved(machines[i].reserved,
					     machines[i].reserved + 0xfff);
		assert_null(iommu_init());
		assert_true(running);
		assert_int_equal(all.top, machines[i].top);
	}
}

static const char *const obstacles[] = {
	"iommu: this machine has none",
	"iommu: the table DMAR can't be used: its sum is wrong",
	"iommu: the table DMAR can't be used: it has no units",
	"iommu: a unit of DMAR: does not answer",
	"iommu: a unit of DMAR: does not begin",
	"iommu: a unit of DMAR: has registers where none",
	"iommu: a unit of DMAR: the firmware's devices use",
	"iommu: a unit of DMAR: no memory for its tables",
	"iommu: a unit of DMAR: does not reach all memory",
	"iommu: a unit of DMAR: does not reach all memory",
	"iommu: the table DMAR can't be used: it leaves out devices",
	"iommu: a unit of DMAR: has registers where others",
	"iommu: the table RSDP can't be used: it is not found",
};

/* A machine with obstacles[i]. */
static void make_machine_with(uint i)
{
	set_up(NULL);
	if (i)
		machine_has_dmar(i == 2 ? 0 : 2, false);
	fails_at = 1;
	if (i == 1)
		machine.table[20]++;
	probe_says = i == 3 ? "does not answer" : NULL;
	start_says = i == 4 ? "does not begin" : NULL;
	machine.no_registers = i == 5;
	if (i == 6)
		machine_has_reserved(VMM + VMM_SIZE - 0x1000,
				     VMM + VMM_SIZE + 0xfff);
	if (i == 7)
		memory_reset(2);
	if (i == 8)
		boot_info.vmm_base = PHYS(1UL << 48);
	if (i == 9)
		bits = 32;
	if (i == 10) {
		machine_has_dmar_of(2, false, 0);
		machine.functions = 1;
	}
	if (i == 11)
		boot_info.map.range[1].size = 0xfed91000 - MIB;
	machine.no_root = i == 12;
}

static void why_there_is_no_protection_is_said(void **state)
{
	static const char tail[] =
		": a device of the guest's can reach Vellum's memory\n";

	for (uint i = 0; i < 2 * ARRAY_SIZE(obstacles); i++) {
		const char *why = obstacles[i / 2];

		make_machine_with(i / 2);
		chosen = i % 2 ? IOMMU_REQUIRE : IOMMU_ON;
		assert_int_equal(!!iommu_init(), i % 2);
		assert_int_equal(strncmp(host_printed, why, strlen(why)), 0);
		assert_non_null(strstr(host_printed, tail));
		assert_int_equal(machine.watched, 0);
		assert_null(vmm_between_exits);
		iommu_hide();
		assert_int_equal(machine.table[0], i / 2 ? 'D' : 0);
	}
}

/* Function 0x20 of bus 0 and 0x21, which is a unit itself; then on bus 3. */
static void a_device_that_is_nobodys_is_found(void **state)
{
	static struct dmar dmar;
	static struct ivrs ivrs;

	dmar.units = 1;
	machine.first = 0x20;
	machine.functions = 2;
	assert_non_null(find_stray_vtd(&dmar));
	assert_non_null(find_stray_amdvi(&ivrs));
	dmar.named[4] = ivrs.named[4] = 0x01;
	assert_null(find_stray_vtd(&dmar));
	assert_null(find_stray_amdvi(&ivrs));
	machine.functions = 3;
	assert_non_null(find_stray_vtd(&dmar));
	assert_non_null(find_stray_amdvi(&ivrs));
	dmar.has_rest[0] = true;
	assert_null(find_stray_vtd(&dmar));
	dmar.has_rest[0] = false;
	machine.first = 0x320;
	machine.functions = 1;
	assert_non_null(find_stray_vtd(&dmar)); /* no bridge leads there */
	assert_non_null(find_stray_amdvi(&ivrs));
	machine.is_bridge = true;
	assert_null(find_stray_vtd(&dmar));
	machine.first = 0x420;
	assert_non_null(find_stray_vtd(&dmar));
}

/* Its functions are not seen: some unit must have all of them. */
static void a_segment_that_is_nobodys_is_found(void **state)
{
	static struct dmar dmar;
	static struct ivrs ivrs;

	dmar.units = ivrs.units = 2;
	dmar.has_rest[0] = true;
	machine.segment = 3;
	assert_non_null(find_stray_vtd(&dmar));
	assert_non_null(find_stray_amdvi(&ivrs));
	dmar.segment[1] = ivrs.segment[1] = 3;
	assert_null(find_stray_vtd(&dmar)); /* see dmar_read() */
	assert_non_null(find_stray_amdvi(&ivrs));
	ivrs.all[1] = true;
	assert_null(find_stray_amdvi(&ivrs));
	machine.no_root = true;
	assert_non_null(find_stray_vtd(&dmar));
	assert_non_null(find_stray_amdvi(&ivrs));
}

static void off_is_off_and_said(void **state)
{
	chosen = IOMMU_OFF;
	machine_has_dmar(1, false);
	assert_null(iommu_init());
	assert_string_equal(told, "");
	assert_non_null(strstr(host_printed, "iommu: off: a device of the "
					     "guest's can reach"));
	assert_false(iommu_expected());
}

/* Those that have begun end, so that all are as they were. */
static void one_that_fails_ends_all(void **state)
{
	machine_has_dmar(3, false);
	fails_at = 1;
	start_says = "does not begin";
	assert_null(iommu_init());
	assert_false(running);
	assert_string_equal(told, "start 0, start 1, stop 0, stop 1, stop 2, ");
}

/* No one else knows by then that the units are the guest's. */
static void that_the_guest_may_cut_our_card_off_is_said(void **state)
{
	static const char warning[] =
		"iommu: a guest that uses DMAR cuts 03:04.1, which is ours, "
		"off; for Linux: intel_iommu=off, amd_iommu=off\n";
	struct pci_function card = {.bdf = CARD};

	for (uint i = 0; i < 4; i++) {
		set_up(NULL);
		machine_has_dmar(1, false);
		fails_at = i < 2 ? 0 : ~0U;
		start_says = "does not begin";
		if (i)
			iommu_own(&card, PHYS(RINGS), 0x3000);
		machine.last_is_rom = i == 2;
		assert_null(iommu_init());
		iommu_hide();
		assert_int_equal(!!strstr(host_printed, warning),
				 i == 1 || i == 2);
	}
}

static void the_table_is_hidden_and_keeps_its_sum(void **state)
{
	for (uint i = 0; i < 2; i++) {
		set_up(NULL);
		machine.functions = 5;
		if (i)
			machine_has_ivrs();
		else
			machine_has_dmar(1, false);
		assert_null(iommu_init());
		assert_int_equal(machine.hidden, 2);
		iommu_hide();
		assert_memory_equal(machine.table, i ? "XVRS" : "XMAR", 4);
		assert_int_equal(machine_sum(), 0);
		/* and is back when the machine is handed back */
		iommu_end();
		assert_memory_equal(machine.table, i ? "IVRS" : "DMAR", 4);
		assert_int_equal(machine_sum(), 0);
		assert_string_equal(told, "start 0, stop 0, ");
		iommu_end();
		assert_string_equal(told, "start 0, stop 0, ");
	}
	/* What the guest has put in its place is the guest's. */
	set_up(NULL);
	machine_has_dmar(1, false);
	assert_null(iommu_init());
	iommu_hide();
	memcpy(machine.table, "XYZ", 4);
	iommu_end();
	assert_string_equal((char *)machine.table, "XYZ");
}

/* A guest may believe one that we don't read. */
static void all_tables_of_the_name_are_hidden_and_come_back(void **state)
{
	u8 before[sizeof(machine.table)];

	machine_has_dmar(1, false);
	machine_has_copies(7);
	memcpy(before, machine.table, sizeof(before));
	assert_null(iommu_init());
	iommu_hide();
	for (uint i = 0; i < 8; i++) {
		assert_memory_equal(machine.table + i * 100, "XMAR", 4);
		assert_int_equal((u8)(machine.table[i * 100 + 9] - before[9]),
				 (u8)('D' - 'X'));
	}
	assert_true(hidden[0].wanted());
	iommu_end();
	assert_memory_equal(before, machine.table, sizeof(before));
}

/* One is read-only; then there are too many. */
static void a_table_that_cannot_be_hidden_ends_all(void **state)
{
	u8 before[sizeof(machine.table)];

	for (uint i = 0; i < 4; i++) {
		set_up(NULL);
		chosen = i % 2 ? IOMMU_REQUIRE : IOMMU_ON;
		machine_has_dmar(2, false);
		machine_has_copies(i / 2 ? 8 : 1);
		machine.last_is_rom = i / 2 == 0;
		memcpy(before, machine.table, sizeof(before));
		assert_null(iommu_init());
		if (!setjmp(machine.halted)) {
			iommu_hide();
			assert_int_equal(chosen, IOMMU_ON);
		} else
			assert_int_equal(chosen, IOMMU_REQUIRE);
		assert_non_null(strstr(host_printed,
				       "iommu: a unit of DMAR: its table can't "
				       "be hidden: a device of the guest's"));
		assert_non_null(strstr(told, "stop 0, stop 1, "));
		assert_false(iommu_is_on());
		assert_false(hidden[0].wanted());
		assert_memory_equal(before, machine.table, sizeof(before));
	}
}

static void after_a_sleep_all_start_again(void **state)
{
	assert_null(iommu_start_again()); /* there are none */
	assert_string_equal(told, "");
	machine_has_dmar(2, false);
	assert_null(iommu_init());
	told[0] = '\0';
	assert_null(iommu_start_again());
	assert_string_equal(told, "start 0, start 1, ");
	fails_at = 0;
	start_says = "does not begin";
	assert_string_equal(iommu_start_again(), "does not begin");
	assert_null(strstr(told, "stop")); /* the machine is reset then */
}

static uint lines(void)
{
	uint n = 0;

	for (const char *p = host_printed; (p = strstr(p, "may not")); p++)
		n++;
	return n;
}

/* The first are told, then fewer and fewer; all are counted. */
static void faults_are_counted_and_told_ever_more_seldom(void **state)
{
	machine_has_dmar(1, false);
	assert_null(iommu_init());
	host_printed[0] = '\0';
	waiting = 1;
	host_tsc += LOOK_AGAIN;
	vmm_between_exits();
	assert_non_null(strstr(host_printed, "00:03.0 may not write to "
					     "0x1bc00000 (reason 5)\n"));
	waiting = 19;
	host_tsc += LOOK_AGAIN;
	vmm_between_exits();
	assert_int_equal(faults, 20);
	assert_int_equal(lines(), 16);
	host_printed[0] = '\0';
	waiting = 236;
	host_tsc += LOOK_AGAIN;
	vmm_between_exits();
	assert_int_equal(faults, 256);
	assert_int_equal(lines(), 4); /* 32, 64, 128, 256 */
}

static void a_look_has_an_end_and_there_are_not_too_many(void **state)
{
	machine_has_dmar(1, false);
	assert_null(iommu_init());
	waiting = 100000;
	host_tsc += LOOK_AGAIN;
	vmm_between_exits();
	assert_in_range(faults, 1, 1000);
	for (uint i = 0; i < 1000; i++) {
		u64 before = faults;

		vmm_between_exits();
		assert_int_equal(faults, before);
	}
	host_tsc += LOOK_AGAIN;
	vmm_between_exits();
	assert_in_range(faults, 2, 2000);
}

static void the_guests_tools_are_told_of_faults(void **state)
{
	struct vcpu vcpu = {0};

	assert_int_equal(call_faults(&vcpu), -ENODEV);
	machine_has_dmar(1, false);
	assert_null(iommu_init());
	waiting = 3;
	assert_int_equal(call_faults(&vcpu), 0);
	assert_int_equal(vcpu.regs.rbx, 3);
	assert_int_equal(vcpu.regs.rdx, VMM);
	assert_int_equal(vcpu.regs.rsi, 0x18);
	assert_int_equal(vcpu.regs.rdi, 1);
}

static void preflight_says_what_there_is(void **state)
{
	char text[96];
	struct need need;

	for (uint i = 0; i < 3; i++) {
		set_up(NULL);
		chosen = i == 2 ? IOMMU_ON : IOMMU_REQUIRE;
		if (i)
			machine_has_dmar(2, false);
		iommu_need(&need, text, sizeof(text));
		assert_int_equal(!!need.problem, i == 0);
		assert_int_equal(need.moot, i == 2);
		assert_string_equal(text,
				    i ? "DMAR, units: 2: tried at the start"
				      : "this machine has none");
		assert_int_equal(iommu_expected(), i > 0);
	}
	machine.segment = 3;
	chosen = IOMMU_REQUIRE;
	iommu_need(&need, text, sizeof(text));
	assert_non_null(need.problem);
	assert_string_equal(text, "the table DMAR can't be used: "
				  "it leaves out devices");
	assert_false(iommu_expected());
	machine.table[20]++;
	iommu_need(&need, text, sizeof(text));
	assert_string_equal(text,
			    "the table DMAR can't be used: its sum is wrong");
	assert_string_equal(told, "");
}

static void a_unit_that_cannot_be_hidden_is_not_used(void **state)
{
	machine_has_ivrs();
	machine.functions = 4;
	machine.no_hiding = true;
	chosen = IOMMU_REQUIRE;
	assert_non_null(iommu_init());
	assert_non_null(strstr(host_printed, "can't be hidden"));
	assert_non_null(strstr(told, "stop 0"));
	assert_false(iommu_is_on());
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_ours_is_closed_and_all_else_is_open),
		TEST(a_unit_that_cannot_be_hidden_is_not_used),
		TEST(what_cannot_be_configuration_space_stays_open),
		TEST(without_a_card_no_unit_is_told_of_one),
		TEST(the_map_reaches_as_far_as_there_is_memory),
		TEST(why_there_is_no_protection_is_said),
		TEST(a_device_that_is_nobodys_is_found),
		TEST(a_segment_that_is_nobodys_is_found),
		TEST(off_is_off_and_said),
		TEST(one_that_fails_ends_all),
		TEST(that_the_guest_may_cut_our_card_off_is_said),
		TEST(the_table_is_hidden_and_keeps_its_sum),
		TEST(all_tables_of_the_name_are_hidden_and_come_back),
		TEST(a_table_that_cannot_be_hidden_ends_all),
		TEST(after_a_sleep_all_start_again),
		TEST(faults_are_counted_and_told_ever_more_seldom),
		TEST(a_look_has_an_end_and_there_are_not_too_many),
		TEST(the_guests_tools_are_told_of_faults),
		TEST(preflight_says_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
