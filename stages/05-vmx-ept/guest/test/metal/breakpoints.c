/*
 * Debug exceptions that the guest asks for: single steps, and breakpoints on
 * instructions, data and ports. Vellum sees every #DB first, and some of the
 * instructions under test exit; each trap must still come exactly once, at the
 * right place, with its cause in DR6. All is printed, so that a run under
 * Vellum can be compared with one on the bare machine.
 */
#include "guest/test/metal/guest.h"

#define DR6_CAUSE (BIT(0) | BIT(1) | BIT(2) | BIT(3) | DR6_BS)
#define DR7_START 0x700UL /* with LE and GE, as the manual advises */

/* What DR7 says of breakpoint @n (SDM 3B 18.2.4). */
#define DR7_CODE(n)   (BIT(2 * (n) + 1))
#define DR7_DATA_8(n) (BIT(2 * (n) + 1) | 9UL << (16 + 4 * (n)))
#define DR7_PORT(n)   (BIT(2 * (n) + 1) | 2UL << (16 + 4 * (n)))

#define PORT_UNUSED 0x80 /* takes the BIOS' progress codes */
#define MAX_TRAPS   8

static volatile uint count, steps;
static struct {
	u64 rip, dr6;
} trap[MAX_TRAPS];
static volatile u64 watched;

static void on_debug(struct frame *frame)
{
	u64 dr6;

	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	asm volatile("mov %0, %%dr6" : : "r"(DR6_RESET));
	if (count < MAX_TRAPS) {
		trap[count].rip = frame->rip;
		trap[count].dr6 = dr6;
	}
	if (++count >= steps)
		frame->rflags &= ~RFLAGS_TF;
	frame->rflags |= RFLAGS_RF; /* past a breakpoint on an instruction */
}

static void set_dr7(u64 value)
{
	asm volatile("mov %0, %%dr7" : : "r"(value) : "memory");
}

struct expected {
	const char *at;
	u64 cause; /* in DR6 */
};

/* Did these @n traps come, and no other? */
static void expect_traps(const char *what, const struct expected *expected,
			 uint n)
{
	set_dr7(DR7_START);
	say("%s: %u traps", what, count);
	check(count == n, "%s: %u traps, not %u", what, count, n);
	for (uint i = 0; i < MIN(n, count); i++) {
		say("%s: DR6 0x%lx, RIP 0x%lx", what, trap[i].dr6, trap[i].rip);
		check((trap[i].dr6 & DR6_CAUSE) == expected[i].cause,
		      "%s: DR6 0x%lx", what, trap[i].dr6);
		check(trap[i].rip == (u64)expected[i].at,
		      "%s: RIP 0x%lx, not 0x%lx", what, trap[i].rip,
		      (u64)expected[i].at);
	}
	count = 0;
}

extern const char after_step_1[], after_step_2[], after_step_3[],
	after_step_4[], after_step_5[];

/* Some exit, some do not. */
static void single_steps(void)
{
	static const struct expected expected[] = {{after_step_1, DR6_BS},
						   {after_step_2, DR6_BS},
						   {after_step_3, DR6_BS},
						   {after_step_4, DR6_BS},
						   {after_step_5, DR6_BS}};

	steps = ARRAY_SIZE(expected);
	asm volatile("pushfq\n\t"
		     "orq %0, (%%rsp)\n\t"
		     "popfq\n\t"
		     "nop\n"
		     "after_step_1:\n\t"
		     "cpuid\n"
		     "after_step_2:\n\t"
		     "mov %1, %%ecx\n"
		     "after_step_3:\n\t"
		     "rdmsr\n"
		     "after_step_4:\n\t"
		     "nop\n"
		     "after_step_5:\n\t"
		     :
		     : "i"(RFLAGS_TF), "i"(MSR_EFER)
		     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	expect_traps("single steps", expected, ARRAY_SIZE(expected));
	steps = 0;
}

extern const char after_write_1[], after_write_2[];

/* An exit between the two writes must bring DR7 back. */
static void data_breakpoint(void)
{
	static const struct expected expected[] = {{after_write_1, BIT(0)},
						   {after_write_2, BIT(0)}};

	asm volatile("mov %0, %%dr0" : : "r"(&watched));
	set_dr7(DR7_START | DR7_DATA_8(0));
	asm volatile("movq $1, %0\n"
		     "after_write_1:\n\t"
		     "cpuid\n\t"
		     "movq $2, %0\n"
		     "after_write_2:\n\t"
		     : "=m"(watched)
		     :
		     : "rax", "rbx", "rcx", "rdx", "memory");
	expect_traps("data breakpoint", expected, ARRAY_SIZE(expected));
}

extern const char break_at_exit[], break_after_exit[];

/* Two instructions in a row; the first exits. It is executed with RF set by
 * our handler, and RF must not last until the second (SDM 3B 18.3.1.1). */
static void code_breakpoints(void)
{
	static const struct expected expected[] = {{break_at_exit, BIT(1)},
						   {break_after_exit, BIT(2)}};

	asm volatile("mov %0, %%dr1" : : "r"(break_at_exit));
	asm volatile("mov %0, %%dr2" : : "r"(break_after_exit));
	set_dr7(DR7_START | DR7_CODE(1) | DR7_CODE(2));
	asm volatile("break_at_exit:\n\t"
		     "cpuid\n"
		     "break_after_exit:\n\t"
		     "nop"
		     :
		     :
		     : "rax", "rbx", "rcx", "rdx", "memory");
	expect_traps("code breakpoints", expected, ARRAY_SIZE(expected));
}

extern const char after_out[];

static void port_breakpoint(void)
{
	static const struct expected expected[] = {{after_out, BIT(3)}};
	u64 cr4 = read_cr4();

	write_cr4(cr4 | CR4_DE);
	asm volatile("mov %0, %%dr3" : : "r"((u64)PORT_UNUSED));
	set_dr7(DR7_START | DR7_PORT(3));
	asm volatile("outb %%al, %0\n"
		     "after_out:\n\t"
		     "nop"
		     :
		     : "i"(PORT_UNUSED));
	expect_traps("port breakpoint", expected, ARRAY_SIZE(expected));
	write_cr4(cr4);
}

GUEST_TEST(breakpoints)
{
	set_handler(VECTOR_DB, on_debug);
	single_steps();
	data_breakpoint();
	code_breakpoints();
	port_breakpoint();
	set_handler(VECTOR_DB, NULL);
}
