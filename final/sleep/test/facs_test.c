/*
 * The waking vectors, in a machine whose tables are three pieces of memory that
 * lead to one FACS or two.
 */
#include "boot/boot_info.h"
#include "host.h"
#include "iommu/iommu.h"
#include "sleep/facs.h"
#include "vmm/window.h"

#define ROOT 0x100
#define LIST 0x200 /* of tables, */
#define FADT 0x300
#define SIZE 64 /* each of them */
#define OURS 0x9e000

static u8 memory[4 * PAGE_SIZE];
static u32 list_size;
static struct acpi_sleep tables;

struct boot_info boot_info;
const struct chipset_bus chipset_bus;

const void *acpi_map(u64 phys, u64 size)
{
	return phys + size <= sizeof(memory) ? &memory[phys] : NULL;
}

u64 acpi_root_pointer(void)
{
	return ROOT;
}

int acpi_read_root(acpi_map_fn *map, u64 phys, struct acpi_root *root)
{
	return map(phys, SIZE) ? 0 : -1;
}

void sleep_read(acpi_map_fn *map, const struct acpi_root *root,
		const struct chipset_bus *bus, struct acpi_sleep *found)
{
	map(LIST, list_size);
	map(FADT, SIZE);
	map(FADT, SIZE); /* twice, as the real one does */
	*found = (struct acpi_sleep){.facs_count = tables.facs_count};
	for (uint i = 0; i < tables.facs_count; i++)
		map(tables.facs_phys[i], FACS_SIZE);
}

static bool is_closed[sizeof(memory)];

void iommu_close(u64 base, u64 size)
{
	memset(&is_closed[base % (640 * KIB)], true, size);
}

static bool write_is_lost;

void window_write(phys_t at, const void *buffer, size_t size)
{
	if (!write_is_lost)
		memcpy(&memory[at.v], buffer, size);
}

/* Its copy is to be forgotten between two tests. */
#include "sleep/facs.c"

static int new_machine(void **state)
{
	memset(memory, 0, sizeof(memory));
	memset(&way, 0, sizeof(way));
	memset(is_closed, 0, sizeof(is_closed));
	list_size = SIZE;
	write_is_lost = false;
	boot_info.firmware = BOOT_BIOS;
	tables = (struct acpi_sleep){.facs_count = 2,
				     .facs_phys = {0x400, 0x500}};
	for (uint i = 0; i < 2; i++)
		tables.facs[i] = &memory[tables.facs_phys[i]];
	return 0;
}

static void leave(uint i, u32 vector)
{
	memcpy(&memory[tables.facs_phys[i] + 12], &vector, sizeof(vector));
}

static void expect_vector(u32 vector)
{
	struct facs_vectors v;

	assert_null(facs_read(&tables, &v));
	assert_int_equal(v.vector, vector);
}

static void expect_refusal(const char *why)
{
	struct facs_vectors v;

	assert_string_equal(facs_read(&tables, &v), why);
}

static void a_vector_in_any_facs_is_the_guests(void **state)
{
	leave(1, 0x971f0);
	expect_vector(0x971f0);
	leave(0, 0x971f0);
	expect_vector(0x971f0);
}

static void what_cannot_be_done_exactly_is_refused(void **state)
{
	expect_refusal("it has left no waking vector");
	leave(0, 0x971f0);
	leave(1, 0x971f1);
	expect_refusal("it has left two different waking vectors");
	leave(1, 0);
	memory[tables.facs_phys[1] + 31] = 1;
	expect_refusal("it wants to wake in another mode than real mode");
	memory[tables.facs_phys[1] + 31] = 0;
	leave(0, MIB);
	expect_refusal("its waking vector is not below 1 MiB");
}

static void ours_is_in_each_and_the_guests_come_back(void **state)
{
	struct facs_vectors v;
	u8 before[sizeof(memory)];

	leave(1, 0x971f0);
	memcpy(before, memory, sizeof(memory));
	assert_null(facs_read(&tables, &v));
	assert_int_equal(facs_point_to(&tables, OURS), 0);
	expect_vector(OURS);
	assert_int_equal(memory[0x400 + 14], OURS >> 16);
	facs_put_back(&tables, &v);
	assert_memory_equal(memory, before, sizeof(memory));
}

static void a_vector_that_does_not_stay_is_seen(void **state)
{
	write_is_lost = true;
	assert_int_not_equal(facs_point_to(&tables, OURS), 0);
	write_is_lost = false;
	memory[tables.facs_phys[0] + 24] = 1;
	assert_int_not_equal(facs_point_to(&tables, OURS), 0);
}

/* Each byte of it, but for the FACS. */
static void a_change_on_the_way_is_seen(void **state)
{
	assert_true(facs_note_way(&tables));
	assert_true(facs_way_is_same());
	for (uint at = 0; at < sizeof(memory); at++) {
		bool facs = at >= 0x400;
		bool on_way = !facs && at >= ROOT && at % 0x100 < SIZE;

		memory[at] ^= 0x10;
		assert_int_equal(facs_way_is_same(), !on_way);
		memory[at] ^= 0x10;
	}
	assert_true(facs_way_is_same());
	memory[LIST]++; /* by us: the name of an IOMMU's table */
	assert_true(facs_note_way(&tables));
	assert_true(facs_way_is_same());
}

static void expect_closed(uint from)
{
	for (uint at = 0; at < sizeof(memory); at++)
		assert_int_equal(is_closed[at],
				 at >= from && at < 0x600 && at % 0x100 < SIZE);
}

/* All of it is below 640 KiB here; then that far further up. */
static void devices_are_kept_off_the_way(void **state)
{
	assert_true(facs_note_way(&tables));
	facs_close(&tables);
	expect_closed(tables.facs_phys[0]);
	for (uint i = 0; i < way.count; i++)
		way.piece[i].phys += LOW_END;
	facs_close(&tables);
	expect_closed(ROOT);
}

static void more_than_can_be_kept_is_no_way(void **state)
{
	list_size = BYTES_MOST - 4 * SIZE;
	assert_true(facs_note_way(&tables));
	list_size++;
	assert_false(facs_note_way(&tables));
}

/* Its firmware goes on to change the tables, and does not follow them. */
static void with_uefi_the_tables_may_change(void **state)
{
	boot_info.firmware = BOOT_UEFI;
	assert_true(facs_note_way(&tables));
	memory[LIST]++;
	assert_true(facs_way_is_same());
}

#define TEST(name) cmocka_unit_test_setup(name, new_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vector_in_any_facs_is_the_guests),
		TEST(what_cannot_be_done_exactly_is_refused),
		TEST(ours_is_in_each_and_the_guests_come_back),
		TEST(a_vector_that_does_not_stay_is_seen),
		TEST(a_change_on_the_way_is_seen),
		TEST(devices_are_kept_off_the_way),
		TEST(more_than_can_be_kept_is_no_way),
		TEST(with_uefi_the_tables_may_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
