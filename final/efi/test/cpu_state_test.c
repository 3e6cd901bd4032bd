/*
 * Descriptors of a GDT, as firmware has them.
 */
#include "efi/cpu_state.h"

#include "host.h"

static void assert_segment(struct segment_state s, u32 access, u32 limit,
			   u64 base)
{
	assert_int_equal(s.access, access);
	assert_int_equal(s.limit, limit);
	assert_int_equal(s.base, base);
}

static void flat_code_and_data_reach_the_end(void **state)
{
	assert_segment(segment_from_descriptor(0x38, 0x00af9b000000ffff, 0),
		       0xa09b, 0xffffffff, 0);
	assert_segment(segment_from_descriptor(0x30, 0x00cf93000000ffff, 0),
		       0xc093, 0xffffffff, 0);
}

static void to_load_a_segment_marks_it_as_accessed(void **state)
{
	assert_segment(segment_from_descriptor(0x38, 0x00af9a000000ffff, 0),
		       0xa09b, 0xffffffff, 0);
}

static void a_limit_in_bytes_stays_one(void **state)
{
	assert_segment(segment_from_descriptor(0x08, 0x12419345678a1234, 0),
		       0x4093, 0x11234, 0x1245678a);
}

static void a_task_segment_has_a_base_of_64_bits(void **state)
{
	assert_segment(
		segment_from_descriptor(0x40, 0x12008b345678006f, 0xffff8000),
		0x008b, 0x6f, 0xffff800012345678);
}

static void a_null_selector_makes_an_unusable_segment(void **state)
{
	assert_true(segment_from_descriptor(0, 0x00cf93000000ffff, 0).access &
		    SEGMENT_UNUSABLE);
	assert_true(segment_from_descriptor(3, 0x00cf93000000ffff, 0).access &
		    SEGMENT_UNUSABLE);
	assert_true(segment_from_descriptor(8, 0x00cf13000000ffff, 0).access &
		    SEGMENT_UNUSABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat_code_and_data_reach_the_end),
		cmocka_unit_test(to_load_a_segment_marks_it_as_accessed),
		cmocka_unit_test(a_limit_in_bytes_stays_one),
		cmocka_unit_test(a_task_segment_has_a_base_of_64_bits),
		cmocka_unit_test(a_null_selector_makes_an_unusable_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
