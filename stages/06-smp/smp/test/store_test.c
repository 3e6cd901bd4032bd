/*
 * What a guest's store does, against the CPU: random instructions that write to
 * memory are executed here, and done by store.c on a copy. Memory, registers
 * and flags must come out the same.
 */
#include <sys/mman.h>

#include "host.h"
#include "lib/errno.h"
#include "smp/lapic.h"
#include "smp/store.h"
#include "vmm/decode.h"
#include "vmm/exit.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"

#define STATUS   0x8d5UL
#define DF       0x400UL
#define MEMORY   4096 /* bytes that may be written, and the stack in them */
#define ALL_GPRS 16

/* What run_natively() loads and stores, as instructions number registers. */
struct cpu {
	u64 gpr[ALL_GPRS];
	u64 rflags;
};

struct cpu native_cpu;
u64 native_host_rsp;
void run_natively(void *code);
extern char native_back[];

/* The code ends in a jump to native_back. */
asm(".text\n"
    ".globl run_natively, native_back\n"
    "run_natively:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "push %rdi\n"
    "mov %rsp, native_host_rsp(%rip)\n"
    "lea native_cpu(%rip), %rax\n"
    "pushq 128(%rax); popfq\n"
    "mov 8(%rax), %rcx; mov 16(%rax), %rdx; mov 24(%rax), %rbx\n"
    "mov 32(%rax), %rsp; mov 40(%rax), %rbp; mov 48(%rax), %rsi\n"
    "mov 56(%rax), %rdi; mov 64(%rax), %r8; mov 72(%rax), %r9\n"
    "mov 80(%rax), %r10; mov 88(%rax), %r11; mov 96(%rax), %r12\n"
    "mov 104(%rax), %r13; mov 112(%rax), %r14; mov 120(%rax), %r15\n"
    "mov (%rax), %rax\n"
    "jmp *native_code(%rip)\n"
    "native_back:\n"
    "mov %rsp, 32+native_cpu(%rip)\n"
    "mov native_host_rsp(%rip), %rsp\n"
    "pushfq; popq 128+native_cpu(%rip)\n"
    "cld\n"
    "mov %rax, native_cpu(%rip); lea native_cpu(%rip), %rax\n"
    "mov %rcx, 8(%rax); mov %rdx, 16(%rax); mov %rbx, 24(%rax)\n"
    "mov %rbp, 40(%rax); mov %rsi, 48(%rax); mov %rdi, 56(%rax)\n"
    "mov %r8, 64(%rax); mov %r9, 72(%rax); mov %r10, 80(%rax)\n"
    "mov %r11, 88(%rax); mov %r12, 96(%rax); mov %r13, 104(%rax)\n"
    "mov %r14, 112(%rax); mov %r15, 120(%rax)\n"
    "pop %rdi\n"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "ret\n");

u8 *native_code;
static u8 *memory;

/* The virtual CPU: registers in a struct cpu, code in an array. */
static struct cpu cpu;
static struct vcpu vcpu;
static u8 code[INSTRUCTION_MOST];
static uint code_size, skipped, mode, faults;
static u64 base_of_segment[6];

static u64 get(struct vcpu *v, enum vcpu_reg reg)
{
	switch (reg) {
	case VCPU_RSP:
		return cpu.gpr[4];
	case VCPU_RFLAGS:
		return cpu.rflags;
	case VCPU_SS_ATTR:
		return mode == 4 ? BIT(14) : 0;
	case VCPU_ES_BASE ... VCPU_GS_BASE:
		return base_of_segment[reg - VCPU_ES_BASE];
	default:
		return 0x1234;
	}
}

static void set(struct vcpu *v, enum vcpu_reg reg, u64 value)
{
	if (reg == VCPU_RSP)
		cpu.gpr[4] = value;
	if (reg == VCPU_RFLAGS)
		cpu.rflags = value;
}

static void skip_bytes(struct vcpu *v, uint length)
{
	skipped = length;
}

static void inject(struct vcpu *v, uint vector, u32 error)
{
	assert_int_equal(vector, VECTOR_GP);
	faults++;
}

static uint triple_faults;

void handle_exit_TRIPLE_FAULT(struct vcpu *v, const struct vm_exit *exit)
{
	triple_faults++;
}

static const struct vcpu_ops ops = {.get = get,
				    .set = set,
				    .skip_bytes = skip_bytes,
				    .inject_exception = inject};
const struct vcpu_ops *vcpu_ops = &ops;

uint guest_address_size(struct vcpu *v)
{
	return mode;
}

uint guest_fetch(struct vcpu *v, u8 *to)
{
	memcpy(to, code, code_size);
	return code_size;
}

u64 guest_gpr(struct vcpu *v, uint number)
{
	if (number == 4)
		return cpu.gpr[4];
	return (&v->regs.rax)[number < 4 ? number : number - 1];
}

void guest_set_gpr(struct vcpu *v, uint number, u64 value)
{
	if (number == 4)
		cpu.gpr[4] = value;
	else
		(&v->regs.rax)[number < 4 ? number : number - 1] = value;
}

/* The one readable range is what the test has. */
int guest_read_virt(struct vcpu *v, u64 virt, void *buffer, size_t size)
{
	if (virt < (u64)memory || virt + size > (u64)memory + MEMORY)
		return -EFAULT;
	memcpy(buffer, (void *)virt, size);
	return 0;
}

int guest_virt_to_phys(struct vcpu *v, u64 virt, gphys_t *gpa)
{
	return -EFAULT;
}

phys_t lapic_page(void)
{
	return PHYS(0xfee00000);
}

volatile void *lapic_registers(void)
{
	return NULL;
}

static u64 random64(void)
{
	return host_random(1UL << 32) << 32 | host_random(1UL << 32);
}

static uint emit(uint at, uint count, u64 value)
{
	for (uint i = 0; i < count; i++)
		code[at + i] = value >> 8 * i;
	return at + count;
}

/* One kind of instruction: its opcode, and how it goes on. */
struct kind {
	u32 op;    /* up to three bytes, the last one lowest */
	int field; /* of ModRM; or any register, or no ModRM */
	u8 immediate;
	u8 prefix;  /* that belongs to it */
	bool sized; /* the even opcode before it is for bytes */
};

enum {
	ANY_REGISTER = -1,
	ANY_HIGH_XMM = -2,
	ANY_ALU = -3,
	NO_MODRM = -4
};
enum {
	NONE,
	BYTE = 1,
	AS_OPERAND = 9
};

static const struct kind kinds[] = {
	{.op = 0x89, .field = ANY_REGISTER, .sized = true},
	{.op = 0xc7, .field = 0, .immediate = AS_OPERAND, .sized = true},
	{.op = 0x87, .field = ANY_REGISTER, .sized = true},
	{.op = 0x01, .field = ANY_REGISTER, .sized = true},
	{.op = 0x09, .field = ANY_REGISTER, .sized = true},
	{.op = 0x11, .field = ANY_REGISTER, .sized = true},
	{.op = 0x19, .field = ANY_REGISTER, .sized = true},
	{.op = 0x21, .field = ANY_REGISTER, .sized = true},
	{.op = 0x29, .field = ANY_REGISTER, .sized = true},
	{.op = 0x31, .field = ANY_REGISTER, .sized = true},
	{.op = 0x81, .field = ANY_ALU, .immediate = AS_OPERAND, .sized = true},
	{.op = 0x83, .field = ANY_ALU, .immediate = BYTE},
	{.op = 0xc1, .field = ANY_ALU, .immediate = BYTE, .sized = true},
	{.op = 0xd1, .field = ANY_ALU, .sized = true},
	{.op = 0xd3, .field = ANY_ALU, .sized = true},
	{.op = 0xf7, .field = 2, .sized = true},
	{.op = 0xf7, .field = 3, .sized = true},
	{.op = 0xff, .field = 0, .sized = true},
	{.op = 0xff, .field = 1, .sized = true},
	{.op = 0x8f, .field = 0},
	{.op = 0x0fc1, .field = ANY_REGISTER, .sized = true},
	{.op = 0x0fb1, .field = ANY_REGISTER, .sized = true},
	{.op = 0x0fc7, .field = 1},
	{.op = 0x0fab, .field = ANY_REGISTER},
	{.op = 0x0fb3, .field = ANY_REGISTER},
	{.op = 0x0fbb, .field = ANY_REGISTER},
	{.op = 0x0fba, .field = 5, .immediate = BYTE},
	{.op = 0x0fba, .field = 6, .immediate = BYTE},
	{.op = 0x0fba, .field = 7, .immediate = BYTE},
	{.op = 0x0fa4, .field = ANY_REGISTER, .immediate = BYTE},
	{.op = 0x0fa5, .field = ANY_REGISTER},
	{.op = 0x0fac, .field = ANY_REGISTER, .immediate = BYTE},
	{.op = 0x0fad, .field = ANY_REGISTER},
	{.op = 0x0fc3, .field = ANY_REGISTER},
	{.op = 0x0f38f1, .field = ANY_REGISTER},
	{.op = 0x0f90, .field = 0},
	{.op = 0x0f11, .field = ANY_HIGH_XMM},
	{.op = 0x0f11, .field = ANY_HIGH_XMM, .prefix = 0x66},
	{.op = 0x0f11, .field = ANY_HIGH_XMM, .prefix = 0xf3},
	{.op = 0x0f11, .field = ANY_HIGH_XMM, .prefix = 0xf2},
	{.op = 0x0f13, .field = ANY_HIGH_XMM},
	{.op = 0x0f17, .field = ANY_HIGH_XMM, .prefix = 0x66},
	{.op = 0x0f29, .field = ANY_HIGH_XMM},
	{.op = 0x0f2b, .field = ANY_HIGH_XMM},
	{.op = 0x0f7e, .field = ANY_HIGH_XMM, .prefix = 0x66},
	{.op = 0x0f7f, .field = ANY_HIGH_XMM, .prefix = 0x66},
	{.op = 0x0f7f, .field = ANY_HIGH_XMM, .prefix = 0xf3},
	{.op = 0x0fd6, .field = ANY_HIGH_XMM, .prefix = 0x66},
	{.op = 0x0fe7, .field = ANY_HIGH_XMM, .prefix = 0x66},
	{.op = 0xab, .field = NO_MODRM, .sized = true},
	{.op = 0xa5, .field = NO_MODRM, .sized = true},
	{.op = 0x50, .field = NO_MODRM},
	{.op = 0x68, .field = NO_MODRM, .immediate = AS_OPERAND},
	{.op = 0x6a, .field = NO_MODRM, .immediate = BYTE},
	{.op = 0x9c, .field = NO_MODRM},
};

static bool is_string(const struct kind *k)
{
	return k->op == 0xab || k->op == 0xa5;
}

static bool is_bit_string(const struct kind *k)
{
	return k->op == 0x0fab || k->op == 0x0fb3 || k->op == 0x0fbb;
}

static bool is_stack(const struct kind *k)
{
	return k->op == 0x50 || k->op == 0x68 || k->op == 0x6a || k->op == 0x9c;
}

/* Put an instruction of kind @k, with [RDI + displacement] for its operand,
 * into code[]. */
static void make_instruction(const struct kind *k, uint displacement)
{
	bool sse = k->field == ANY_HIGH_XMM;
	uint at = 0, rex = 0x40, opcode = k->op, field;
	bool word = !sse && host_random(4) == 0 && opcode != 0x0fc3;

	if (word)
		at = emit(at, 1, 0x66);
	if (is_string(k) && host_random(2))
		at = emit(at, 1, 0xf2 + host_random(2));
	if (k->prefix)
		at = emit(at, 1, k->prefix);
	rex |= host_random(2) && opcode != 0x0fc7 ? 8 : 0; /* W */
	rex |= sse || host_random(2) ? 4 : 0;              /* R */
	if (opcode == 0x50 && host_random(2))
		rex |= 1;
	if (rex != 0x40 || host_random(2))
		at = emit(at, 1, rex);
	if (k->sized && host_random(2))
		opcode--;
	if (opcode == 0x0f90)
		opcode += host_random(16);
	if (opcode == 0x50)
		opcode += host_random(8);
	for (uint shift = 16; shift; shift -= 8)
		if (opcode >> shift)
			at = emit(at, 1, opcode >> shift);
	at = emit(at, 1, opcode);
	field = host_random(8);
	if (k->field >= 0)
		field = k->field;
	else if (k->field == ANY_ALU && k->op < 0xc0)
		field %= 7; /* 7 is CMP */
	else if (is_bit_string(k) && field == 7)
		field = 6; /* RDI has the address */
	if (k->field != NO_MODRM) {
		at = emit(at, 1, 0x87 | field << 3);
		at = emit(at, 4, displacement);
	}
	if (k->immediate == AS_OPERAND && k->sized && !(opcode & 1))
		at = emit(at, 1, random64());
	else if (k->immediate == AS_OPERAND)
		at = emit(at, word && !(rex & 8) ? 2 : 4, random64());
	else if (k->immediate == BYTE)
		at = emit(at, 1, random64());
	code_size = at;
}

/* Registers and memory, such that @k writes at @offset. */
static void make_state(const struct kind *k, uint offset, uint displacement)
{
	u64 here = (u64)memory + offset;

	for (uint i = 0; i < MEMORY; i++)
		memory[i] = host_random(256);
	for (uint i = 0; i < ALL_GPRS; i++)
		cpu.gpr[i] = is_bit_string(k) ? host_random(16) : random64();
	cpu.rflags = 0x202 | (random64() & STATUS);
	if (is_string(k) && host_random(2))
		cpu.rflags |= DF;
	cpu.gpr[7] = is_string(k) ? here : here - displacement;
	if (is_string(k)) {
		cpu.gpr[6] = (u64)memory + 200 + host_random(3000);
		cpu.gpr[1] = 1 + host_random(4);
	}
	if (k->op == 0x8f || is_stack(k))
		cpu.gpr[4] = here + 8 * host_random(4);
	if (k->op == 0x0fb1 && host_random(2))
		memcpy(&cpu.gpr[0], (void *)here, 8);
	if (k->op == 0x0fc7 && host_random(2)) {
		memset((void *)here, 0, 8);
		cpu.gpr[0] &= ~0xffffffffUL;
		cpu.gpr[2] &= ~0xffffffffUL;
	}
}

/* SSE registers 8 to 15; the compiler's code has no reason to touch them. */
static void load_xmm(void)
{
	static u64 values[8][2];

	for (uint i = 0; !values[0][0] && i < 16; i++)
		values[i / 2][i % 2] = random64();
	asm volatile("movdqu (%0), %%xmm8; movdqu 16(%0), %%xmm9\n"
		     "movdqu 32(%0), %%xmm10; movdqu 48(%0), %%xmm11\n"
		     "movdqu 64(%0), %%xmm12; movdqu 80(%0), %%xmm13\n"
		     "movdqu 96(%0), %%xmm14; movdqu 112(%0), %%xmm15\n"
		     :
		     : "r"(values)
		     : "memory");
}

/* By store.c, as an exit's handler does it: once for each iteration. */
static void emulate(uint offset)
{
	u64 old;
	u8 bytes[16];
	struct store s;

	for (uint i = 0; i < ALL_GPRS; i++)
		guest_set_gpr(&vcpu, i, cpu.gpr[i]);
	do {
		struct vm_exit exit = {.write = true};

		assert_int_equal(store_fetch(&vcpu, &exit, &s), 0);
		if (s.string)
			offset = vcpu.regs.rdi - (u64)memory;
		if (s.push)
			offset = cpu.gpr[4] - s.size - (u64)memory;
		memcpy(&old, memory + offset, sizeof(old));
		load_xmm();
		assert_int_equal(store_finish(&vcpu, &s, old, bytes), 0);
		memcpy(memory + offset, bytes, s.size);
	} while (!skipped);
	assert_int_equal(skipped, code_size);
	for (uint i = 0; i < ALL_GPRS; i++)
		cpu.gpr[i] = guest_gpr(&vcpu, i);
}

static void execute(void)
{
	static u8 jump[] = {0xff, 0x25, 0, 0, 0, 0};
	void *back = native_back;

	memcpy(native_code, code, code_size);
	memcpy(native_code + code_size, jump, sizeof(jump));
	memcpy(native_code + code_size + sizeof(jump), &back, sizeof(back));
	load_xmm();
	run_natively(native_code);
}

static void print_case(const struct kind *k)
{
	print_message("opcode %x:", k->op);
	for (uint i = 0; i < code_size; i++)
		print_message(" %02x", code[i]);
	print_message("\n");
}

static void compare(const struct kind *k, const u8 *emulated)
{
	bool same = !memcmp(memory, emulated, MEMORY) &&
		    !memcmp(cpu.gpr, native_cpu.gpr, sizeof(cpu.gpr)) &&
		    !((cpu.rflags ^ native_cpu.rflags) & (STATUS | DF));

	if (same)
		return;
	print_case(k);
	for (uint i = 0; i < ALL_GPRS; i++)
		if (cpu.gpr[i] != native_cpu.gpr[i])
			print_message("register %u: %lx, not %lx\n", i,
				      cpu.gpr[i], native_cpu.gpr[i]);
	for (uint i = 0; i < MEMORY; i++)
		if (memory[i] != emulated[i])
			print_message("byte %u: %x, not %x\n", i, emulated[i],
				      memory[i]);
	fail_msg("flags %lx, the CPU's %lx", cpu.rflags, native_cpu.rflags);
}

static void try_kind(const struct kind *k)
{
	static u8 before[MEMORY], emulated[MEMORY];
	uint offset = 16 * (8 + host_random(200));
	uint displacement = host_random(1 << 20);
	bool aligned = k->op == 0x0f29 || k->op == 0x0f2b || k->op == 0x0f7f ||
		       k->op == 0x0fe7;

	if (!aligned)
		offset += host_random(16);
	make_instruction(k, displacement);
	make_state(k, offset, displacement);
	memcpy(before, memory, MEMORY);
	native_cpu = cpu;
	emulate(offset);
	memcpy(emulated, memory, MEMORY);
	memcpy(memory, before, MEMORY);
	execute();
	compare(k, emulated);
}

static void each_store_does_what_the_cpu_does(void **state)
{
	for (u64 n = host_operations(300); n; n--)
		for (uint i = 0; i < ARRAY_SIZE(kinds); i++)
			try_kind(&kinds[i]);
}

static void set_code(const char *bytes, uint size, uint address_size)
{
	code_size = size;
	memcpy(code, bytes, size);
	mode = address_size;
	faults = 0;
	skipped = 0;
	host_printed[0] = 0;
}

#define CODE(bytes, mode) set_code(bytes, sizeof(bytes) - 1, mode)

static void what_is_unknown_is_executed_again_before_it_faults(void **state)
{
	struct vm_exit exit = {.write = true};
	struct store s;

	CODE("\xcc", 8); /* a breakpoint that another CPU has put there */
	assert_int_equal(store_fetch(&vcpu, &exit, &s), -EINVAL);
	assert_int_equal(faults, 0);
	CODE("\x89\x07", 8);
	assert_int_equal(store_fetch(&vcpu, &exit, &s), 0);
	CODE("\x0f\xae\x07", 8);
	assert_int_equal(store_fetch(&vcpu, &exit, &s), -EINVAL);
	assert_int_equal(faults, 0);
	assert_int_equal(store_fetch(&vcpu, &exit, &s), -EINVAL);
	assert_int_equal(faults, 1);
	assert_non_null(strstr(host_printed, "can't do: #GP; bytes 0f ae 07"));
}

static void a_store_that_leaves_the_page_faults(void **state)
{
	struct vm_exit exit = {.write = true, .gpa = GPHYS(0xfee00ffdUL)};
	struct store s;

	CODE("\x89\x07", 8);
	assert_int_equal(store_fetch(&vcpu, &exit, &s), -EINVAL);
	assert_int_equal(faults, 1);
	exit.gpa = GPHYS(0xfee00ffcUL);
	assert_int_equal(store_fetch(&vcpu, &exit, &s), 0);
}

static void a_stack_or_page_tables_in_the_page_end_the_guest(void **state)
{
	struct vm_exit exit = {.write = true, .implicit = true};
	struct store s;

	CODE("\x89\x07", 8);
	assert_int_equal(store_fetch(&vcpu, &exit, &s), -EINVAL);
	assert_int_equal(triple_faults, 1);
}

static void a_source_that_cannot_be_read_faults(void **state)
{
	struct vm_exit exit = {.write = true};
	struct store s;
	u8 bytes[16];

	CODE("\xa5", 8);
	vcpu.regs.rsi = 0x1000;
	assert_int_equal(store_fetch(&vcpu, &exit, &s), 0);
	assert_int_equal(store_finish(&vcpu, &s, 0, bytes), -EFAULT);
	assert_int_equal(faults, 1);
	assert_int_equal(skipped, 0);
}

/* DS:SI with a base, SI, DI and CX of 16 bits; the stack of SS:SP. */
static void segments_and_16_bits_count_in_old_code(void **state)
{
	struct vm_exit exit = {.write = true};
	struct store s;
	u8 bytes[16];

	CODE("\xf3\x66\xa5", 2);
	base_of_segment[3] = (u64)memory;
	vcpu.regs.rsi = 0xabcd0010;
	vcpu.regs.rdi = 0xabcdfffc;
	vcpu.regs.rcx = 0xabcd0001;
	cpu.rflags = 2;
	assert_int_equal(store_fetch(&vcpu, &exit, &s), 0);
	assert_int_equal(store_finish(&vcpu, &s, 0, bytes), 0);
	assert_memory_equal(bytes, memory + 0x10, 4);
	assert_int_equal(vcpu.regs.rsi, 0xabcd0014);
	assert_int_equal(vcpu.regs.rdi, 0xabcd0000);
	assert_int_equal(vcpu.regs.rcx, 0xabcd0000);
	assert_int_equal(skipped, 3);
	CODE("\x8f\x07", 2);
	base_of_segment[2] = (u64)memory;
	cpu.gpr[4] = 0x77770020;
	assert_int_equal(store_fetch(&vcpu, &exit, &s), 0);
	assert_int_equal(store_finish(&vcpu, &s, 0, bytes), 0);
	assert_memory_equal(bytes, memory + 0x20, 2);
	assert_int_equal(cpu.gpr[4], 0x77770022);
	mode = 8;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_store_does_what_the_cpu_does),
		cmocka_unit_test(
			what_is_unknown_is_executed_again_before_it_faults),
		cmocka_unit_test(a_store_that_leaves_the_page_faults),
		cmocka_unit_test(
			a_stack_or_page_tables_in_the_page_end_the_guest),
		cmocka_unit_test(a_source_that_cannot_be_read_faults),
		cmocka_unit_test(segments_and_16_bits_count_in_old_code),
	};

	mode = 8;
	/* Below 4 GiB, for code of 32 bits. */
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	native_code = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || native_code == MAP_FAILED)
		return 1;
	host_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
