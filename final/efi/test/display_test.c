/*
 * Where the display device is, through bridges, and what a guest may do to it.
 */
#include "efi/display.h"

#include "host.h"

#define FB      0x40c0000000 /* above 4 GiB */
#define DISPLAY (5 << 8)     /* on bus 5, behind two bridges */
#define BRIDGE  (2 << 8 | 3 << 3 | 1)
#define ROOT    (4 << 3)

/* What is there: functions, and the registers of each. */
static struct {
	uint function;
	u32 reg[16];
} functions[] = {
	{0, {0x12378086}},
	{ROOT, {0x11118086, 2, 0x06040000, 0x810000, 0, 0, 0x050200}},
	{ROOT + 1, {0x11128086, 2, 0x06040000, 0x810000, 0, 0, 0x070600}},
	{2 << 8 | 3 << 3, {0x33338086, 2, 0x02000000, 0x800000, 0xd0000000}},
	{BRIDGE, {0x22228086, 2, 0x06040000, 0x810000, 0, 0, 0x050502}},
	{DISPLAY, {0x1234abcd, 2, 0x03000000, 0, 0xe0000000, 0xc000000c, 0x40}},
};

static u32 *find(uint function)
{
	for (uint i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i].function == function)
			return functions[i].reg;
	return NULL;
}

static u32 read_pci(uint function, uint reg)
{
	const u32 *regs = find(function);

	assert_true(function <= 0xffff && reg <= 0x3c && reg % 4 == 0);
	return regs ? regs[reg / 4] : ~0U;
}

static const struct chipset_bus bus = {.pci = read_pci};

static bool is_unchanged(void)
{
	return display_is_unchanged(&bus);
}

/* Is it noticed that @bits of this register change, and change back? */
static bool notices(uint function, uint reg, u32 bits)
{
	bool noticed;

	assert_true(is_unchanged());
	find(function)[reg / 4] ^= bits;
	noticed = !is_unchanged();
	find(function)[reg / 4] ^= bits;
	assert_true(is_unchanged());
	return noticed;
}

static int begin(void **state)
{
	display_note(&bus, PHYS(FB));
	return 0;
}

static void the_device_is_watched(void **state)
{
	assert_true(notices(DISPLAY, 0x00, 1));          /* another one */
	assert_true(notices(DISPLAY, 0x04, 2));          /* memory off */
	assert_true(notices(DISPLAY, 0x14, 0x10000000)); /* moved */
	assert_true(notices(DISPLAY, 0x18, 1));
	assert_false(notices(DISPLAY, 0x04, 5)); /* ports, and bus master */
	assert_false(notices(DISPLAY, 0x10, 0x1000000)); /* another BAR */
}

static void the_bridges_on_the_way_are_watched(void **state)
{
	static const uint way[] = {ROOT, BRIDGE};

	for (uint i = 0; i < 2; i++) {
		assert_true(notices(way[i], 0x04, 2));
		assert_true(notices(way[i], 0x18, 0x100));
		for (uint reg = 0x20; reg < 0x30; reg += 4)
			assert_true(notices(way[i], reg, 0x10));
		assert_false(notices(way[i], 0x18, 0x1000000)); /* a timer */
	}
	assert_false(notices(ROOT + 1, 0x04, 2));
}

static void what_is_not_found_is_not_used(void **state)
{
	display_note(&bus, PHYS(0xb8000)); /* below all BARs */
	assert_false(is_unchanged());
	find(DISPLAY)[1] = 0; /* the device is off */
	display_note(&bus, PHYS(FB));
	assert_false(is_unchanged());
	find(DISPLAY)[1] = 2;
	find(DISPLAY)[2] = 0x02000000; /* it is a network card */
	display_note(&bus, PHYS(FB));
	assert_false(is_unchanged());
	find(DISPLAY)[2] = 0x03000000;
}

/* Bridges that lead to each other, as only broken ones do. */
static void a_way_without_an_end_is_not_used(void **state)
{
	functions[1].function = 5 << 8 | 4 << 3; /* behind the other one */
	display_note(&bus, PHYS(FB));
	assert_false(is_unchanged());
	functions[1].function = ROOT;
	display_note(&bus, PHYS(FB));
	assert_true(is_unchanged());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, begin)
		T(the_device_is_watched),
		T(the_bridges_on_the_way_are_watched),
		T(what_is_not_found_is_not_used),
		T(a_way_without_an_end_is_not_used),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
