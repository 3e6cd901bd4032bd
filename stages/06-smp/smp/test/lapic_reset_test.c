/*
 * What INIT does to a local APIC, on a model of one: in x2APIC mode, where its
 * registers are MSRs, and so each access can be seen.
 */
#include "host.h"
#include "lib/string.h"
#include "paging/paging.h"
#include "smp/interrupt.h"
#include "smp/lapic.h"

#define X2APIC 0x800

#define VERSION_OLD (0x14 | 5 << 16)        /* six LVT entries */
#define VERSION_NEW (0x15 | 6 << 16)        /* CMCI's as well */
#define VERSION_AMD (VERSION_OLD | BIT(31)) /* and four more */
#define EXT_4_LVTS  (4 << 16)

static u32 regs[0x1000 / 16];
static u64 base;
static uint taken, windows;
static bool flood; /* another CPU sends without end */

static u32 *reg(uint offset)
{
	return &regs[offset / 16];
}

static void set_vector(uint set, uint vector)
{
	*reg(set + vector / 32 * 16) |= 1U << vector % 32;
}

static void clear_vector(uint set, uint vector)
{
	*reg(set + vector / 32 * 16) &= ~(1U << vector % 32);
}

/* The highest, or -1. */
static int top(uint set)
{
	for (int vector = 255; vector >= 0; vector--)
		if (*reg(set + vector / 32 * 16) >> vector % 32 & 1)
			return vector;
	return -1;
}

u64 rdmsr(u32 msr)
{
	return msr == MSR_APIC_BASE ? base : regs[msr - X2APIC];
}

void wrmsr(u32 msr, u64 value)
{
	int ends = top(LAPIC_ISR);

	if (msr != X2APIC + LAPIC_EOI / 16)
		regs[msr - X2APIC] = value;
	else if (ends >= 0)
		clear_vector(LAPIC_ISR, ends);
}

/* What is waiting comes in if it is above what is in service and the TPR. */
void interrupt_take_one(void)
{
	int vector = top(LAPIC_IRR);
	int above = MAX(top(LAPIC_ISR), (int)*reg(LAPIC_TPR));

	windows++;
	assert_true(*reg(LAPIC_SVR) & 0x100); /* else it hands out nothing */
	if (vector < 0 || vector >> 4 <= above >> 4)
		return;
	assert_true(vector >= 32);
	taken++;
	clear_vector(LAPIC_IRR, vector);
	set_vector(LAPIC_ISR, vector);
	if (flood)
		set_vector(LAPIC_IRR, vector);
}

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	return regs;
}

static int has_run(void **state)
{
	for (uint i = 0; i < ARRAY_SIZE(regs); i++)
		regs[i] = 0x5a;
	memset(reg(LAPIC_ISR), 0, 24 * sizeof(*regs)); /* and TMR, IRR */
	*reg(LAPIC_VERSION) = VERSION_OLD;
	base = APIC_BASE_ENABLED | APIC_BASE_X2APIC;
	taken = windows = 0;
	flood = false;
	return 0;
}

static void requests_are_gone(void **state)
{
	static const u8 vectors[] = {32, 48, 0x80, 0xec, 0xef, 0xff};

	for (uint i = 0; i < sizeof(vectors); i++)
		set_vector(LAPIC_IRR, vectors[i]);
	*reg(LAPIC_SVR) = 0xff; /* Linux switches it off before */
	lapic_reset();
	assert_int_equal(top(LAPIC_IRR), -1);
	assert_int_equal(top(LAPIC_ISR), -1);
	assert_int_equal(taken, sizeof(vectors));
}

static void what_was_in_service_is_ended(void **state)
{
	set_vector(LAPIC_ISR, 0x31);
	set_vector(LAPIC_ISR, 0xec);
	set_vector(LAPIC_IRR, 0x31); /* once more, and below */
	set_vector(LAPIC_IRR, 0x29);
	lapic_reset();
	assert_int_equal(top(LAPIC_IRR), -1);
	assert_int_equal(top(LAPIC_ISR), -1);
}

static void all_vectors_at_once_are_gone(void **state)
{
	for (uint vector = 32; vector < 256; vector++) {
		set_vector(LAPIC_IRR, vector);
		set_vector(LAPIC_ISR, vector);
	}
	lapic_reset();
	assert_int_equal(top(LAPIC_IRR), -1);
	assert_int_equal(top(LAPIC_ISR), -1);
}

/* In Vellum they would be taken for exceptions. */
static void no_vector_of_an_exception_is_let_in(void **state)
{
	set_vector(LAPIC_IRR, 18);
	set_vector(LAPIC_IRR, 40);
	lapic_reset();
	assert_int_equal(top(LAPIC_IRR), 18);
	assert_int_equal(taken, 1);
}

static void a_flood_of_requests_has_an_end(void **state)
{
	flood = true;
	set_vector(LAPIC_IRR, 0xfd);
	lapic_reset();
	assert_in_range(windows, 256, 1024);
}

static void registers_are_as_after_init(void **state)
{
	lapic_reset();
	assert_int_equal(*reg(LAPIC_TPR), 0);
	assert_int_equal(*reg(LAPIC_SVR), 0xff);
	assert_int_equal(*reg(LAPIC_TIMER_INIT), 0);
	assert_int_equal(*reg(LAPIC_TIMER_DIV), 0);
	for (uint lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
		assert_int_equal(*reg(lvt), 0x10000);
	assert_int_equal(*reg(LAPIC_LDR), 0x5a); /* x2APIC's follows the ID */
	assert_int_equal(windows, 0);
}

/* In x2APIC mode, a write to one that is not there is a #GP. */
static void only_lvt_entries_that_exist_are_masked(void **state)
{
	*reg(LAPIC_EXT) = EXT_4_LVTS;
	lapic_reset();
	assert_int_equal(*reg(LAPIC_LVT_CMCI), 0x5a);
	assert_int_equal(*reg(LAPIC_LVT_EXT), 0x5a);
	*reg(LAPIC_VERSION) = VERSION_NEW;
	lapic_reset();
	assert_int_equal(*reg(LAPIC_LVT_CMCI), 0x10000);
	assert_int_equal(*reg(LAPIC_LVT_EXT), 0x5a);
	*reg(LAPIC_VERSION) = VERSION_AMD;
	lapic_reset();
	for (uint i = 0; i < 4; i++)
		assert_int_equal(*reg(LAPIC_LVT_EXT + 16 * i), 0x10000);
	assert_int_equal(*reg(LAPIC_LVT_EXT + 16 * 4), 0x5a);
}

static void an_apic_that_is_off_is_left_alone(void **state)
{
	base = 0;
	lapic_reset();
	assert_int_equal(*reg(LAPIC_SVR), 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, has_run)
		T(requests_are_gone),
		T(what_was_in_service_is_ended),
		T(all_vectors_at_once_are_gone),
		T(no_vector_of_an_exception_is_let_in),
		T(a_flood_of_requests_has_an_end),
		T(registers_are_as_after_init),
		T(only_lvt_entries_that_exist_are_masked),
		T(an_apic_that_is_off_is_left_alone),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
