/*
 * The log of the last run: what one run writes the next one reads, wherever the
 * first was cut off; and what is no such log is refused, whatever it says.
 */
#include "shell/last_log.h"

#include "boot/boot_info.h"
#include "console/log.h"
#include "host.h"

#define PLACE 0x1ec00000UL

struct boot_info boot_info;
static struct kept_log *kept;
static struct last_log last;

static void put(const char *text)
{
	while (*text)
		log_putc(*text++);
}

/* Begin a run, whose log is in @kept; the ring is full of lines like these. */
static void begin(void)
{
	static struct kept_log runs[2];

	kept = &runs[kept == runs];
	for (uint i = 0; i < LOG_SIZE / 16; i++)
		put("0123456789abcde\n");
	memset(kept, 0xff, sizeof(*kept));
	log_keep(kept, PHYS(PLACE));
}

/* What the next run reads. */
static const char *parse(void)
{
	memset(&last, 0xff, sizeof(last));
	last_log_parse(kept, PHYS(PLACE), &last);
	assert_true(last.missing ? !last.length : last.length <= KEPT_SIZE);
	for (size_t i = 0; i < last.length; i++)
		assert_true(last.text[i] == '\n' || last.text[i] == '\t' ||
			    (last.text[i] >= ' ' && last.text[i] <= '~'));
	return last.missing;
}

static void assert_ends(const char *text)
{
	size_t n = strlen(text);

	assert_null(parse());
	assert_true(last.length >= n);
	assert_memory_equal(last.text + last.length - n, text, n);
}

/* A log that somebody else has written: sums and all. */
static void forge(u64 written, const char *text)
{
	static struct kept_log forged;
	struct kept_end *end = &forged.end[0];
	size_t length = strlen(text);

	kept = &forged;
	memset(kept, 0, sizeof(*kept));
	kept->head = (struct kept_head){KEPT_MAGIC, PLACE, LOG_SIZE, 0};
	kept->head.check = kept_head_check(&kept->head);
	for (size_t i = 0; i < length; i++)
		kept->text[(written - length + i) % LOG_SIZE] = text[i];
	end->written = written;
	end->sum = kept_sum(kept->text, kept_start(written), written);
	end->check = kept_end_check(end);
}

static void what_a_run_prints_the_next_one_reads(void **state)
{
	begin();
	put("first\n");
	assert_ends("0123456789abcde\nfirst\n");
	put("second\tline\n");
	assert_ends("first\nsecond\tline\n");
	assert_int_equal(last.length, KEPT_SIZE);
}

static void a_line_that_was_cut_off_does_not_spoil_those_before(void **state)
{
	begin();
	put("whole\n");
	for (uint i = 0; i < KEPT_SLACK - 1; i++) {
		log_putc('x');
		assert_ends("\nwhole\n");
	}
	log_putc('!'); /* a line that is too long is put on record in parts */
	assert_ends("xxx!");
}

static void a_record_that_was_cut_off_leaves_the_one_before(void **state)
{
	begin();
	put("one\n");
	put("two\n");
	kept_last(kept)->check ^= 1;
	assert_ends("\none\n");
}

/* As a CPU that is stopped by a panic of another one. */
static void a_record_that_was_begun_is_made_anew(void **state)
{
	struct kept_end *end;

	begin();
	put("one\n");
	end = &kept->end[kept_last(kept) == kept->end];
	end->sum = 12345;
	end->check = 0;
	put("two\n");
	assert_ends("one\ntwo\n");
	kept_last(kept)->check = 0;
	put("three\n");
	assert_ends("one\ntwo\nthree\n");
}

static void one_wrong_bit_is_noticed_wherever_it_is(void **state)
{
	u8 *byte;

	begin();
	byte = (u8 *)kept;
	put("one\n");
	put("two\n");
	for (size_t i = 0; i < 4 * sizeof(u64); i++) {
		byte[i] ^= 1U << i % 8;
		assert_non_null(parse());
		byte[i] ^= 1U << i % 8;
	}
	for (size_t i = 0; i < LOG_SIZE; i++) {
		bool covered = (log_written() - 1 - i) % LOG_SIZE < KEPT_SIZE;

		if (i % 61 && i > 4096) /* all of them would take a minute */
			continue;
		kept->text[i] ^= 1U << i % 8;
		if (covered)
			assert_string_equal(parse(),
					    "refused: its text is damaged");
		else
			assert_ends("two\n");
		kept->text[i] ^= 1U << i % 8;
	}
	assert_ends("two\n");
}

static void a_log_without_a_whole_record_is_refused(void **state)
{
	begin();
	put("one\n");
	kept->end[0].sum ^= 1UL << 63;
	kept->end[1].written++;
	assert_string_equal(parse(),
			    "refused: both records of its end are damaged");
}

static void two_characters_that_changed_places_are_noticed(void **state)
{
	begin();
	put("ab\n");
	kept->text[(log_written() - 3) % LOG_SIZE] = 'b';
	kept->text[(log_written() - 2) % LOG_SIZE] = 'a';
	assert_non_null(parse());
}

static void memory_that_holds_no_log_is_none(void **state)
{
	begin();
	memset(kept, 0, sizeof(*kept));
	assert_string_equal(parse(), "no previous log here");
	memset(kept, 0xff, sizeof(*kept));
	assert_string_equal(parse(), "no previous log here");
	forge(0, "");
	assert_string_equal(parse(), "no previous log here");
}

static void a_log_from_another_place_is_none(void **state)
{
	forge(6, "hello\n");
	assert_ends("hello\n");
	last_log_parse(kept, PHYS(PLACE + PAGE_SIZE), &last);
	assert_string_equal(last.missing,
			    "no previous log here, but one from elsewhere");
}

static void another_size_is_refused_even_with_its_sum(void **state)
{
	static const u64 sizes[] = {0, 1, LOG_SIZE / 2, LOG_SIZE * 2, ~0UL};

	for (uint i = 0; i < ARRAY_SIZE(sizes); i++) {
		forge(6, "hello\n");
		kept->head.size = sizes[i];
		assert_string_equal(parse(), "refused: its head is damaged");
		kept->head.check = kept_head_check(&kept->head);
		assert_string_equal(parse(), "refused: it is of another size");
	}
}

/* Whatever the end says, no more is read than there is. */
static void an_end_that_lies_is_no_way_out_of_the_ring(void **state)
{
	static const u64 ends[] = {KEPT_SIZE, KEPT_SIZE + 1, LOG_SIZE,
				   1UL << 32, 1UL << 63,     ~0UL};

	for (uint i = 0; i < ARRAY_SIZE(ends); i++) {
		forge(ends[i], "lies\n");
		assert_ends("lies\n");
		assert_int_equal(last.length, MIN(ends[i], KEPT_SIZE));
		assert_int_equal(last.text[0], '?'); /* they were zeros */
	}
}

static void control_characters_never_reach_a_terminal(void **state)
{
	forge(16, "\033[2J\a\r\x7f\x9b\xff\b\v tab\t\n");
	assert_ends("?[2J??????? tab\t\n" + 1);
}

static const char *panic_in(const char *text)
{
	static char message[64];
	const char *found;
	size_t length;

	forge(strlen(text), text);
	assert_null(parse());
	found = last_log_panic(&last, &length);
	if (!found)
		return NULL;
	assert_true(found >= last.text &&
		    found + length <= last.text + last.length);
	memcpy(message, found, length);
	message[length] = '\0';
	return message;
}

static void the_first_panic_is_the_one_that_is_told(void **state)
{
	assert_null(panic_in("all is well\n"));
	assert_string_equal(panic_in("x\npanic(CPU0): why\nbacktrace\n"),
			    "why");
	assert_string_equal(panic_in("panic(CPU12): one\npanic(CPU0): two\n"),
			    "one");
	assert_string_equal(panic_in("panic(CPU3): "), "");
}

static void what_only_looks_like_a_panic_is_none(void **state)
{
	assert_null(panic_in("panic"));
	assert_null(panic_in("panic(CPU"));
	assert_null(panic_in("panic(CPU0)"));
	assert_null(panic_in("panic(CPU0):\n"));
	assert_null(panic_in("panic(CPUx): no\n"));
	assert_null(panic_in("it said panic(CPU0): no\n"));
	assert_null(panic_in("\n\n\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_run_prints_the_next_one_reads),
		cmocka_unit_test(
			a_line_that_was_cut_off_does_not_spoil_those_before),
		cmocka_unit_test(
			a_record_that_was_cut_off_leaves_the_one_before),
		cmocka_unit_test(a_record_that_was_begun_is_made_anew),
		cmocka_unit_test(one_wrong_bit_is_noticed_wherever_it_is),
		cmocka_unit_test(a_log_without_a_whole_record_is_refused),
		cmocka_unit_test(
			two_characters_that_changed_places_are_noticed),
		cmocka_unit_test(memory_that_holds_no_log_is_none),
		cmocka_unit_test(a_log_from_another_place_is_none),
		cmocka_unit_test(another_size_is_refused_even_with_its_sum),
		cmocka_unit_test(an_end_that_lies_is_no_way_out_of_the_ring),
		cmocka_unit_test(control_characters_never_reach_a_terminal),
		cmocka_unit_test(the_first_panic_is_the_one_that_is_told),
		cmocka_unit_test(what_only_looks_like_a_panic_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
