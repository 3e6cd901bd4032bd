/*
 * ACPI's reset register, as firmware may have written it; and who writes to it.
 */
#include "shell/reboot.h"

#include "host.h"
#include "lib/errno.h"
#include "lib/reset.h"
#include "paging/paging.h"
#include "smp/cpus.h"

static u8 fadt[276];
static struct acpi_table table = {.data = fadt, .size = sizeof(fadt)};
static bool there;
static u8 memory;

void (*machine_reset_by_firmware)(void);

int smp_find_table(const char *signature, struct acpi_table *found)
{
	assert_string_equal(signature, "FACP");
	if (!there)
		return -ENOENT;
	*found = table;
	return 0;
}

void *map_phys(phys_t phys, u64 size, uint flags)
{
	assert_true(flags & MAP_WRITE && flags & MAP_DEVICE);
	return phys.v == 0xfed00000 ? &memory : NULL;
}

/* What ends a reboot is tested elsewhere. */
void machine_reset(void)
{
	abort();
}

void console_take_back(void)
{
}

static void set(u8 space, u64 address, u8 value)
{
	memset(fadt, 0, sizeof(fadt));
	fadt[113] = 4; /* bit 10 of the flags */
	fadt[116] = space;
	fadt[117] = 8; /* bits */
	memcpy(fadt + 120, &address, 8);
	fadt[128] = value;
	table = (struct acpi_table){.data = fadt, .size = sizeof(fadt)};
	there = true;
}

static int judge(void)
{
	struct acpi_reset reset;

	return acpi_reset_read(&table, &reset);
}

/* Was there a reset register that made sense, and was it written to? */
static bool resets(void)
{
	machine_reset_by_firmware = NULL;
	host_printed[0] = '\0';
	reboot_init();
	if (!machine_reset_by_firmware)
		return false;
	machine_reset_by_firmware();
	return true;
}

static void what_the_table_names_is_written_to(void **state)
{
	host_cpu_reset();
	set(ACPI_PORT, 0xcf9, 0xf);
	assert_true(resets());
	assert_int_equal(host_port(0xcf9, 1), 0xf);
	assert_string_equal(host_printed,
			    "reset: ACPI's register, port 0xcf9\n");
	set(ACPI_MEMORY, 0xfed00000, 0x11);
	assert_true(resets());
	assert_int_equal(memory, 0x11);
	set(ACPI_PCI, 31UL << 32 | 2 << 16 | 0x46, 0x5a);
	assert_true(resets());
	assert_int_equal(host_port(0xcf8, 4),
			 0x80000000 | 31 << 11 | 2 << 8 | 0x44);
	assert_int_equal(host_port(0xcfe, 1), 0x5a);
}

static void a_table_without_one_is_left_alone(void **state)
{
	set(ACPI_PORT, 0xcf9, 6);
	fadt[113] = 0;
	assert_int_equal(judge(), -ENOENT);
	set(ACPI_PORT, 0xcf9, 6);
	for (table.size = 36; table.size <= 128; table.size++)
		assert_int_equal(judge(), -ENOENT);
	assert_int_equal(judge(), 0);
	there = false;
	assert_false(resets());
	assert_string_equal(host_printed, "");
}

static void what_makes_no_sense_is_not_used(void **state)
{
	static const struct {
		u8 space;
		u64 address;
	} wrong[] = {
		{ACPI_PORT, 0},      {ACPI_PORT, 0x10000},
		{ACPI_MEMORY, 0},    {ACPI_PCI, 32UL << 32},
		{ACPI_PCI, 8 << 16}, {ACPI_PCI, 256},
		{3, 0xcf9},          {0x7f, 0xcf9},
	};

	for (uint i = 0; i < ARRAY_SIZE(wrong); i++) {
		set(wrong[i].space, wrong[i].address, 6);
		assert_int_equal(judge(), -EINVAL);
	}
	set(ACPI_PORT, 0xcf9, 6);
	table.doubtful = true;
	assert_int_equal(judge(), -EINVAL);
	set(ACPI_PORT, 0xcf9, 6);
	fadt[117] = 16;
	assert_int_equal(judge(), -EINVAL);
	set(ACPI_PORT, 0xcf9, 6);
	fadt[118] = 1;
	assert_int_equal(judge(), -EINVAL);
	set(ACPI_MEMORY, 0x1000, 6); /* which can't be mapped */
	assert_false(resets());
	assert_non_null(strstr(host_printed, "makes no sense"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_table_names_is_written_to),
		cmocka_unit_test(a_table_without_one_is_left_alone),
		cmocka_unit_test(what_makes_no_sense_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
