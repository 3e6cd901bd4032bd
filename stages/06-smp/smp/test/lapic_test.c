/*
 * Destinations: each way to name CPUs, in both modes of the APIC.
 */
#include "host.h"
#include "paging/paging.h"
#include "smp/lapic.h"

static u32 apic_page[PAGE_SIZE / 4];

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	return apic_page;
}

#define FLAT    0xffffffff
#define CLUSTER 0x0fffffff

#define SELF  (1 << 18)
#define ALL   (2 << 18)
#define OTHER (3 << 18)

static const struct ipi_target three = {3, 0x08000000, FLAT};
static const struct ipi_target in_cluster = {5, 0x12000000, CLUSTER};
static const struct ipi_target far_away = {0x12345, 0, FLAT};

static bool xapic(u32 icr, u32 dest, const struct ipi_target *t)
{
	return ipi_addresses(icr, dest, false, false, t);
}

static bool x2apic(u32 icr, u32 dest, const struct ipi_target *t)
{
	return ipi_addresses(icr, dest, true, false, t);
}

static void physical_destinations_are_ids(void **state)
{
	assert_true(xapic(0, 3, &three));
	assert_false(xapic(0, 2, &three));
	assert_true(xapic(0, 0xff, &three));
	assert_true(x2apic(0, 0x12345, &far_away));
	assert_false(x2apic(0, 0x45, &far_away));
	assert_false(x2apic(0, 0xff, &three));
	assert_true(x2apic(0, 0xffffffff, &three));
}

static void shorthands_do_without_a_destination(void **state)
{
	assert_true(ipi_addresses(SELF, 9, false, true, &three));
	assert_false(ipi_addresses(SELF, 3, false, false, &three));
	assert_true(ipi_addresses(ALL, 9, false, true, &three));
	assert_true(ipi_addresses(ALL, 9, true, false, &three));
	assert_false(ipi_addresses(OTHER, 3, false, true, &three));
	assert_true(ipi_addresses(OTHER, 9, false, false, &three));
}

static void flat_names_are_bits(void **state)
{
	assert_true(xapic(ICR_LOGICAL, 0x08, &three));
	assert_true(xapic(ICR_LOGICAL, 0x0c, &three));
	assert_false(xapic(ICR_LOGICAL, 0xf7, &three));
	assert_true(xapic(ICR_LOGICAL, 0xff, &three));
}

static void clusters_have_a_number_and_names(void **state)
{
	assert_true(xapic(ICR_LOGICAL, 0x12, &in_cluster));
	assert_true(xapic(ICR_LOGICAL, 0x1f, &in_cluster));
	assert_false(xapic(ICR_LOGICAL, 0x11, &in_cluster));
	assert_false(xapic(ICR_LOGICAL, 0x22, &in_cluster));
	assert_true(xapic(ICR_LOGICAL, 0xf2, &in_cluster));
	assert_false(xapic(ICR_LOGICAL, 0xf1, &in_cluster));
}

static void x2apic_names_follow_from_the_id(void **state)
{
	assert_true(x2apic(ICR_LOGICAL, 0x1234 << 16 | 1 << 5, &far_away));
	assert_true(x2apic(ICR_LOGICAL, 0x1234ffff, &far_away));
	assert_false(x2apic(ICR_LOGICAL, 0x1234ffdf, &far_away));
	assert_false(x2apic(ICR_LOGICAL, 0x1235ffff, &far_away));
	assert_true(x2apic(ICR_LOGICAL, 0x00000008, &three));
	assert_true(x2apic(ICR_LOGICAL, 0xffffffff, &three));
}

/* A machine whose registers are all ones, as where there are none. */
static void send_to_no_apic(u64 base)
{
	host_cpu_reset();
	host_set_cpuid(1, 0, (struct cpuid_regs){.edx = BIT(9)});
	host_set_msr(MSR_APIC_BASE, 0xfee00000 | APIC_BASE_ENABLED);
	assert_int_equal(lapic_init(), 0);
	memset(apic_page, 0xff, sizeof(apic_page));
	host_set_msr(MSR_APIC_BASE, base);
	lapic_send(3, ICR_MODE_NMI | ICR_ASSERT);
}

static void an_apic_that_is_off_is_not_waited_for(void **state)
{
	send_to_no_apic(0xfee00000);
	assert_int_equal(apic_page[LAPIC_ICR_LOW / 4], ~0U); /* nothing sent */
}

static void an_apic_that_stays_busy_is_not_waited_for_without_end(void **state)
{
	send_to_no_apic(0xfee00000 | APIC_BASE_ENABLED);
	assert_int_equal(apic_page[LAPIC_ICR_LOW / 4],
			 ICR_MODE_NMI | ICR_ASSERT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(physical_destinations_are_ids),
		cmocka_unit_test(shorthands_do_without_a_destination),
		cmocka_unit_test(flat_names_are_bits),
		cmocka_unit_test(clusters_have_a_number_and_names),
		cmocka_unit_test(x2apic_names_follow_from_the_id),
		cmocka_unit_test(an_apic_that_is_off_is_not_waited_for),
		cmocka_unit_test(
			an_apic_that_stays_busy_is_not_waited_for_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
