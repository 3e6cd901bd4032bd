/*
 * Which states can be left, what a segment register is loaded from, and which
 * slot is borrowed.
 */
#include "unload/leave.h"

#include "host.h"
#include "lib/errno.h"

#define CODE_64 0x00af9b000000ffffUL
#define USER_64 0x00affb000000ffffUL
#define USER_32 0x00cffb000000ffffUL
#define DATA    0x00cf93000000ffffUL
#define USER_DS 0x00cff3000000ffffUL

#define AT 0xffff808040105af0UL

/* The CPU's view of what we made must be the state that it was made of. */
static void assert_same_segment(struct segment_state s)
{
	struct leave_segment l = leave_segment_of(&s, AT);
	struct segment_state now = segment_from_descriptor(
		l.selector, l.descriptor[0], l.descriptor[1]);

	assert_int_equal(l.table.base + (l.selector & ~7UL), AT);
	assert_true((l.selector | 7) <= l.table.limit);
	assert_int_equal(now.selector, s.selector);
	assert_int_equal(now.limit, s.limit);
	assert_int_equal(now.base, s.base);
	assert_int_equal(now.access, s.access);
}

static void a_register_is_loaded_with_its_hidden_half(void **state)
{
	assert_same_segment((struct segment_state){0x2b, 0xc0f3, ~0U, 0});
	assert_same_segment(
		(struct segment_state){0x18, 0x4093, 0xfff, 0x12345678});
	assert_same_segment(
		(struct segment_state){0xfff8, 0x4093, 0xfedcb, 0xffffffff});
	assert_same_segment(
		(struct segment_state){0x48, 0x82, 0xffff, 0xfffffe0000003000});
}

/* LTR refuses one that is busy, and makes it so. */
static void a_task_is_no_longer_busy(void **state)
{
	struct segment_state tr = {0x40, 0x8b, 0x206f, 0xfffffe0000003000};
	struct leave_segment l = leave_segment_of(&tr, AT);
	struct segment_state now =
		segment_from_descriptor(0x40, l.descriptor[0], l.descriptor[1]);

	assert_int_equal(now.access, 0x89);
	assert_int_equal(now.base, tr.base);
	assert_int_equal(now.limit, tr.limit);
}

static void a_null_selector_has_no_descriptor(void **state)
{
	struct segment_state s = {3, SEGMENT_UNUSABLE, 0, 0x1234};
	struct leave_segment l = leave_segment_of(&s, AT);

	assert_int_equal(l.selector, 3);
	assert_int_equal(l.descriptor[0] | l.descriptor[1], 0);
}

static struct cpu_state good_state(void)
{
	struct cpu_state s = {
		.rip = 0xffffffff81000000,
		.rflags = RFLAGS_FIXED,
		.cr4 = CR4_PAE,
		.efer = EFER_LME | EFER_LMA,
		.gdtr_limit = 0x7f,
	};

	for (uint i = 0; i < SEGMENT_COUNT; i++)
		s.segment[i].access = SEGMENT_UNUSABLE;
	s.segment[SEGMENT_CS] = (struct segment_state){0x10, 0xa09b, ~0U, 0};
	s.segment[SEGMENT_SS] = (struct segment_state){0x18, 0xc093, ~0U, 0};
	s.segment[SEGMENT_TR] = (struct segment_state){0x40, 0x8b, 0x6f, 0};
	return s;
}

static void what_linux_does_can_be_left(void **state)
{
	struct cpu_state s = good_state();

	assert_null(leave_obstacle(&s));
	assert_null(leave_obstacle_frame(&s, CODE_64, DATA));
	s.segment[SEGMENT_SS] = (struct segment_state){.selector = 0};
	assert_null(leave_obstacle_frame(&s, CODE_64, 0));
	s.segment[SEGMENT_CS] = (struct segment_state){0x33, 0xa0fb, ~0U, 0};
	s.segment[SEGMENT_SS] = (struct segment_state){0x2b, 0xc0f3, ~0U, 0};
	assert_null(leave_obstacle_frame(&s, USER_64, USER_DS));
	s.segment[SEGMENT_CS] = (struct segment_state){0x23, 0xc0fb, ~0U, 0};
	assert_null(leave_obstacle_frame(&s, USER_32, USER_DS));
}

#define ASSERT_OBSTACLE(member, value, words)                       \
	do {                                                        \
		struct cpu_state s = good_state();                  \
                                                                    \
		s.member = value;                                   \
		assert_non_null(leave_obstacle(&s));                \
		assert_non_null(strstr(leave_obstacle(&s), words)); \
	} while (0)

static void what_iretq_could_not_do_is_an_obstacle(void **state)
{
	ASSERT_OBSTACLE(efer, EFER_LME, "64-bit mode");
	ASSERT_OBSTACLE(cr4, CR4_PAE | CR4_LA57, "five levels");
	ASSERT_OBSTACLE(rip, 0x0000800000000000, "fault");
	ASSERT_OBSTACLE(rflags, RFLAGS_TF | RFLAGS_FIXED, "single-stepped");
	ASSERT_OBSTACLE(segment[SEGMENT_FS].selector, 0x0f, "LDT");
	ASSERT_OBSTACLE(segment[SEGMENT_DS].selector, 0x28, "LDT");
	ASSERT_OBSTACLE(segment[SEGMENT_TR].selector, 0, "task register");
	ASSERT_OBSTACLE(segment[SEGMENT_TR].access, 0x93, "task register");
	ASSERT_OBSTACLE(segment[SEGMENT_LDTR].selector, 0x48, "LDT");
}

static void assert_frame_refused(struct cpu_state s, u64 code, u64 stack)
{
	assert_non_null(leave_obstacle_frame(&s, code, stack));
}

/* The guest may have changed its GDT since it loaded CS and SS. */
static void cs_and_ss_must_be_in_the_gdt_still(void **state)
{
	struct cpu_state s = good_state();

	assert_frame_refused(s, 0, DATA);
	assert_frame_refused(s, CODE_64 & ~BIT(47), DATA); /* not present */
	assert_frame_refused(s, CODE_64 & ~BIT(40), DATA); /* not accessed */
	assert_frame_refused(s, USER_64, DATA);
	assert_frame_refused(s, USER_32, DATA);
	assert_frame_refused(s, DATA, DATA);
	assert_frame_refused(s, CODE_64, 0);
	assert_frame_refused(s, CODE_64, DATA & ~BIT(41)); /* read-only */
	assert_frame_refused(s, CODE_64, USER_DS);
	assert_frame_refused(s, CODE_64, CODE_64);
	s.segment[SEGMENT_CS].selector = 0x14;
	assert_frame_refused(s, CODE_64, DATA);
	s = good_state();
	s.segment[SEGMENT_CS] = (struct segment_state){0x23, 0xc0fb, ~0U, 0};
	s.segment[SEGMENT_SS] = (struct segment_state){.selector = 3};
	assert_frame_refused(s, USER_32, 0);
	s.segment[SEGMENT_SS] =
		(struct segment_state){0x2b, 0xc0f3, ~0U, 0x1000};
	assert_frame_refused(s, USER_32, USER_DS); /* another base */
}

static void the_first_empty_slot_is_borrowed(void **state)
{
	struct leave_slots slots = {{0}};

	assert_int_equal(leave_choose_slot(&slots), -ENOSPC);
	slots.empty[3] = BIT(63);
	assert_int_equal(leave_choose_slot(&slots), 511);
	slots.empty[1] = BIT(5) | BIT(6);
	assert_int_equal(leave_choose_slot(&slots), 256 + 64 + 5);
	slots.empty[0] = BIT(1);
	assert_int_equal(leave_choose_slot(&slots), 257);
}

/* Where leave_code.S finds the slot from the frame, whichever it is. */
static void the_frame_fits_in_front_of_the_registers(void **state)
{
	for (uint slot = SLOTS_FIRST; slot < 512; slot++) {
		u64 frame = LEAVE_ROOT + slot * 8 - LEAVE_FRAME_TO_SLOT;

		assert_true(frame >= LEAVE_DATA);
		assert_true(frame + sizeof(struct leave_frame) <=
			    LEAVE_DATA + LEAVE_REGS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_register_is_loaded_with_its_hidden_half),
		cmocka_unit_test(a_task_is_no_longer_busy),
		cmocka_unit_test(a_null_selector_has_no_descriptor),
		cmocka_unit_test(what_linux_does_can_be_left),
		cmocka_unit_test(what_iretq_could_not_do_is_an_obstacle),
		cmocka_unit_test(cs_and_ss_must_be_in_the_gdt_still),
		cmocka_unit_test(the_first_empty_slot_is_borrowed),
		cmocka_unit_test(the_frame_fits_in_front_of_the_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
