/*
 * The decoder against the assembler: each form is assembled here, between two
 * labels, so the length that must come out is known, and so is the source.
 */
#include "host.h"
#include "lib/errno.h"
#include "smp/decode_store.h"

struct form {
	const u8 *start, *end;
	u64 mode, size, op, value;
	s64 reg;
};

/* form MODE, SIZE, OP, REG, VALUE, "instruction" */
asm(".macro form mode, size, op, reg, value, insn:vararg\n"
    ".pushsection .data.rel.ro.forms, \"aw\"\n"
    ".quad 771f, 772f, \\mode, \\size, \\op, \\value, \\reg\n"
    ".popsection\n"
    ".if \\mode == 8\n .code64\n .elseif \\mode == 4\n .code32\n"
    ".else\n .code16\n .endif\n"
    "771: \\insn\n"
    "772: .code64\n"
    ".endm\n"
    ".pushsection .data.rel.ro.forms, \"aw\"\n"
    ".globl forms\nforms:\n.popsection\n"
    ".pushsection .rodata\n"
    /* 64-bit code: what GCC and Clang emit for APIC writes */
    "form 8, 4, 7, 0, 0, movl %eax, (%rdi)\n"
    "form 8, 4, 7, 6, 0, movl %esi, -0xa00000(%rdi)\n"
    "form 8, 4, 7, 9, 0, movl %r9d, 0x300(%rax,%rcx,4)\n"
    "form 8, 4, 7, 15, 0, movl %r15d, (%r13)\n"
    "form 8, 4, 7, 2, 0, movl %edx, (%r12)\n"
    "form 8, 4, 7, 4, 0, movl %esp, 0x80(%rbx)\n"
    "form 8, 4, 7, 5, 0, movl %ebp, foo(%rip)\n"
    "form 8, 4, 7, 0, 0, movl %eax, 0x7ee00300(,%rdi,1)\n"
    "form 8, 4, 7, 0, 0, movl %eax, 0x7ee00300\n"
    "form 8, 4, 7, 0, 0, movl %eax, %gs:(%rdi)\n"
    "form 8, 4, 7, 1, 0, movl %ecx, (%eax)\n"
    "form 8, 4, 7, -1, 0xc4500, movl $0xc4500, 0x300(%rdi)\n"
    "form 8, 4, 7, -1, -1, movl $0xffffffff, (%rdi)\n"
    "form 8, 4, 7, 0, 0, .byte 0xa3, 0, 3, 0xe0, 0xfe, 0, 0, 0, 0\n"
    "form 8, 8, 7, 3, 0, movq %rbx, (%rdi)\n"
    "form 8, 8, 7, -1, -2, movq $-2, (%rdi)\n"
    "form 8, 2, 7, 3, 0, movw %bx, (%rdi)\n"
    "form 8, 2, 7, -1, 0x1234, movw $0x1234, 8(%rdi)\n"
    "form 8, 1, 7, 3, 0, movb %bl, (%rdi)\n"
    "form 8, 1, 7, 6, 0, movb %sil, (%rdi)\n"
    "form 8, 1, 7, -1, 5, movb $5, (%rdi)\n"
    "form 8, 4, 8, 7, 0, xchgl %edi, (%rsi)\n"
    "form 8, 4, 1, -1, 0x100, orl $0x100, 0xf0(%rax)\n"
    "form 8, 4, 4, -1, -0x101, andl $-0x101, 0xf0(%rax)\n"
    "form 8, 4, 1, -1, 0x10, orl $0x10, 0xf0(%rax)\n"
    "form 8, 4, 6, -1, -1, xorl $-1, (%rax)\n"
    "form 8, 4, 0, 8, 0, addl %r8d, (%rax)\n"
    "form 8, 4, 2, 1, 0, adcl %ecx, (%rax)\n"
    "form 8, 4, 3, 1, 0, sbbl %ecx, (%rax)\n"
    "form 8, 4, 5, 1, 0, lock subl %ecx, (%rax)\n"
    "form 8, 1, 1, -1, 1, orb $1, 0xf1(%rax)\n"
    "form 8, 2, 1, -1, 0x1ff, orw $0x1ff, (%rax)\n"
    /* 32-bit and 16-bit code */
    "form 4, 4, 7, 0, 0, movl %eax, 0xfee00300\n"
    "form 4, 4, 7, 1, 0, movl %ecx, 0xfee00300\n"
    "form 4, 4, 7, 3, 0, movl %ebx, 0x300(%esi,%edi,2)\n"
    "form 4, 4, 7, -1, 0x608, movl $0x608, 0xfee00300\n"
    "form 4, 2, 7, 3, 0, movw %bx, (%esi)\n"
    "form 4, 4, 7, 3, 0, movl %ebx, (%bp,%si)\n"
    "form 4, 4, 7, 3, 0, movl %ebx, 0x1234(%bx)\n"
    "form 2, 4, 7, 3, 0, movl %ebx, %es:(%edi)\n"
    "form 2, 2, 7, 3, 0, movw %bx, (%di)\n"
    "form 2, 4, 7, -1, 7, movl $7, 0x300\n"
    ".popsection\n"
    ".pushsection .data.rel.ro.forms, \"aw\"\n"
    ".globl forms_end\nforms_end:\n.popsection\n"
    ".globl foo\n.set foo, forms\n");

extern const struct form forms[], forms_end[];

static void print_bytes(const struct form *f)
{
	for (const u8 *p = f->start; p < f->end; p++)
		print_message("%02x ", *p);
	print_message("mode %lu\n", f->mode);
}

static void every_form_is_taken_apart_as_assembled(void **state)
{
	struct store s;
	uint n = 0;

	for (const struct form *f = forms; f != forms_end; f++, n++) {
		int error;

		print_bytes(f);
		error = store_decode(f->start, f->end - f->start, f->mode, &s);
		assert_int_equal(error, 0);
		assert_int_equal(s.length, f->end - f->start);
		assert_int_equal(s.size, f->size);
		assert_int_equal(s.op, f->op);
		assert_int_equal(s.reg, f->reg);
		assert_false(s.high);
		if (s.reg == STORE_IMMEDIATE && s.size == 4)
			assert_int_equal((u32)s.value, (u32)f->value);
		else if (s.reg == STORE_IMMEDIATE)
			assert_int_equal(s.value, f->value);
	}
	assert_true(n > 40);
}

/* An instruction that ends where the readable bytes do is whole; one byte less
 * and it is not. The sanitizer watches the byte behind. */
static void a_cut_instruction_is_refused(void **state)
{
	struct store s;

	for (const struct form *f = forms; f != forms_end; f++)
		for (uint size = 0; size < f->end - f->start; size++) {
			u8 *copy = malloc(size ? size : 1);

			memcpy(copy, f->start, size);
			assert_int_equal(store_decode(copy, size, f->mode, &s),
					 -EINVAL);
			libc_free(copy);
		}
}

static void what_is_no_store_is_refused(void **state)
{
	static const u8 others[][4] = {
		{0x8b, 0x07},             /* MOV from memory */
		{0x89, 0xc0},             /* to a register */
		{0x81, 0x3f},             /* CMP */
		{0xc7, 0x0f},             /* C7 /1 */
		{0xf3, 0xab},             /* REP STOS */
		{0x0f, 0xc1, 0x07},       /* XADD */
		{0xff, 0x07},             /* INC */
		{0x48, 0x66, 0x0f, 0x7f}, /* REX before a prefix */
	};
	struct store s;
	u8 code[15];

	for (uint i = 0; i < ARRAY_SIZE(others); i++) {
		memset(code, 0, sizeof(code));
		memcpy(code, others[i], sizeof(others[i]));
		assert_int_equal(store_decode(code, 15, 8, &s), -EINVAL);
	}
}

static void old_byte_registers_have_high_halves(void **state)
{
	static const u8 mov_ah[] = {0x88, 0x27}, mov_spl[] = {0x40, 0x88, 0x27};
	struct store s;

	assert_int_equal(store_decode(mov_ah, 2, 8, &s), 0);
	assert_int_equal(s.reg, 0);
	assert_true(s.high);
	assert_int_equal(store_decode(mov_spl, 3, 8, &s), 0);
	assert_int_equal(s.reg, 4);
	assert_false(s.high);
}

#define CF 1
#define ZF 0x40
#define SF 0x80
#define OF 0x800

static void results_and_flags_are_the_instruction_s(void **state)
{
	struct store or = {.size = 4, .op = STORE_OR};
	struct store add = {.size = 4, .op = STORE_ADD};
	struct store sbb = {.size = 1, .op = STORE_SBB};
	struct store mov = {.size = 4, .op = STORE_MOV};
	u64 flags = 0x10202 | CF | OF;

	assert_int_equal(store_result(& or, 0xff, 0x100, &flags), 0x1ff);
	assert_int_equal(flags & ~0x14, 0x10202);
	assert_int_equal(store_result(&add, 0xffffffff, 1, &flags), 0);
	assert_int_equal(flags & (CF | ZF | SF | OF), CF | ZF);
	assert_int_equal(store_result(&sbb, 0, 0x7f, &flags), 0x80);
	assert_int_equal(flags & (CF | ZF | SF | OF), CF | SF);
	assert_int_equal(store_result(&mov, 5, 7, &flags), 7);
	assert_int_equal(flags & 0x10200, 0x10200);
}

static void random_bytes_do_no_harm(void **state)
{
	struct store s;
	u8 code[15];

	for (u64 i = host_operations(500000); i; i--) {
		uint size = host_random(16);

		for (uint k = 0; k < size; k++)
			code[k] = host_random(256);
		if (!store_decode(code, size, 2 << host_random(3), &s)) {
			assert_true(s.length <= size);
			assert_true(s.reg >= -1 && s.reg < 16);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_taken_apart_as_assembled),
		cmocka_unit_test(a_cut_instruction_is_refused),
		cmocka_unit_test(what_is_no_store_is_refused),
		cmocka_unit_test(old_byte_registers_have_high_halves),
		cmocka_unit_test(results_and_flags_are_the_instruction_s),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
