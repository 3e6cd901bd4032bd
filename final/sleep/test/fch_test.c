/*
 * Sleep control in memory: no store, of any size and at any place, brings
 * SLP_EN of S3 to the chipset, and all other bytes arrive as they are.
 */
#include "boot/boot_info.h"
#include "host.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "sleep/fch.h"
#include "sleep/s3.h"
#include "smp/store.h"
#include "vmm/mmio.h"
#include "vmm/sleep.h"
#include "vmm/vcpu.h"

#define PAGE         0xfed80000
#define CONTROL_HIGH 0x805
#define S3           (1 << 2)
#define S5           (5 << 2)

/* What the machine's own memory and guest would need; nothing here asks. */
struct boot_info boot_info;
bool space_entered;
const struct vcpu_ops *vcpu_ops;
exit_handler_fn handle_exit_IO;

struct vcpu *vcpu_current(void)
{
	return NULL;
}

static u8 registers[PAGE_SIZE] __aligned(PAGE_SIZE);

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	assert_int_equal(phys.v, PAGE);
	return registers;
}

static const u8 *stored; /* by the guest's instruction */
static uint stored_size;

int store_fetch(struct vcpu *vcpu, const struct vm_exit *exit,
		struct store *store)
{
	*store = (struct store){.size = stored_size, .op = STORE_MOV};
	return 0;
}

int store_finish(struct vcpu *vcpu, const struct store *store, u64 old,
		 u8 bytes[16])
{
	memcpy(bytes, stored, stored_size);
	return 0;
}

/* With `lets_sleep' S3 passes, and whoever holds it does the write. */
static bool lets_sleep;
static uint held;

static const char *no_obstacle(uint block, u8 value)
{
	return lets_sleep ? NULL : "not here";
}

bool s3_begins(uint block, u8 value)
{
	return lets_sleep && (value & ACPI_SLP_EN) && ACPI_SLP_TYP(value) == 1;
}

void s3_sleep(void (*write)(void *arg), void *arg)
{
	held++;
	write(arg);
}

static u64 closed;

void iommu_close(u64 base, u64 size)
{
	closed = base;
}

static void guest_store(uint offset, const void *bytes, uint size)
{
	const struct mmio_page *page = mmio_find(PAGE + offset, 1);
	struct vm_exit exit = {.gpa = GPHYS(PAGE + offset), .write = true};

	assert_non_null(page);
	stored = bytes;
	stored_size = size;
	page->write(NULL, &exit);
}

static void without_an_fch_nothing_is_watched(void **state)
{
	host_set_port(0xcfc, 0x12378086, 4);
	sleep_watch_fch();
	assert_null(mmio_find(PAGE, PAGE_SIZE));
}

static void sleep_control_in_memory_is_watched(void **state)
{
	static const u8 s5[] = {1, S5 | ACPI_SLP_EN}, s3 = S3 | ACPI_SLP_EN;

	host_set_port(0xcfc, 0x790b1022, 4);
	sleep_watch_fch();
	assert_int_equal(closed, PAGE);
	sleep_tables()->states[0][1] = BIT(3);
	sleep_tables()->states[0][5] = BIT(5);
	guest_store(CONTROL_HIGH - 1, s5, 2);
	assert_int_equal(registers[CONTROL_HIGH - 1], 1);
	assert_int_equal(registers[CONTROL_HIGH], S5 | ACPI_SLP_EN);
	guest_store(CONTROL_HIGH, &s3, 1);
	assert_int_equal(registers[CONTROL_HIGH], S3);
	assert_non_null(strstr(host_printed, "refused (number 1)"));
}

static void no_size_and_no_place_gets_past(void **state)
{
	static const uint sizes[] = {1, 2, 4, 8, 16};
	u8 bytes[16];

	memset(bytes, S3 | ACPI_SLP_EN, sizeof(bytes));
	for (uint i = 0; i < ARRAY_SIZE(sizes); i++)
		for (uint at = 0x7f0; at < 0x810; at++) {
			memset(registers, 0, sizeof(registers));
			guest_store(at, bytes, sizes[i]);
			for (uint k = 0; k < PAGE_SIZE; k++) {
				u8 want = k - at < sizes[i] ? bytes[0] : 0;

				if (k == CONTROL_HIGH)
					want &= ~ACPI_SLP_EN;
				assert_int_equal(registers[k], want);
			}
		}
}

/* All of the store, at one time: by whoever holds it. */
static void a_sleep_that_may_be_is_held(void **state)
{
	static const u8 bytes[] = {1, S3 | ACPI_SLP_EN, 3, 4};

	sleep_obstacle = no_obstacle;
	lets_sleep = true;
	guest_store(CONTROL_HIGH - 1, bytes, sizeof(bytes));
	assert_int_equal(held, 1);
	assert_memory_equal(registers + CONTROL_HIGH - 1, bytes, sizeof(bytes));
	guest_store(CONTROL_HIGH + 1, bytes, 2);
	assert_int_equal(held, 1);
	lets_sleep = false;
	guest_store(CONTROL_HIGH - 1, bytes, sizeof(bytes));
	assert_int_equal(held, 1);
	assert_int_equal(registers[CONTROL_HIGH], S3);
	assert_non_null(strstr(host_printed, "): not here\n"));
	sleep_obstacle = NULL;
}

static void a_store_that_leaves_the_page_is_cut(void **state)
{
	guest_store(PAGE_SIZE - 2, "\x11\x22\x33\x44", 4);
	assert_int_equal(registers[PAGE_SIZE - 2], 0x11);
	assert_int_equal(registers[PAGE_SIZE - 1], 0x22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_fch_nothing_is_watched),
		cmocka_unit_test(sleep_control_in_memory_is_watched),
		cmocka_unit_test(no_size_and_no_place_gets_past),
		cmocka_unit_test(a_sleep_that_may_be_is_held),
		cmocka_unit_test(a_store_that_leaves_the_page_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
