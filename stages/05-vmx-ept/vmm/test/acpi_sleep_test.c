/*
 * What ACPI's tables tell of sleep: the ports of FADTs old and new, names in
 * AML, the waking vectors, and the verdict.
 */
#include "host.h"
#include "lib/errno.h"
#include "vmm/acpi_sleep.h"

#define TYPE(n)  ((n) << 2)
#define SLEEP(n) (TYPE(n) | ACPI_SLP_EN)

static u8 bytes[256];
static struct acpi_sleep info;

static int clear(void **state)
{
	memset(bytes, 0, sizeof(bytes));
	memset(&info, 0, sizeof(info));
	return 0;
}

static void put(u32 at, u64 value, uint size)
{
	memcpy(bytes + at, &value, size);
}

static void read_fadt(u32 size)
{
	u8 *copy = malloc(size); /* for the address sanitizer */

	memcpy(copy, bytes, size);
	acpi_read_fadt(&(struct acpi_table){copy, size}, &info);
	libc_free(copy);
}

static void old_fadt(void)
{
	put(36, 0x1000, 4);
	put(40, 0x2000, 4);
	put(56, 0x600, 4);
	put(64, 0x604, 4);
}

static void an_old_fadt_has_32_bit_addresses(void **state)
{
	old_fadt();
	read_fadt(116);
	assert_int_equal(info.status[0], 0x600);
	assert_int_equal(info.control[0], 0x604);
	assert_int_equal(info.status[1], 0);
	assert_int_equal(info.control[1], 0);
	assert_int_equal(info.facs[0], 0x1000);
	assert_int_equal(info.facs[1], 0);
	assert_int_equal(info.dsdt, 0x2000);
}

static void extended_addresses_win(void **state)
{
	old_fadt();
	put(132, 0x100001000, 8);
	put(140, 0x100002000, 8);
	bytes[148] = bytes[172] = bytes[184] = 1;
	put(152, 0x1800, 8);
	put(176, 0x1804, 8);
	put(188, 0x1904, 8);
	read_fadt(244);
	assert_int_equal(info.status[0], 0x1800);
	assert_int_equal(info.control[0], 0x1804);
	assert_int_equal(info.control[1], 0x1904);
	assert_int_equal(info.facs[0], 0x1000);
	assert_int_equal(info.facs[1], 0x100001000);
	assert_int_equal(info.dsdt, 0x100002000);
}

static void an_extended_address_must_be_a_port(void **state)
{
	old_fadt();
	put(176, 0xfed00000, 8); /* in memory */
	read_fadt(244);
	assert_int_equal(info.control[0], 0x604);
	bytes[172] = 1;
	read_fadt(244);
	assert_int_equal(info.control[0], 0);
}

static void a_short_fadt_has_nothing(void **state)
{
	old_fadt();
	put(176, 0x1804, 8);
	for (u32 size = 36; size <= 244; size++)
		read_fadt(size);
	read_fadt(66);
	assert_int_equal(info.control[0], 0);
}

static void read_aml(const u8 *aml, u32 size)
{
	u8 *copy = malloc(ACPI_HEADER_SIZE + size);

	memcpy(copy + ACPI_HEADER_SIZE, aml, size);
	acpi_read_states(&(struct acpi_table){copy, ACPI_HEADER_SIZE + size},
			 info.states);
	libc_free(copy);
}

/* As QEMU has it, and as others do: with a root prefix, and other numbers. */
static const u8 aml[] = {
	0x08, '_',  'S',  '3',  '_', 0x12, 0x06, 0x04, 0x01, 0x01,
	0x00, 0x00, /* {1, 1, 0, 0} */
	0x08, '\\', '_',  'S',  '4', '_',  0x12, 0x07, 0x04, 0x0a,
	0x02, 0x00, 0x00, 0x00, /* {2, 0, 0, 0} */
	0x08, '_',  'S',  '5',  '_', 0x12, 0x40, 0x06, 0x02, 0x0b,
	0x07, 0x00, 0x00,                     /* {7, 0}, long length */
	0x08, '_',  'S',  '3',  'D', 0x0a, 4, /* a method's name */
	0x08, '_',  'S',  '1',  '_', 0x12, 8,    4,    0x0c, 1,
	0x08, '_',  'S',  '2',  '_', 0x12, 4,    2,    0x0a,
};

static void names_in_aml_are_found(void **state)
{
	read_aml(aml, sizeof(aml));
	assert_int_equal(info.states[0][1], BIT(3));
	assert_int_equal(info.states[1][1], BIT(3));
	assert_int_equal(info.states[0][2], BIT(4));
	assert_int_equal(info.states[0][7], BIT(5));
	assert_int_equal(info.states[1][0], BIT(4) | BIT(5));
	assert_int_equal(info.states[0][0], 0);
	assert_int_equal(info.states[0][4], 0);
}

static void damaged_aml_does_no_harm(void **state)
{
	u8 copy[sizeof(aml)];

	for (u32 size = 0; size < sizeof(aml); size++)
		read_aml(aml, size);
	for (uint round = 0; round < host_operations(20000); round++) {
		memcpy(copy, aml, sizeof(aml));
		for (uint i = 1 + host_random(6); i; i--)
			copy[host_random(sizeof(aml))] = host_random(256);
		read_aml(copy, host_random(sizeof(aml) + 1));
	}
}

static u64 facs_bytes[8];

static const void *map(u64 phys, u64 size)
{
	return size <= sizeof(facs_bytes) ? facs_bytes : NULL;
}

static void the_facs_holds_two_vectors(void **state)
{
	struct acpi_facs facs;

	memset(facs_bytes, 0, sizeof(facs_bytes));
	assert_int_equal(acpi_read_facs(map, 0, &facs), -EINVAL);
	assert_int_equal(acpi_read_facs(map, 64, &facs), -EINVAL);
	memcpy(facs_bytes, "FACS\x40", 5);
	assert_int_equal(acpi_read_facs(map, 65, &facs), -EINVAL);
	assert_int_equal(acpi_read_facs(map, 64, &facs), 0);
	assert_false(acpi_has_waking_vector(&facs));
	facs_bytes[3] = 1UL << 40; /* version 0 has no such vector */
	assert_false(acpi_has_waking_vector(&facs));
	facs_bytes[4] = 1;
	assert_int_equal(acpi_read_facs(map, 64, &facs), 0);
	assert_true(acpi_has_waking_vector(&facs));
	facs_bytes[3] = 0;
	facs_bytes[1] = 0x9a000UL << 32;
	assert_true(acpi_has_waking_vector(&facs));
}

static void only_what_wakes_without_us_is_an_escape(void **state)
{
	info.states[0][1] = BIT(3);
	info.states[0][2] = BIT(4);
	info.states[0][0] = BIT(5);
	info.states[0][3] = BIT(2);
	info.states[0][4] = BIT(1);
	for (uint vector = 0; vector < 2; vector++) {
		assert_true(acpi_is_escape(&info, 0, SLEEP(1), vector));
		assert_true(acpi_is_escape(&info, 0, SLEEP(3), vector));
		assert_false(acpi_is_escape(&info, 0, TYPE(1), vector));
		assert_false(acpi_is_escape(&info, 0, SLEEP(0), vector));
		assert_false(acpi_is_escape(&info, 0, SLEEP(2), vector));
		assert_false(acpi_is_escape(&info, 0, SLEEP(4), vector));
	}
	/* A type without a name: the vector decides. */
	assert_true(acpi_is_escape(&info, 0, SLEEP(5), true));
	assert_false(acpi_is_escape(&info, 0, SLEEP(5), false));
	assert_false(acpi_is_escape(&info, 0, TYPE(5), true));
	assert_true(acpi_is_escape(&info, 1, SLEEP(0), true));
}

int main(void)
{
	host_seed();
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, clear)
		T(an_old_fadt_has_32_bit_addresses),
		T(extended_addresses_win),
		T(an_extended_address_must_be_a_port),
		T(a_short_fadt_has_nothing),
		T(names_in_aml_are_found),
		T(damaged_aml_does_no_harm),
		T(the_facs_holds_two_vectors),
		T(only_what_wakes_without_us_is_an_escape),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
