/*
 * The decoder against the assembler: each form is assembled here, between two
 * labels, so the length that must come out is known, and so is the source.
 * (What the instructions do, against the CPU: store_test.c.)
 */
#include "host.h"
#include "lib/errno.h"
#include "smp/decode_store.h"
#include "vmm/decode.h"

struct form {
	const u8 *start, *end;
	u64 mode, size, source, reg, value;
};

_Static_assert(FROM_REGISTER == 1 && FROM_RFLAGS == 5, "the numbers below");

/* form MODE, SIZE, SOURCE, REG, VALUE, "instruction" */
asm(".macro form mode, size, source, reg, value, insn:vararg\n"
    ".pushsection .data.rel.ro.forms, \"aw\"\n"
    ".quad 771f, 772f, \\mode, \\size, \\source, \\reg, \\value\n"
    ".popsection\n"
    ".if \\mode == 8\n .code64\n .elseif \\mode == 4\n .code32\n"
    ".else\n .code16\n .endif\n"
    "771: \\insn\n"
    "772: .code64\n"
    ".endm\n"
    ".equ IMM, 0\n.equ REG, 1\n.equ XMM, 2\n.equ STRING, 3\n"
    ".equ STACK, 4\n.equ FLAGS, 5\n"
    ".pushsection .data.rel.ro.forms, \"aw\"\n"
    ".globl forms\nforms:\n.popsection\n"
    ".pushsection .rodata\n"
    /* 64-bit code: what GCC and Clang emit for APIC writes */
    "form 8, 4, REG, 0, 0, movl %eax, (%rdi)\n"
    "form 8, 4, REG, 6, 0, movl %esi, -0xa00000(%rdi)\n"
    "form 8, 4, REG, 9, 0, movl %r9d, 0x300(%rax,%rcx,4)\n"
    "form 8, 4, REG, 15, 0, movl %r15d, (%r13)\n"
    "form 8, 4, REG, 2, 0, movl %edx, (%r12)\n"
    "form 8, 4, REG, 4, 0, movl %esp, 0x80(%rbx)\n"
    "form 8, 4, REG, 5, 0, movl %ebp, foo(%rip)\n"
    "form 8, 4, REG, 0, 0, movl %eax, 0x7ee00300(,%rdi,1)\n"
    "form 8, 4, REG, 0, 0, movl %eax, 0x7ee00300\n"
    "form 8, 4, REG, 0, 0, movl %eax, %gs:(%rdi)\n"
    "form 8, 4, REG, 1, 0, movl %ecx, (%eax)\n"
    "form 8, 4, REG, 0, 0, .byte 0xa3, 0, 3, 0xe0, 0xfe, 0, 0, 0, 0\n"
    "form 8, 4, IMM, 0, 0xc4500, movl $0xc4500, 0x300(%rdi)\n"
    "form 8, 4, IMM, 0, -1, movl $0xffffffff, (%rdi)\n"
    /* other sizes */
    "form 8, 8, REG, 3, 0, movq %rbx, (%rdi)\n"
    "form 8, 8, IMM, 0, -2, movq $-2, (%rdi)\n"
    "form 8, 2, REG, 3, 0, movw %bx, (%rdi)\n"
    "form 8, 2, IMM, 0, 0x1234, movw $0x1234, 8(%rdi)\n"
    "form 8, 1, REG, 3, 0, movb %bl, (%rdi)\n"
    "form 8, 1, REG, 6, 0, movb %sil, (%rdi)\n"
    "form 8, 1, IMM, 0, 5, movb $5, (%rdi)\n"
    /* the old value plays a part */
    "form 8, 4, REG, 7, 0, xchgl %edi, (%rsi)\n"
    "form 8, 4, IMM, 0, 0x100, orl $0x100, 0xf0(%rax)\n"
    "form 8, 4, IMM, 0, -0x101, andl $-0x101, 0xf0(%rax)\n"
    "form 8, 4, IMM, 0, 0x10, orl $0x10, 0xf0(%rax)\n"
    "form 8, 4, REG, 8, 0, addl %r8d, (%rax)\n"
    "form 8, 4, REG, 1, 0, lock subl %ecx, (%rax)\n"
    "form 8, 1, IMM, 0, 1, orb $1, 0xf1(%rax)\n"
    "form 8, 2, IMM, 0, 0x1ff, orw $0x1ff, (%rax)\n"
    "form 8, 4, IMM, 0, 0, incl (%rax)\n"
    "form 8, 8, IMM, 0, 0, lock decq 8(%r9)\n"
    "form 8, 1, IMM, 0, 0, notb (%rax)\n"
    "form 8, 2, IMM, 0, 0, negw (%rax,%rax)\n"
    "form 8, 4, IMM, 0, 0, shll $5, (%rdi)\n"
    "form 8, 4, IMM, 0, 0, sarl (%rdi)\n"
    "form 8, 1, IMM, 0, 0, rclb %cl, (%rdi)\n"
    "form 8, 4, REG, 10, 0, shldl $3, %r10d, (%rdi)\n"
    "form 8, 8, REG, 11, 0, shrdq %cl, %r11, (%rdi)\n"
    "form 8, 4, REG, 2, 0, lock btsl %edx, (%rdi)\n"
    "form 8, 4, IMM, 0, 9, btrl $9, (%rdi)\n"
    "form 8, 8, IMM, 0, 9, btcq $9, (%rdi)\n"
    "form 8, 4, REG, 12, 0, lock xaddl %r12d, (%rdi)\n"
    "form 8, 1, REG, 13, 0, cmpxchgb %r13b, (%rdi)\n"
    "form 8, 4, REG, 3, 0, lock cmpxchgl %ebx, (%rdi)\n"
    "form 8, 8, IMM, 0, 0, lock cmpxchg8b (%rdi)\n"
    /* and these write like MOV */
    "form 8, 4, REG, 9, 0, movnti %r9d, (%rdi)\n"
    "form 8, 8, REG, 9, 0, movnti %r9, (%rdi)\n"
    "form 8, 4, REG, 1, 0, movbel %ecx, (%rdi)\n"
    "form 8, 4, REG, 1, 0, movdiri %ecx, (%rdi)\n"
    "form 8, 1, IMM, 0, 4, sete (%rdi)\n"
    "form 8, 1, IMM, 0, 15, setg 4(%r12)\n"
    "form 8, 4, REG, 0, 0, stosl\n"
    "form 8, 8, REG, 0, 0, rep stosq\n"
    "form 8, 1, STRING, 0, 0, movsb\n"
    "form 8, 4, STRING, 0, 0, rep movsl %fs:(%esi), (%edi)\n"
    "form 8, 8, REG, 9, 0, push %r9\n"
    "form 8, 2, REG, 2, 0, pushw %dx\n"
    "form 8, 8, IMM, 0, -2, pushq $-2\n"
    "form 8, 8, IMM, 0, 0x12345, pushq $0x12345\n"
    "form 8, 8, FLAGS, 0, 0, pushfq\n"
    "form 8, 8, STACK, 0, 0, popq 0x80(%rbx)\n"
    "form 8, 2, STACK, 0, 0, popw (%r8)\n"
    /* SSE */
    "form 8, 16, XMM, 1, 0, movups %xmm1, (%rdi)\n"
    "form 8, 16, XMM, 9, 0, movapd %xmm9, (%rdi)\n"
    "form 8, 4, XMM, 1, 0, movss %xmm1, (%rdi)\n"
    "form 8, 8, XMM, 1, 0, movsd %xmm1, (%rdi)\n"
    "form 8, 8, XMM, 1, 0, movlps %xmm1, (%rdi)\n"
    "form 8, 8, XMM, 1, 0, movhpd %xmm1, (%rdi)\n"
    "form 8, 16, XMM, 1, 0, movntps %xmm1, (%rdi)\n"
    "form 8, 4, XMM, 1, 0, movd %xmm1, (%rdi)\n"
    "form 8, 8, XMM, 14, 0, .byte 0x66, 0x4c, 0x0f, 0x7e, 0x37\n"
    "form 8, 16, XMM, 1, 0, movdqa %xmm1, (%rdi)\n"
    "form 8, 16, XMM, 1, 0, movdqu %xmm1, 0x80(%rdi)\n"
    "form 8, 8, XMM, 1, 0, movq %xmm1, (%rdi)\n"
    "form 8, 16, XMM, 1, 0, movntdq %xmm1, (%rdi)\n"
    /* 32-bit and 16-bit code */
    "form 4, 4, REG, 0, 0, movl %eax, 0xfee00300\n"
    "form 4, 4, REG, 1, 0, movl %ecx, 0xfee00300\n"
    "form 4, 4, REG, 3, 0, movl %ebx, 0x300(%esi,%edi,2)\n"
    "form 4, 4, IMM, 0, 0x608, movl $0x608, 0xfee00300\n"
    "form 4, 2, REG, 3, 0, movw %bx, (%esi)\n"
    "form 4, 4, REG, 3, 0, movl %ebx, (%bp,%si)\n"
    "form 4, 4, REG, 3, 0, movl %ebx, 0x1234(%bx)\n"
    "form 4, 4, REG, 0, 0, rep stosl\n"
    "form 4, 4, STRING, 0, 0, movsl %es:(%esi), (%edi)\n"
    "form 4, 4, REG, 6, 0, pushl %esi\n"
    "form 4, 2, IMM, 0, 7, pushw $7\n"
    "form 4, 4, STACK, 0, 0, popl 0xfee00080\n"
    "form 4, 4, IMM, 0, 0, incl 0xfee00080\n"
    "form 4, 4, REG, 6, 0, movnti %esi, (%edi)\n"
    "form 4, 4, XMM, 7, 0, movd %xmm7, (%edi)\n"
    "form 4, 8, IMM, 0, 0, cmpxchg8b (%edi)\n"
    "form 4, 4, FLAGS, 0, 0, pushfl\n"
    "form 2, 4, REG, 3, 0, movl %ebx, %es:(%edi)\n"
    "form 2, 2, REG, 3, 0, movw %bx, (%di)\n"
    "form 2, 4, IMM, 0, 7, movl $7, 0x300\n"
    "form 2, 4, REG, 0, 0, rep stosl\n"
    "form 2, 2, STRING, 0, 0, movsw\n"
    "form 2, 2, REG, 1, 0, push %cx\n"
    "form 2, 4, REG, 1, 0, pushl %ecx\n"
    "form 2, 2, STACK, 0, 0, popw 0x80(%bx,%di)\n"
    "form 2, 4, REG, 1, 0, xaddl %ecx, (%si)\n"
    "form 2, 4, IMM, 0, 0, negl 0x1234(%bp)\n"
    "form 2, 16, XMM, 2, 0, movups %xmm2, (%di)\n"
    "form 2, 4, IMM, 0, 3, btsl $3, %fs:(%eax)\n"
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
		assert_int_equal(s.source, f->source);
		assert_int_equal(s.reg, f->reg);
		assert_int_equal(s.value, f->value);
	}
	assert_true(n > 100);
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
	static const u8 others[][5] = {
		{0x8b, 0x07},                   /* MOV from memory */
		{0x89, 0xc0},                   /* to a register */
		{0x81, 0x3f},                   /* CMP */
		{0x38, 0x07},                   /* CMP */
		{0x0f, 0xba, 0x27},             /* BT */
		{0xc7, 0x0f},                   /* C7 /1 */
		{0xff, 0x37},                   /* PUSH from memory */
		{0xff, 0x17},                   /* CALL */
		{0x0f, 0xa3, 0x07},             /* BT */
		{0x0f, 0x7f, 0x07},             /* MOVQ of MMX */
		{0xc5, 0xf8, 0x11, 0x07},       /* VMOVUPS */
		{0x62, 0xf1, 0x7c, 0x48, 0x11}, /* with a mask */
		{0xd9, 0x17},                   /* FST */
		{0x0f, 0xae, 0x07},             /* FXSAVE */
		{0x0f, 0x01, 0x07},             /* SGDT */
		{0x8c, 0x07},                   /* MOV of a segment register */
		{0x60},                         /* PUSHA */
		{0x6d},                         /* INS */
		{0xcc},                         /* INT3 */
	};
	struct store s;
	u8 code[15];

	for (uint i = 0; i < ARRAY_SIZE(others); i++) {
		memset(code, 0, sizeof(code));
		memcpy(code, others[i], sizeof(others[i]));
		assert_int_equal(store_decode(code, 15, 8, &s), -EINVAL);
	}
}

static void prefixes_of_a_string_are_kept(void **state)
{
	struct store s;

	assert_int_equal(store_decode((u8 *)"\xf3\x64\x67\xa5", 4, 8, &s), 0);
	assert_true(s.string && s.repeat);
	assert_int_equal(s.segment, 4);
	assert_int_equal(s.address_size, 4);
	assert_int_equal(store_decode((u8 *)"\xab", 1, 2, &s), 0);
	assert_true(s.string && !s.repeat);
	assert_int_equal(s.segment, NO_SEGMENT);
	assert_int_equal(s.address_size, 2);
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
			assert_true(s.reg < 16 && s.size <= 16);
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
		cmocka_unit_test(prefixes_of_a_string_are_kept),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
