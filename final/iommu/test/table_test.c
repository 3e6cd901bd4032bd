/*
 * The tables that tell of IOMMUs: units and reserved memory of good ones, byte
 * by byte as the specifications have them; and each way in which one can be
 * wrong, of which nothing may be believed.
 */
#include "host.h"
#include "iommu/ivrs.h"

#define HEADER 48

/* A table that is being written. */
static u8 bytes[0x10000];
static uint length;

static struct dmar dmar;
static struct ivrs ivrs;

static void begin(void)
{
	length = HEADER;
	memset(bytes, 0, HEADER);
}

static void put(u64 value, uint size)
{
	for (uint i = 0; i < size; i++)
		bytes[length++] = i < 8 ? value >> (8 * i) : 0;
}

static void drhd_of(u16 segment, u64 base)
{
	put(0, 2);
	put(16, 2);
	put(1, 1); /* all devices */
	put(0, 1);
	put(segment, 2);
	put(base, 8);
}

static void drhd(u64 base)
{
	drhd_of(0, base);
}

static void rmrr(u64 base, u64 last)
{
	put(1, 2);
	put(24, 2);
	put(0, 4);
	put(base, 8);
	put(last, 8);
}

static void ivhd(u8 type, u8 flags, u16 segment, u64 base)
{
	put(type, 1);
	put(flags, 1);
	put(type == 0x10 ? 24 : 40, 2);
	put(2, 2); /* its function */
	put(0x40, 2);
	put(base, 8);
	put(segment, 2);
	put(0, type == 0x10 ? 6 : 22);
}

static void ivmd(u8 type, u64 base, u64 size)
{
	put(type, 1);
	put(1, 1);
	put(32, 2);
	put(0, 12);
	put(base, 8);
	put(size, 8);
}

/* The first @size bytes, at the end of which the address sanitizer watches. */
static const char *read_first(const char *kind, uint size)
{
	u8 *copy = malloc(size);
	struct acpi_table table = {.data = copy, .size = size};
	const char *wrong;

	memcpy(copy, bytes, size);
	wrong = *kind == 'D' ? dmar_read(&table, &dmar)
			     : ivrs_read(&table, &ivrs);
	libc_free(copy);
	return wrong;
}

static const char *read_dmar(void)
{
	return read_first("DMAR", length);
}

static const char *read_ivrs(void)
{
	return read_first("IVRS", length);
}

static void one_unit_of_intels_is_read(void **state)
{
	begin();
	drhd(0xfed90000);
	assert_null(read_dmar());
	assert_int_equal(dmar.units, 1);
	assert_int_equal(dmar.unit[0], 0xfed90000);
	assert_int_equal(dmar.size[0], PAGE_SIZE);
	bytes[HEADER + 5] = 0xf3; /* the upper half is reserved */
	assert_null(read_dmar());
	assert_int_equal(dmar.size[0], 8 * PAGE_SIZE);
}

static void as_many_units_as_there_can_be_are_read_in_order(void **state)
{
	begin();
	for (u64 i = 0; i < IOMMU_UNITS; i++) {
		drhd_of(i, 0x3ffffc00000 - i * 0x1000);
		rmrr(i << 20, (i << 20) + 0xffff);
	}
	assert_null(read_dmar());
	assert_int_equal(dmar.units, IOMMU_UNITS);
	assert_int_equal(dmar.reserved, IOMMU_RESERVED);
	for (u64 i = 0; i < IOMMU_UNITS; i++) {
		assert_int_equal(dmar.unit[i], 0x3ffffc00000 - i * 0x1000);
		assert_int_equal(dmar.segment[i], i);
		assert_int_equal(dmar.range[i].base, i << 20);
		assert_int_equal(dmar.range[i].end, (i << 20) + 0x10000);
	}
	drhd(0x1000);
	assert_string_equal(read_dmar(), "there are too many units");
	length -= 16;
	rmrr(0, 0xfff);
	assert_string_equal(read_dmar(), "there is too much reserved memory");
}

/* What a unit's own devices are comes behind it, and does not matter. */
static void what_is_not_known_is_passed_over(void **state)
{
	begin();
	for (uint type = 2; type < 9; type++) {
		put(type, 2);
		put(4 + type, 2);
		put(0xee, type);
	}
	drhd(0xfed91000);
	bytes[length - 14] += 8; /* its length */
	put(0xee08ee, 8);
	put(0x1234, 2);
	put(4, 2);
	assert_null(read_dmar());
	assert_int_equal(dmar.units, 1);

	begin();
	for (uint type = 0; type < 256; type++)
		if ((type & ~1U) != 0x10 && type != 0x40 &&
		    (type < 0x20 || type > 0x22)) {
			put(type, 1);
			put(0xee, 1);
			put(6, 2);
			put(0xeeee, 2);
		}
	ivhd(0x10, 0, 2, 0xfeb80000);
	assert_null(read_ivrs());
	assert_int_equal(ivrs.units, 1);
}

/* A device of a unit's: at @bus, and then @path, @size bytes of it. */
static void scope(u8 kind, u8 bus, u64 path, uint size)
{
	put(kind, 1);
	put(6 + size, 1);
	put(0, 3);
	put(bus, 1);
	put(path, size);
	bytes[HEADER + 2] += 6 + size;
}

static void whose_intels_devices_are_is_read(void **state)
{
	begin();
	drhd(0xfed90000);
	bytes[HEADER + 4] = 0; /* not all */
	scope(1, 0, 0x021f, 2);
	scope(2, 0, 0x001c, 2);
	scope(1, 0, 0x00020007, 4); /* behind a bridge */
	scope(3, 0, 0x0005, 2);     /* an I/O APIC */
	scope(1, 4, 0x0006, 2);     /* on another bus */
	assert_null(read_dmar());
	assert_false(dmar_has_rest(&dmar));
	for (uint function = 0; function < 256; function++)
		assert_int_equal(dmar_has(&dmar, function),
				 function == 0xfa || function == 0xe0);
	bytes[HEADER + 6] = 1; /* in another segment */
	assert_string_equal(read_dmar(),
			    "no unit has all devices of a segment");
	bytes[HEADER + 4] = 1;
	assert_null(read_dmar());
	assert_false(dmar_has(&dmar, 0xfa));
	assert_false(dmar_has_rest(&dmar));
	drhd(0xfed91000);
	assert_null(read_dmar());
	assert_true(dmar_has_rest(&dmar));
}

static void a_device_of_a_unit_without_an_end_is_wrong(void **state)
{
	for (uint size = 0; size < 256; size++) {
		begin();
		drhd(0xfed90000);
		scope(1, 0, 0x021f, 2);
		bytes[HEADER + 16 + 1] = size;
		if (size == 6 || size == 8)
			continue;
		assert_string_equal(read_dmar(), "a unit's device has no end");
	}
	begin();
	ivhd(0x10, 0, 0, 0xfed90000);
	put(0x42, 7);
	bytes[HEADER + 2] += 7;
	assert_string_equal(read_ivrs(), "a unit's device has no end");
	bytes[HEADER + 2]++;
	put(0, 1);
	assert_null(read_ivrs());
}

static void whose_amds_devices_are_is_read(void **state)
{
	/* kind, and who; ranges begin right before they end */
	static const u32 entries[] = {
		0,        0x000802, 0x001103, 0x001304,   0x002042, 0x003043,
		0x003104, 0x004046, 0x005047, 0x005104,   0x006048, 0x007004,
		0x008003, 0,        0x009004, 0xfffff002,
	};
	static const u16 named[] = {0x08, 0x11, 0x12, 0x13, 0x20,  0x30,
				    0x31, 0x40, 0x50, 0x51, 0xfff0};
	static const u8 kinds[] = {0x10, 0x11, 0x40};
	uint n;

	for (uint k = 0; k < ARRAY_SIZE(kinds); k++) {
		begin();
		ivhd(kinds[k], 0, 0, 0xfed90000);
		for (uint i = 0; i < ARRAY_SIZE(entries); i++) {
			uint size = entries[i] & 0x40 ? 8 : 4;

			put(entries[i], size);
			bytes[HEADER + 2] += size;
		}
		put(0x2f0, 4); /* what is behind that is not known */
		bytes[HEADER + 2] += 4;
		assert_null(read_ivrs());
		n = 0;
		for (uint bdf = 0; bdf < 0x10000; bdf++) {
			bool is = n < ARRAY_SIZE(named) && named[n] == bdf;

			assert_int_equal(ivrs_has(&ivrs, bdf), is);
			n += is;
		}
		assert_int_equal(n, ARRAY_SIZE(named));
	}
	begin();
	ivhd(0x10, 0, 0, 0xfed90000);
	put(0x01, 4);
	bytes[HEADER + 2] += 4;
	assert_null(read_ivrs());
	assert_true(ivrs_has(&ivrs, 0) && ivrs_has(&ivrs, 0xffff));
	bytes[HEADER + 16] = 1; /* in another segment */
	assert_null(read_ivrs());
	assert_false(ivrs_has(&ivrs, 0));
	assert_true(ivrs.all[0]);
}

/* By an entry for all, or a range of all; not by most. */
static void what_another_segments_unit_has_is_all_or_not(void **state)
{
	for (uint from = 0; from < 2; from++)
		for (uint to = 0xfffe; to <= 0xffff; to++) {
			begin();
			ivhd(0x10, 0, 1, 0xfed90000);
			put(0x03 | from << 8, 4);
			put(0x04 | to << 8, 4);
			bytes[HEADER + 2] += 8;
			ivhd(0x10, 0, 2, 0xfee90000);
			assert_null(read_ivrs());
			assert_int_equal(ivrs.all[0], !from && to == 0xffff);
			assert_false(ivrs.all[1]);
		}
}

static void every_kind_of_amds_blocks_is_read_and_a_unit_once(void **state)
{
	begin();
	ivhd(0x10, 0xb0, 0x0002, 0xfd200000);
	ivmd(0x20, 0x1000, 0x1000);
	ivhd(0x11, 0x30, 0x0002, 0xfd200000);
	ivmd(0x21, 0x7f000000, 0x800);
	ivhd(0x40, 0x30, 0x0002, 0xfd200000);
	ivmd(0x22, 0x80000000, 0x1001);
	ivhd(0x40, 0x0f, 0x6002, 0xfd300000);
	assert_null(read_ivrs());
	assert_int_equal(ivrs.units, 2);
	assert_int_equal(ivrs.unit[0], 0xfd200000);
	assert_int_equal(ivrs.segment[0], 0x0002);
	assert_int_equal(ivrs.flags[0], 0xb0);
	assert_int_equal(ivrs.unit[1], 0xfd300000);
	assert_int_equal(ivrs.segment[1], 0x6002);
	assert_int_equal(ivrs.flags[1], 0x0f);
	assert_int_equal(ivrs.reserved, 3);
	assert_int_equal(ivrs.range[0].base, 0x1000);
	assert_int_equal(ivrs.range[0].end, 0x2000);
	assert_int_equal(ivrs.range[1].end, 0x7f001000);
	assert_int_equal(ivrs.range[2].end, 0x80002000);
}

static void more_of_amds_units_than_there_can_be_are_an_error(void **state)
{
	begin();
	for (u64 i = 0; i < IOMMU_UNITS; i++)
		ivhd(0x11, 0, i, 0xf0000000 + (i << 20));
	for (u64 i = 0; i < IOMMU_RESERVED; i++)
		ivmd(0x20, i << 20, 0x1000);
	assert_null(read_ivrs());
	assert_int_equal(ivrs.units, IOMMU_UNITS);
	assert_int_equal(ivrs.reserved, IOMMU_RESERVED);
	ivhd(0x11, 0, 0, 0x1000);
	assert_string_equal(read_ivrs(), "there are too many units");
	length -= 40;
	ivmd(0x20, 0, 0x1000);
	assert_string_equal(read_ivrs(), "there is too much reserved memory");
}

static void a_table_without_units_has_none(void **state)
{
	begin();
	assert_string_equal(read_dmar(), "it has no units");
	assert_string_equal(read_ivrs(), "it has no units");
	rmrr(0, 0xfff);
	assert_string_equal(read_dmar(), "it has no units");
	begin();
	ivmd(0x20, 0, 0x1000);
	assert_string_equal(read_ivrs(), "it has no units");
	assert_string_equal(read_first("DMAR", 36), "it has no units");
	assert_string_equal(read_first("IVRS", 36), "it has no units");
}

static void a_doubtful_table_is_not_read(void **state)
{
	struct acpi_table table = {bytes, 0, .doubtful = true};

	begin();
	drhd(0xfed90000);
	table.size = length;
	assert_string_equal(dmar_read(&table, &dmar), "its sum is wrong");
	assert_int_equal(dmar.units, 0);
	begin();
	ivhd(0x10, 0, 0, 0xfed90000);
	assert_string_equal(ivrs_read(&table, &ivrs), "its sum is wrong");
	assert_int_equal(ivrs.units, 0);
}

/* Where the table ends inside a structure nothing of it is believed. */
static void a_table_that_is_cut_anywhere_is_wrong(void **state)
{
	begin();
	drhd(0xfed90000);
	rmrr(0x1000, 0x1fff);
	drhd(0xfed91000);
	for (uint size = HEADER; size < length; size++)
		if (size == HEADER)
			assert_string_equal(read_first("DMAR", size),
					    "it has no units");
		else if (size != HEADER + 16 && size != HEADER + 40)
			assert_string_equal(read_first("DMAR", size),
					    "a structure has no end");
	begin();
	ivhd(0x11, 0, 0, 0xfed90000);
	ivmd(0x21, 0x1000, 0x1000);
	ivhd(0x10, 0, 0, 0xfed80000);
	for (uint size = HEADER + 1; size < length; size++)
		if (size != HEADER + 40 && size != HEADER + 72)
			assert_string_equal(read_first("IVRS", size),
					    "a block has no end");
}

static void a_length_that_leads_nowhere_is_wrong(void **state)
{
	begin();
	drhd(0xfed90000);
	for (uint wrong = 0; wrong < 0x10000; wrong += wrong < 4 ? 1 : 17) {
		if (wrong == 4)
			wrong = 17; /* too long from here on */
		bytes[HEADER + 2] = wrong;
		bytes[HEADER + 3] = wrong >> 8;
		assert_string_equal(read_dmar(), "a structure has no end");
		assert_string_equal(read_ivrs(), "a block has no end");
	}
}

/* Long enough to be one, and not long enough for what it has to say. */
static void what_is_too_short_for_its_kind_is_wrong(void **state)
{
	for (uint size = 4; size < 16; size++) {
		begin();
		drhd(0xfed90000);
		bytes[HEADER + 2] = size;
		assert_string_equal(read_first("DMAR", HEADER + size),
				    "a unit has no address");
	}
	for (uint size = 4; size < 24; size++) {
		begin();
		rmrr(0x1000, 0x1fff);
		bytes[HEADER + 2] = size;
		assert_string_equal(read_first("DMAR", HEADER + size),
				    "reserved memory has no address");
		begin();
		ivhd(0x40, 0, 0, 0xfed90000);
		bytes[HEADER + 2] = size;
		assert_string_equal(read_first("IVRS", HEADER + size),
				    "a unit has no address");
	}
	for (uint size = 4; size < 32; size++) {
		begin();
		ivmd(0x22, 0x1000, 0x1000);
		bytes[HEADER + 2] = size;
		assert_string_equal(read_first("IVRS", HEADER + size),
				    "reserved memory has no address");
	}
}

static void registers_that_can_be_nowhere_are_no_unit(void **state)
{
	static const u64 bad[] = {0, 1, 0x800, 0xfed90001, ~0UL, ~0UL << 11};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		drhd(bad[i]);
		assert_string_equal(read_dmar(), "a unit has no address");
		begin();
		ivhd(0x11, 0, 0, bad[i]);
		assert_string_equal(read_ivrs(), "a unit has no address");
	}
	begin();
	drhd(-0x8000UL);
	bytes[HEADER + 5] = 3;
	assert_null(read_dmar()); /* the last page is still one */
	bytes[HEADER + 5] = 4;
	assert_string_equal(read_dmar(), "a unit has no address");
	begin();
	ivhd(0x10, 0, 0, -0x80000UL);
	assert_null(read_ivrs());
	begin();
	ivhd(0x10, 0, 0, -0x7f000UL);
	assert_string_equal(read_ivrs(), "a unit has no address");
}

static void two_units_of_intels_at_one_address_are_wrong(void **state)
{
	begin();
	drhd(0xfed90000);
	drhd(0xfed91000);
	drhd(0xfed90000);
	assert_string_equal(read_dmar(), "two units have one address");
}

static void reserved_memory_that_is_none_is_wrong(void **state)
{
	static const struct {
		u64 base, last;
	} bad[] = {
		{0x1000, 0xfff},        {0x1000, 0},
		{0x1800, 0x1fff},       {0, ~0UL},
		{~0UL << 12, ~0UL},     {0x1000, -0xfffUL},
		{~0UL << 12, -0xfffUL},
	};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		rmrr(bad[i].base, bad[i].last);
		assert_string_equal(read_dmar(),
				    "reserved memory ends before it begins");
		begin();
		ivmd(0x20, bad[i].base, bad[i].last - bad[i].base + 1);
		assert_string_equal(read_ivrs(),
				    "reserved memory ends before it begins");
	}
	begin();
	drhd(0xfed90000);
	rmrr(0, -0x1001UL);
	rmrr(0x5000, 0x5000); /* one byte is a page; and two may overlap */
	assert_null(read_dmar());
	assert_int_equal(dmar.range[0].end, -0x1000UL);
	assert_int_equal(dmar.range[1].end, 0x6000);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_unit_of_intels_is_read),
		TEST(as_many_units_as_there_can_be_are_read_in_order),
		TEST(what_is_not_known_is_passed_over),
		TEST(whose_intels_devices_are_is_read),
		TEST(a_device_of_a_unit_without_an_end_is_wrong),
		TEST(whose_amds_devices_are_is_read),
		TEST(what_another_segments_unit_has_is_all_or_not),
		TEST(every_kind_of_amds_blocks_is_read_and_a_unit_once),
		TEST(more_of_amds_units_than_there_can_be_are_an_error),
		TEST(a_table_without_units_has_none),
		TEST(a_doubtful_table_is_not_read),
		TEST(a_table_that_is_cut_anywhere_is_wrong),
		TEST(a_length_that_leads_nowhere_is_wrong),
		TEST(what_is_too_short_for_its_kind_is_wrong),
		TEST(registers_that_can_be_nowhere_are_no_unit),
		TEST(two_units_of_intels_at_one_address_are_wrong),
		TEST(reserved_memory_that_is_none_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
