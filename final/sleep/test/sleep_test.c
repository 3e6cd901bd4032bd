/*
 * The verdict on a sleep; then a machine with tables, and a guest that writes
 * to its PM1 registers: in all widths, with and without a waking vector.
 */
#include "boot/boot_info.h"
#include "host.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "sleep/states.h"
#include "vmm/vcpu.h"

#define TYPE(n)  ((n) << 2)
#define SLEEP(n) (TYPE(n) | ACPI_SLP_EN)

static struct acpi_sleep info;

static int clear(void **state)
{
	memset(&info, 0, sizeof(info));
	return 0;
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

/* In doubt, what has no name is refused, and the vector does not matter. */
static void doubt_refuses_what_has_no_name(void **state)
{
	info.doubtful = true;
	info.states[0][0] = BIT(5);
	info.states[0][1] = BIT(3);
	info.states[0][7] = SLEEP_MAYBE_OFF;
	for (uint vector = 0; vector < 2; vector++) {
		assert_false(sleep_is_escape(&info, 0, SLEEP(0), vector));
		assert_true(sleep_is_escape(&info, 0, SLEEP(1), vector));
		assert_true(sleep_is_escape(&info, 0, SLEEP(2), vector));
		assert_false(sleep_is_escape(&info, 0, TYPE(2), vector));
		assert_int_equal(sleep_is_escape(&info, 0, SLEEP(7), vector),
				 vector);
	}
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_what_wakes_without_us_is_an_escape,
				       clear),
		cmocka_unit_test_setup(doubt_refuses_what_has_no_name, clear),
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
