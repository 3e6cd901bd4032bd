/*
 * Sleep: the ports of FADTs old and new, names in AML, the waking vectors, and
 * the verdict; then a machine with all of that, and a guest that writes there.
 */
#include "boot/boot_info.h"
#include "host.h"
#include "lib/errno.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "sleep/states.h"
#include "vmm/vcpu.h"

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
	sleep_read_fadt(&(struct acpi_table){copy, size}, &info);
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
	sleep_read_states(&(struct acpi_table){copy, ACPI_HEADER_SIZE + size},
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
	assert_int_equal(sleep_read_facs(map, 0, &facs), -EINVAL);
	assert_int_equal(sleep_read_facs(map, 64, &facs), -EINVAL);
	memcpy(facs_bytes, "FACS\x40", 5);
	assert_int_equal(sleep_read_facs(map, 65, &facs), -EINVAL);
	assert_int_equal(sleep_read_facs(map, 64, &facs), 0);
	assert_false(sleep_has_waking_vector(&facs));
	facs_bytes[3] = 1UL << 40; /* version 0 has no such vector */
	assert_false(sleep_has_waking_vector(&facs));
	facs_bytes[4] = 1;
	assert_int_equal(sleep_read_facs(map, 64, &facs), 0);
	assert_true(sleep_has_waking_vector(&facs));
	facs_bytes[3] = 0;
	facs_bytes[1] = 0x9a000UL << 32;
	assert_true(sleep_has_waking_vector(&facs));
}

static void only_what_wakes_without_us_is_an_escape(void **state)
{
	info.states[0][1] = BIT(3);
	info.states[0][2] = BIT(4);
	info.states[0][0] = BIT(5);
	info.states[0][3] = BIT(2);
	info.states[0][4] = BIT(1);
	for (uint vector = 0; vector < 2; vector++) {
		assert_true(sleep_is_escape(&info, 0, SLEEP(1), vector));
		assert_true(sleep_is_escape(&info, 0, SLEEP(3), vector));
		assert_false(sleep_is_escape(&info, 0, TYPE(1), vector));
		assert_false(sleep_is_escape(&info, 0, SLEEP(0), vector));
		assert_false(sleep_is_escape(&info, 0, SLEEP(2), vector));
		assert_false(sleep_is_escape(&info, 0, SLEEP(4), vector));
	}
	/* A type without a name: the vector decides. */
	assert_true(sleep_is_escape(&info, 0, SLEEP(5), true));
	assert_false(sleep_is_escape(&info, 0, SLEEP(5), false));
	assert_false(sleep_is_escape(&info, 0, TYPE(5), true));
	assert_true(sleep_is_escape(&info, 1, SLEEP(0), true));
}

/* A machine: its tables lie at TABLES, its PM1 registers are fake ports. */

#define TABLES     (2 * MIB)
#define PM1_STATUS 0x600
#define PM1        0x604
#define S3         1 /* SLP_TYP, by the DSDT */
#define S5         0

struct boot_info boot_info;
bool space_entered = true;

static u8 tables[4096];
static struct vcpu vcpu;
static uint intercepted, skipped;

exit_handler_fn handle_exit_IO;

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	if (phys.v < TABLES || phys.v + size > TABLES + sizeof(tables))
		return NULL;
	return tables + (phys.v - TABLES);
}

struct vcpu *vcpu_current(void)
{
	return &vcpu;
}

static void intercept_io(struct vcpu *which, u16 port)
{
	assert_true(port == PM1 + 1 || port == PM1_STATUS + 1);
	intercepted++;
}

static void skip_instruction(struct vcpu *which)
{
	skipped++;
}

static const struct vcpu_ops ops = {
	.intercept_io = intercept_io,
	.skip_instruction = skip_instruction,
};
const struct vcpu_ops *vcpu_ops = &ops;

static void put_table(u32 at, u64 value, uint size)
{
	memcpy(tables + at, &value, size);
}

static void seal_table(u32 at, u32 size, u32 sum_at)
{
	u8 sum = 0;

	for (u32 i = 0; i < size; i++)
		sum += tables[at + i];
	tables[at + sum_at] -= sum;
}

static void start_table(u32 at, const char *signature, u32 size)
{
	memcpy(tables + at, signature, 4);
	put_table(at + 4, size, 4);
}

static void set_waking_vector(u32 vector)
{
	put_table(0x400 + 12, vector, 4);
}

static int start_machine(void **state)
{
	static const u8 aml[] = "\x08_S3_\x12\x06\x02\x0a\x01\x0a\x01"
				"\x08_S5_\x12\x06\x02\x0a\x00\x0a\x00";

	memcpy(tables, "RSD PTR ", 8);
	put_table(16, TABLES + 0x100, 4);
	seal_table(0, 20, 8);
	start_table(0x100, "RSDT", 40);
	put_table(0x100 + 36, TABLES + 0x200, 4);
	seal_table(0x100, 40, 9);
	start_table(0x200, "FACP", 116);
	put_table(0x200 + 36, TABLES + 0x400, 4);
	put_table(0x200 + 40, TABLES + 0x500, 4);
	put_table(0x200 + 56, PM1_STATUS, 4);
	put_table(0x200 + 64, PM1, 4);
	seal_table(0x200, 116, 9);
	start_table(0x400, "FACS", 64);
	start_table(0x500, "DSDT", 36 + sizeof(aml) - 1);
	memcpy(tables + 0x500 + 36, aml, sizeof(aml) - 1);
	seal_table(0x500, 36 + sizeof(aml) - 1, 9);
	boot_info.rsdp = PHYS(TABLES);
	sleep_watch();
	assert_int_equal(intercepted, 2);
	return 0;
}

/* No names are known, and nobody is being refused. */
static int restart_guest(void **state)
{
	memset(sleep_tables()->states, 0, sizeof(sleep_tables()->states));
	set_waking_vector(0);
	host_cpu_reset();
	host_set_port(PM1_STATUS, 0, 4);
	host_set_port(PM1, 0, 4);
	return 0;
}

static void guest_out(u16 port, u32 value, u8 size)
{
	struct vm_exit exit = {.port = port, .size = size, .write = true};

	vcpu.regs.rax = value;
	handle_exit_IO(&vcpu, &exit);
}

static u64 guest_in(u16 port, u8 size)
{
	struct vm_exit exit = {.port = port, .size = size};

	vcpu.regs.rax = 0x1122334455667788;
	handle_exit_IO(&vcpu, &exit);
	return vcpu.regs.rax;
}

static void who_leaves_no_vector_may_sleep(void **state)
{
	guest_out(PM1, SLEEP(S5) << 8 | 1, 2);
	assert_int_equal(host_port(PM1, 2), SLEEP(S5) << 8 | 1);
	assert_int_equal(guest_in(PM1_STATUS, 4), 0);
}

static void who_leaves_one_wakes_at_once(void **state)
{
	set_waking_vector(0x9a000);
	guest_out(PM1, SLEEP(S3) << 8 | 1, 2);
	assert_int_equal(host_port(PM1, 2), TYPE(S3) << 8 | 1);
	assert_int_equal(guest_in(PM1_STATUS, 4), ACPI_WAK_STS << 8);
	assert_int_equal(guest_in(PM1_STATUS + 1, 1),
			 0x1122334455667700 | ACPI_WAK_STS);
	guest_out(PM1_STATUS, ACPI_WAK_STS << 8, 2);
	assert_int_equal(host_port(PM1_STATUS, 2), ACPI_WAK_STS << 8);
	host_set_port(PM1_STATUS, 0, 2);
	assert_int_equal(guest_in(PM1_STATUS, 4), 0);
}

static void the_width_of_the_access_does_not_matter(void **state)
{
	set_waking_vector(0x9a000);
	guest_out(PM1 + 1, SLEEP(S3), 1);
	assert_int_equal(host_port(PM1 + 1, 1), TYPE(S3));
	guest_out(PM1, (u32)SLEEP(S3) << 8, 4);
	assert_int_equal(host_port(PM1, 4), TYPE(S3) << 8);
	guest_out(PM1 - 2, (u32)SLEEP(S3) << 24, 4);
	assert_int_equal(host_port(PM1, 2), TYPE(S3) << 8);
	guest_out(PM1_STATUS, ACPI_WAK_STS << 8, 2);
}

static void a_known_name_counts_more_than_the_vector(void **state)
{
	sleep_name_states();
	guest_out(PM1, SLEEP(S3) << 8, 2);
	assert_int_equal(host_port(PM1, 2), TYPE(S3) << 8);
	guest_out(PM1_STATUS, ACPI_WAK_STS << 8, 2);
	set_waking_vector(0x9a000);
	guest_out(PM1, SLEEP(S5) << 8, 2);
	assert_int_equal(host_port(PM1, 2), SLEEP(S5) << 8);
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
		cmocka_unit_test_setup(who_leaves_no_vector_may_sleep,
				       restart_guest),
		cmocka_unit_test_setup(who_leaves_one_wakes_at_once,
				       restart_guest),
		cmocka_unit_test_setup(the_width_of_the_access_does_not_matter,
				       restart_guest),
		cmocka_unit_test_setup(a_known_name_counts_more_than_the_vector,
				       restart_guest),
	};

	return cmocka_run_group_tests(tests, start_machine, NULL);
}
