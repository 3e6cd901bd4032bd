/*
 * Host test, under ThreadSanitizer: several CPUs' faults and retypes of one
 * map at once.
 */
#include "console/printf.h"
#include "vmm/test/nested_host.h"

#define VMM_BASE  (512 * MIB)
#define VMM_SIZE  (16 * MIB)
#define VMM_PAGES (VMM_SIZE / PAGE_SIZE)
#define THREADS   4

static struct nested_map map;
static struct mtrr_state mtrr;

/* The real one has a lock; that of the host tests has none, so: silence. */
int printf(const char *format, ...)
{
	return 0;
}

/* Each CPU writes every page of ours, from another place on, and touches
 * device memory; now and then one changes the types. */
static void *cpu(void *arg)
{
	u64 number = (u64)arg;

	for (u64 i = 0; i < VMM_PAGES; i++) {
		u64 page = (i + number * VMM_PAGES / THREADS) % VMM_PAGES;
		u64 device = 8 * GIB + (i * 37 + number) % 64 * GIB;

		if (nested_map_fault(&map, GPHYS(VMM_BASE + page * PAGE_SIZE),
				     true) ||
		    nested_map_fault(&map, GPHYS(device), i % 2) ||
		    (i % 512 == 0 && nested_map_retype(&map, &mtrr)))
			return "an error";
	}
	return NULL;
}

static void faults_of_several_cpus_at_once_are_each_counted_once(void **state)
{
	pthread_t threads[THREADS];

	mtrr_all_write_back(&mtrr);
	host_machine(2 * GIB, 3 * GIB, VMM_BASE, VMM_SIZE);
	assert_int_equal(nested_map_build(&map, &ept_2m, &mtrr, BIT(39)), 0);
	for (u64 i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, cpu, (void *)i);
	for (uint i = 0; i < THREADS; i++) {
		void *error;

		pthread_join(threads[i], &error);
		assert_null(error);
	}
	assert_int_equal(map.hidden_writes, VMM_PAGES);
	assert_int_equal(map.pages, host_live_pages);
	for (u64 i = 0; i < VMM_PAGES; i++)
		assert_true(host_touch(&map, VMM_BASE + i * PAGE_SIZE, true));
	nested_map_free(&map);
	assert_int_equal(host_live_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			faults_of_several_cpus_at_once_are_each_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
