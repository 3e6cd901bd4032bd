/*
 * CR0 writes that exit under VMX (NE is not the guest's own there), and debug
 * exceptions that QEMU gets wrong: single steps in the shadow of STI and of MOV
 * SS, and INT1. All others are in breakpoints.c. And x87 errors.
 */
#include "guest/test/metal/guest.h"

#define DR6_B0   BIT(0)
#define X87_LINE "vmx: an x87 error"

static volatile uint count;
static volatile u64 trap_rip, trap_dr6;
extern const char after_sti_step[], after_ss_step[];

static void on_debug(struct frame *frame)
{
	u64 dr6;

	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	asm volatile("mov %0, %%dr6" : : "r"(DR6_RESET));
	trap_dr6 = dr6;
	trap_rip = frame->rip;
	frame->rflags &= ~(RFLAGS_TF | RFLAGS_IF);
	count++;
}

static void load_cr0(void *value)
{
	write_cr0((u64)value);
}

static void expect_cr0(u64 value)
{
	write_cr0(value);
	check(read_cr0() == value, "CR0: wrote 0x%lx, read 0x%lx", value,
	      read_cr0());
}

/* NE changes together with other bits, good and bad. */
static void change_cr0(void)
{
	u64 before = read_cr0(), on = before & ~(CR0_CD | CR0_NW | CR0_NE);
	static const struct {
		u64 set, clear;
	} bad[] = {{0, CR0_PG}, {0, CR0_PE}, {CR0_NW, 0}, {BIT(40), 0}};

	expect_cr0(on);
	expect_cr0(on | CR0_NE | CR0_WP | CR0_TS);
	expect_cr0(on | CR0_CD);
	expect_cr0(on | CR0_NE);
	for (uint i = 0; i < ARRAY_SIZE(bad); i++)
		check(try(load_cr0, (void *)((on | bad[i].set) &
					     ~bad[i].clear)) == VECTOR_GP,
		      "CR0 0x%lx off, 0x%lx on: no #GP", bad[i].clear,
		      bad[i].set);
	check(read_cr0() == (on | CR0_NE), "bad values changed CR0");
	write_cr0(before);
}

static void raise_x87_error(void *arg)
{
	static const u16 all_exceptions = 0x340;

	asm volatile("fninit\n\t"
		     "fldcw %0\n\t"
		     "fldz\n\t"
		     "fld1\n\t"
		     "fdiv %%st(1), %%st\n\t"
		     "fwait"
		     :
		     : "m"(all_exceptions));
}

/* With NE = 0 this is not what a PC does, but what Vellum says that it does. */
static void cause_x87_error(u64 ne)
{
	u64 before = read_cr0();

	write_cr0((before & ~(CR0_NE | CR0_EM | CR0_TS)) | ne);
	check(try(raise_x87_error, NULL) == VECTOR_MF,
	      "x87 error with NE %u: no #MF", !!ne);
	asm volatile("fninit");
	write_cr0(before);
}

static void x87_errors(void)
{
	int told;

	cause_x87_error(CR0_NE);
	check(count_in_log(X87_LINE) <= 0, "told of an error that is right");
	cause_x87_error(0);
	cause_x87_error(0);
	told = count_in_log(X87_LINE);
	check(told == 1 || told < 0, "told of x87 errors %d times", told);
}

static void expect_trap(const char *what, u64 cause)
{
	check(count == 1 && (trap_dr6 & (DR6_BS | DR6_B0)) == cause,
	      "%s: %u traps, DR6 0x%lx", what, count, trap_dr6);
	count = 0;
}

/*
 * POPF sets TF, so the next instruction is the first one to trap after: first
 * STI, in whose shadow the trap comes; then MOV SS, which keeps the trap back
 * until the CPUID after it, which exits, is done.
 */
static void single_steps(void)
{
	asm volatile("pushfq\n\t"
		     "orq %0, (%%rsp)\n\t"
		     "popfq\n\t"
		     "sti\n"
		     "after_sti_step:\n\t"
		     "cpuid"
		     :
		     : "i"(RFLAGS_TF)
		     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	expect_trap("single step over STI", DR6_BS);
	check(trap_rip == (u64)after_sti_step,
	      "single step over STI: RIP 0x%lx", trap_rip);
	asm volatile("mov %%ss, %%esi\n\t"
		     "pushfq\n\t"
		     "orq %0, (%%rsp)\n\t"
		     "popfq\n\t"
		     "mov %%esi, %%ss\n\t"
		     "cpuid\n"
		     "after_ss_step:\n\t"
		     :
		     : "i"(RFLAGS_TF)
		     : "rax", "rbx", "rcx", "rdx", "rsi", "memory", "cc");
	expect_trap("single step after MOV SS", DR6_BS);
	check(trap_rip == (u64)after_ss_step,
	      "single step after MOV SS: RIP 0x%lx", trap_rip);
}

GUEST_TEST(debug)
{
	if (below() != BELOW_VMX) {
		say("only under VMX: QEMU itself goes another way here");
		return;
	}
	change_cr0();
	x87_errors();
	set_handler(VECTOR_DB, on_debug);
	single_steps();
	asm volatile(".byte 0xf1"); /* INT1 */
	expect_trap("INT1", 0);
	set_handler(VECTOR_DB, NULL);
}
