/*
 * Prefixes and opcode, against bytes written down by hand. (Whole instructions,
 * against the assembler: stages/06-smp/smp/test/decode_store_test.c.)
 */
#include "host.h"
#include "vmm/decode.h"

/* As decode_opcode(), from a copy that ends where the bytes do: the sanitizer
 * watches the byte behind. */
static struct instruction decoded(const char *bytes, uint size, uint mode)
{
	static u8 *copy;

	libc_free(copy);
	copy = malloc(size ? size : 1);
	memcpy(copy, bytes, size);
	return decode_opcode(copy, size, mode);
}

#define DECODED(bytes, mode) decoded(bytes, sizeof(bytes) - 1, mode)

static void prefixes_are_passed_in_any_order(void **state)
{
	struct instruction i = DECODED("\x0f\xa2", 8);

	assert_int_equal(i.opcode, 0x0f);
	assert_int_equal(i.at, 1);
	assert_int_equal(decode_byte(&i), 0xa2);
	assert_false(i.operand_changed || i.address_changed || i.cut);
	i = DECODED("\xf3\x66\x2e\x67\xf0\x64\x0f\x01\xd9", 2);
	assert_int_equal(i.opcode, 0x0f);
	assert_int_equal(i.at, 7);
	assert_true(i.operand_changed && i.address_changed);
}

static void only_the_last_rex_counts_and_only_before_the_opcode(void **state)
{
	assert_int_equal(DECODED("\x44\x0f\x22\xe0", 8).rex, 0x44);
	assert_int_equal(DECODED("\x48\x44\x0f\x22\xe0", 8).rex, 0x44);
	assert_int_equal(DECODED("\x44\x66\x0f\x22\xe0", 8).rex, 0);
	assert_int_equal(DECODED("\x44\x66\x0f\x22\xe0", 8).opcode, 0x0f);
}

/* INC and DEC of a register, where there is no REX. */
static void in_32_bit_code_rex_is_an_opcode(void **state)
{
	assert_int_equal(DECODED("\x48\x0f\xa2", 4).opcode, 0x48);
	assert_int_equal(DECODED("\x48\x0f\xa2", 4).rex, 0);
}

static void what_is_not_there_reads_as_0(void **state)
{
	struct instruction i = DECODED("", 8);

	assert_int_equal(i.opcode, 0);
	assert_true(i.cut);
	i = DECODED("\x66\x0f", 8);
	assert_false(i.cut);
	assert_int_equal(decode_byte(&i), 0);
	assert_true(i.cut);
	assert_int_equal(i.at, 2);
}

static void no_instruction_is_longer_than_15_bytes(void **state)
{
	struct instruction i = DECODED("\x66\x66\x66\x66\x66\x66\x66\x66"
				       "\x66\x66\x66\x66\x66\x66\x66\x0f\xa2",
				       8);

	assert_true(i.cut);
	assert_int_equal(i.at, INSTRUCTION_MOST);
	assert_int_equal(i.opcode, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_passed_in_any_order),
		cmocka_unit_test(
			only_the_last_rex_counts_and_only_before_the_opcode),
		cmocka_unit_test(in_32_bit_code_rex_is_an_opcode),
		cmocka_unit_test(what_is_not_there_reads_as_0),
		cmocka_unit_test(no_instruction_is_longer_than_15_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
