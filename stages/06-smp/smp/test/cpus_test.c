/*
 * The list of CPUs when it is sound, when it is broken, and after random
 * changes. Each table is a copy of exactly its bytes, so that the address
 * sanitizer sees a read past them.
 */
#include "heap/heap.h"
#include "host.h"
#include "lib/errno.h"
#include "smp/cpus.h"
#include "smp/delay.h"
#include "smp/lapic.h"
#include "smp/panic.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define SIZE_MOST 1024
#define ENTRIES   44 /* offset of the first */

static u8 bytes[SIZE_MOST];

static int forget(void **state)
{
	memset(bytes, 0, sizeof(bytes));
	return 0;
}

static void put(u32 at, u64 value, uint size)
{
	memcpy(bytes + at, &value, size);
}

/* Read @size of the bytes as a MADT; the number of CPUs, or the error. */
static int read_cpus(u32 size, struct madt_cpu *cpus, uint max, uint *found)
{
	u8 *copy = malloc(size);
	struct acpi_table madt = {.data = memcpy(copy, bytes, size),
				  .size = size};
	int error;

	*found = 0;
	error = madt_read(&madt, cpus, max, found);

	libc_free(copy);
	return error ? error : (int)*found;
}

static u32 lapic(u32 at, u8 id, u32 flags)
{
	bytes[at] = 0;
	bytes[at + 1] = 8;
	bytes[at + 3] = id;
	put(at + 4, flags, 4);
	return at + 8;
}

static u32 x2apic(u32 at, u32 id, u32 flags)
{
	bytes[at] = 9;
	bytes[at + 1] = 16;
	put(at + 4, id, 4);
	put(at + 8, flags, 4);
	return at + 16;
}

static void cpus_are_found_once_each(void **state)
{
	struct madt_cpu cpus[8];
	u32 at = ENTRIES;
	uint found;

	at = lapic(at, 0, 1);
	at = lapic(at, 2, 0);
	at = lapic(at, 4, 0); /* not enabled */
	at = lapic(at, 6, 2); /* may be plugged in later */
	at = lapic(at, 0xff, 1);
	bytes[at] = 1; /* an I/O APIC */
	bytes[at + 1] = 12;
	at = x2apic(at + 12, 2, 1); /* again, and enabled */
	at = x2apic(at, 300, 1);
	at = x2apic(at, 0xffffffff, 1);
	assert_int_equal(read_cpus(at, cpus, 8, &found), 5);
	for (uint i = 0; i < found; i++) {
		static const u32 ids[] = {0, 2, 4, 6, 300};

		assert_int_equal(cpus[i].apic_id, ids[i]);
		assert_int_equal(cpus[i].enabled, i != 2 && i != 3);
	}
	assert_int_equal(read_cpus(at, cpus, 2, &found), -E2BIG);
	assert_int_equal(found, 2);
}

static void an_entry_without_length_ends_the_list(void **state)
{
	struct madt_cpu ids[8];
	u32 at = lapic(ENTRIES, 1, 1);
	uint found;

	assert_int_equal(read_cpus(at + 8, ids, 8, &found), -EINVAL);
	assert_int_equal(found, 1);
}

static void an_entry_longer_than_the_table_is_refused(void **state)
{
	struct madt_cpu ids[8];
	u32 at = lapic(ENTRIES, 1, 1);
	uint found;

	bytes[at + 1] = 200;
	assert_int_equal(read_cpus(at + 2, ids, 8, &found), -EINVAL);
	assert_int_equal(found, 1);
}

static void a_short_entry_is_no_cpu(void **state)
{
	struct madt_cpu ids[8];
	uint found;

	lapic(ENTRIES, 1, 1);
	bytes[ENTRIES + 1] = 6;
	assert_int_equal(read_cpus(ENTRIES + 6, ids, 8, &found), 0);
}

static void a_table_that_is_all_header_has_no_cpu(void **state)
{
	struct madt_cpu ids[8];
	uint found;

	assert_int_equal(read_cpus(36, ids, 8, &found), 0);
	assert_int_equal(read_cpus(ENTRIES, ids, 8, &found), 0);
	assert_int_equal(read_cpus(ENTRIES + 1, ids, 8, &found), 0);
}

static void the_timer_port_comes_from_the_fadt(void **state)
{
	struct acpi_table fadt = {.data = bytes, .size = 116};

	put(76, 0x608, 4);
	bytes[91] = 4;
	assert_int_equal(fadt_pm_timer(&fadt).port, 0x608);
	assert_int_equal(fadt_pm_timer(&fadt).mask, 0xffffff);
	put(112, 1 << 8, 4);
	assert_int_equal(fadt_pm_timer(&fadt).mask, 0xffffffff);
	fadt.size = 115; /* its flags are not all there */
	assert_int_equal(fadt_pm_timer(&fadt).mask, 0xffffff);
	fadt.size = 91;
	assert_int_equal(fadt_pm_timer(&fadt).port, 0);
}

/* The machine on which smp_find_cpus() runs: its MADT is the bytes up to here,
 * and its own APIC ID is this. */
static u32 madt_size, own_id;

void *alloc(uint n)
{
	return malloc(n);
}

void free(void *p)
{
	libc_free(p);
}

int lapic_init(void)
{
	return 0;
}

u32 lapic_id(void)
{
	return own_id;
}

void smp_stop_if_panic(void)
{
}

const void *acpi_map(u64 address, u64 size)
{
	return NULL;
}

int acpi_machine_root(struct acpi_root *root)
{
	*root = (struct acpi_root){.oem = "VELLUM"};
	return madt_size ? 0 : -ENOENT;
}

/* Its DSDT, and whether it has one. */
static u8 dsdt[256];
static u32 dsdt_size;

static bool doubtful;

int acpi_find_next(acpi_map_fn *map, const struct acpi_root *root,
		   const char *signature, uint n, struct acpi_table *table)
{
	*table = (struct acpi_table){
		.data = bytes, .size = madt_size, .doubtful = doubtful};
	/* As with an XSDT and an RSDT, both of which list it. */
	return n > 1 || strcmp(signature, "APIC") ? -ENOENT : 0;
}

int acpi_find(acpi_map_fn *map, const struct acpi_root *root,
	      const char *signature, struct acpi_table *table)
{
	return -ENOENT;
}

int acpi_find_dsdt(acpi_map_fn *map, const struct acpi_root *root, uint n,
		   struct acpi_table *table)
{
	*table = (struct acpi_table){
		.data = dsdt, .size = dsdt_size, .phys = dsdt_size};
	return n || !dsdt_size ? -ENOENT : 0;
}

/* Who answers the census: other CPUs, by their IDs; below 0: nobody is asked.
 */
static int answer_count;
static u32 answers[8];

static int expected_others = -1; /* -1: not looked at */

static int census(u32 *ids, uint max, uint expected)
{
	if (expected_others >= 0)
		assert_int_equal(expected, expected_others);
	expected_others = -1;
	memcpy(ids, answers, sizeof(answers));
	return answer_count;
}

/* Find the CPUs; @n of them must be the list, @ids in this order. */
static void find_cpus(uint n, const u32 *ids)
{
	smp_count = 1;
	smp_find_cpus(census);
	assert_int_equal(smp_count, n);
	for (uint i = 0; i < n; i++)
		assert_int_equal(smp_cpus[i].apic_id, ids[i]);
	libc_free(smp_cpus);
}

static void the_cpu_that_booted_is_cpu_0(void **state)
{
	u32 at = lapic(ENTRIES, 4, 1);

	own_id = 6;
	at = lapic(at, 6, 1);
	madt_size = lapic(at, 8, 1);
	dsdt_size = ACPI_HEADER_SIZE;
	answer_count = 2;
	answers[0] = 8;
	answers[1] = 4;
	find_cpus(3, (u32[]){6, 4, 8});
	assert_string_equal(smp_oem, "VELLUM");
	assert_null(smp_gap);
	doubtful = true;
	find_cpus(3, (u32[]){6, 4, 8}); /* its order is as good as any, */
	assert_non_null(smp_gap);       /* but it may lack somebody */
	doubtful = false;
}

static void who_answers_and_is_in_no_table_is_among_them(void **state)
{
	madt_size = lapic(lapic(ENTRIES, 0, 1), 3, 1);
	dsdt_size = ACPI_HEADER_SIZE;
	own_id = 0;
	answer_count = 3;
	expected_others = 1; /* though the list comes twice */
	answers[0] = 9;
	answers[1] = 3;
	answers[2] = 1;
	find_cpus(4, (u32[]){0, 3, 1, 9});
	madt_size = 0;
	find_cpus(4, (u32[]){0, 1, 3, 9});
}

static void who_is_listed_and_does_not_answer_is_not(void **state)
{
	madt_size = lapic(lapic(ENTRIES, 0, 1), 3, 1);
	dsdt_size = ACPI_HEADER_SIZE;
	own_id = answer_count = 0;
	find_cpus(1, (u32[]){0});
	assert_non_null(smp_gap); /* but the guest could start it */
	answer_count = -ENOENT;
	find_cpus(1, (u32[]){0});
	assert_non_null(smp_gap);
}

/* The table of a machine with CPUs 0 and 1, both here. */
static struct cpu_lists two_cpus(void)
{
	static const u32 here[] = {0, 1};
	static struct madt_cpu listed[] = {{0, true}, {1, true}};

	listed[1].enabled = true;
	return (struct cpu_lists){
		.here = here,
		.here_count = 2,
		.asked = true,
		.listed = listed,
		.listed_count = 2,
		.listed_all = true,
		.has_aml = true,
		.processors = 2,
	};
}

static void only_if_no_source_knows_of_another_is_there_no_gap(void **state)
{
	struct cpu_lists l = two_cpus();

	assert_null(cpu_lists_gap(&l));
	l.processors = 0; /* many machines declare none */
	assert_null(cpu_lists_gap(&l));
	l.here_count = 1; /* CPU 1 does not answer, enabled or not */
	assert_non_null(cpu_lists_gap(&l));
	((struct madt_cpu *)l.listed)[1].enabled = false;
	assert_non_null(cpu_lists_gap(&l));
	l = two_cpus();
	l.processors = 3; /* a socket */
	assert_non_null(cpu_lists_gap(&l));
	l = two_cpus();
	l.asked = false;
	assert_non_null(cpu_lists_gap(&l));
	l = two_cpus();
	l.listed_all = false;
	assert_non_null(cpu_lists_gap(&l));
	l = two_cpus();
	l.has_aml = false;
	assert_non_null(cpu_lists_gap(&l));
}

/* Each byte of the MADT and the DSDT spoiled in turn, every way: the list never
 * loses a CPU that answers, whatever they say. */
static void no_spoiled_table_makes_the_list_shorter(void **state)
{
	madt_size = lapic(lapic(ENTRIES, 0, 1), 3, 1);
	dsdt_size = ACPI_HEADER_SIZE;
	own_id = 0;
	answer_count = 1;
	answers[0] = 3;
	for (u32 i = 0; i < madt_size; i++)
		for (uint flip = 1; flip < 256; flip++) {
			bytes[i] ^= flip;
			find_cpus(2, (u32[]){0, 3});
			bytes[i] ^= flip;
		}
}

static void processors_are_counted_in_both_forms(void **state)
{
	struct acpi_table aml = {.data = dsdt, .size = ACPI_HEADER_SIZE + 40};
	u8 *code = dsdt + ACPI_HEADER_SIZE;

	memset(dsdt, 0, sizeof(dsdt));
	assert_int_equal(aml_processors(&aml), 0);
	memcpy(code,
	       "\x5b\x83\x0b"
	       "C000",
	       7);
	memcpy(code + 10,
	       "\x5b\x82\x15"
	       "C001\x08_HID\x0d"
	       "ACPI0007",
	       22);
	assert_int_equal(aml_processors(&aml), 2);
	aml.size = ACPI_HEADER_SIZE + 29; /* cut: one byte short */
	assert_int_equal(aml_processors(&aml), 1);
	aml.size = ACPI_HEADER_SIZE + 1;
	assert_int_equal(aml_processors(&aml), 0);
}

static void a_cpu_that_did_not_come_leaves_its_place(void **state)
{
	struct smp_cpu *late;

	madt_size = own_id = answer_count = 0;
	smp_count = 1;
	smp_find_cpus(census);
	late = smp_add(7);
	late->stack_top = dsdt;
	assert_ptr_equal(smp_find(7), late);
	smp_drop_last();
	assert_null(smp_find(7));
	assert_ptr_equal(smp_add(8), late);
	assert_ptr_equal(late->stack_top, dsdt); /* used again, not lost */
	for (u32 id = 9; smp_add(id); id++)
		assert_true(id < 100);
	assert_true(smp_count >= 16); /* with room for some */
	libc_free(smp_cpus);
}

/* Change what is there as a fuzzer would: bits, bytes, and the length. */
static u32 damage(u32 size)
{
	for (uint i = host_random(6); i; i--)
		bytes[ENTRIES + host_random(size - ENTRIES)] =
			host_random(2) ? host_random(256) : host_random(20);
	return host_random(4) ? size : 36 + host_random(size - 36 + 1);
}

static void damaged_tables_do_no_harm(void **state)
{
	for (uint round = 0; round < host_operations(20000); round++) {
		u32 at = ENTRIES;
		u8 *copy;

		forget(NULL);
		for (uint i = 1 + host_random(40); i; i--)
			at = host_random(2) ? lapic(at, host_random(256), 1)
					    : x2apic(at, host_random(1000), 1);
		at = damage(at);
		copy = malloc(at);
		memcpy(copy, bytes, at);
		LLVMFuzzerTestOneInput(copy, at);
		libc_free(copy);
	}
}

/* The output of the interval timer never rises; the test ends all the same. */
static void a_timer_that_stands_still_is_not_waited_for_without_end(void **arg)
{
	host_cpu_reset();
	host_set_port(0x61, 0, 1);
	delay(1000);
	assert_int_equal(host_port(0x61, 1), 0); /* the speaker as it was */
}

int main(void)
{
	host_seed();
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, forget)
		T(cpus_are_found_once_each),
		T(an_entry_without_length_ends_the_list),
		T(an_entry_longer_than_the_table_is_refused),
		T(a_short_entry_is_no_cpu),
		T(a_table_that_is_all_header_has_no_cpu),
		T(the_cpu_that_booted_is_cpu_0),
		T(who_answers_and_is_in_no_table_is_among_them),
		T(who_is_listed_and_does_not_answer_is_not),
		T(only_if_no_source_knows_of_another_is_there_no_gap),
		T(no_spoiled_table_makes_the_list_shorter),
		T(processors_are_counted_in_both_forms),
		T(a_cpu_that_did_not_come_leaves_its_place),
		T(the_timer_port_comes_from_the_fadt),
		T(damaged_tables_do_no_harm),
		T(a_timer_that_stands_still_is_not_waited_for_without_end),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
