/*
 * The early page tables, walked as the CPU would. Host pointers stand in for
 * physical addresses.
 */
#include "efi/loader/early_map.h"
#include "host.h"

static u64 tables[EARLY_TABLES][512] __aligned(4096);
static struct early_map map;

static void begin(uint levels)
{
	memset(tables, 0, sizeof(tables));
	map = (struct early_map){.table = tables, .levels = levels};
}

/* The entry that maps @virt; ~0 when none does. */
static u64 entry_of(u64 virt)
{
	u64 *table = tables[0];

	for (uint level = map.levels;; level--) {
		u64 entry = table[virt >> (12 + 9 * (level - 1)) & 511];

		if (!(entry & 1))
			return ~0UL;
		assert_int_equal(entry & 2, 2);
		if (level == 2) {
			assert_true(entry & 0x80);
			return entry;
		}
		assert_false(entry & 0x80);
		table = (u64 *)(entry & ~0xfffUL);
	}
}

/* Where @virt is mapped to; ~0 when it is not. */
static u64 walk(u64 virt)
{
	u64 entry = entry_of(virt);

	return entry == ~0UL ? entry : (entry & ~0xfffUL) + virt % SIZE_2M;
}

static void build_all(uint levels)
{
	const u64 direct = 0xffff800000000000, fb = 0x380000000000;

	begin(levels);
	assert_int_equal(early_map(&map, 0, 0, 4 * GIB, 0), 0);
	assert_int_equal(early_map(&map, 0x40000000, 0x13800000, 128 * MIB, 0),
			 0);
	assert_int_equal(early_map(&map, direct, 0, 4 * GIB, 0), 0);
	assert_int_equal(early_map(&map, direct + fb, fb, 32 * MIB, 8), 0);

	assert_int_equal(walk(0x1234), 0x1234);
	assert_int_equal(walk(0xffffffff), 0xffffffff);
	assert_int_equal(walk(0x40000000), 0x13800000);
	assert_int_equal(walk(0x47ffffff), 0x1b7fffff);
	assert_int_equal(walk(0x48000000), 0x48000000);
	assert_int_equal(walk(direct + 0x40000000), 0x40000000);
	assert_int_equal(walk(direct + fb + 0x1ffffff), fb + 0x1ffffff);
	assert_int_equal(entry_of(direct + fb) & 0x18, 8);
	assert_int_equal(entry_of(direct) & 0x18, 0);
	assert_int_equal(walk(4 * GIB), ~0UL);
	assert_int_equal(walk(direct + fb + 0x2000000), ~0UL);
}

static void all_that_is_needed_fits_in_four_levels(void **state)
{
	build_all(4);
}

static void all_that_is_needed_fits_in_five_levels(void **state)
{
	build_all(5);
}

static void without_a_table_left_it_says_so(void **state)
{
	begin(4);
	assert_int_equal(early_map(&map, 0, 0, 64 * GIB, 0), -ENOMEM);
	assert_int_equal(map.used, EARLY_TABLES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_needed_fits_in_four_levels),
		cmocka_unit_test(all_that_is_needed_fits_in_five_levels),
		cmocka_unit_test(without_a_table_left_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
