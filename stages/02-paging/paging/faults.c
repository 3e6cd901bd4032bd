/*
 * Faults on demand, in TEST=1 builds: "fault=pf" or the like on the command
 * line raises that exception, and the reader (or a test) can study
 * the report. Each is a function of its own, to be found in the backtrace.
 */
#ifdef VELLUM_TEST

#include "boot/cmdline.h"
#include "console/panic.h"
#include "console/printf.h"
#include "paging/paging.h"

#define NOT_MAPPED    0x1000
#define NOT_CANONICAL 0x8000000000000000

static void fault_ud(void)
{
	asm volatile("ud2");
}

static void fault_de(void)
{
	asm volatile("div %0" : : "r"(0), "a"(1), "d"(0) : "cc");
}

static void fault_pf(void)
{
	*(volatile u32 *)NOT_MAPPED = 1;
}

static void fault_gp(void)
{
	*(volatile u32 *)NOT_CANONICAL = 1;
}

/* Each call keeps an array, and uses it after the inner call: no tail call. */
static uint __attribute__((noinline)) recurse(uint depth)
{
	volatile uint frame[32];

	frame[depth % 32] = depth;
	if (depth < 1000000)
		frame[depth % 32] += recurse(depth + 1);
	return frame[depth % 32];
}

static void fault_stack(void)
{
	printf("fault: recursion returned %u\n", recurse(0));
}

/* #PF can't be delivered, for its frame has nowhere to go: #DF. */
static void fault_df(void)
{
	asm volatile("mov %0, %%rsp; push %%rax" : : "r"(NOT_MAPPED + 0x100UL));
}

static const struct {
	const char *name;
	void (*raise)(void);
} faults[] = {
	{"ud", fault_ud}, {"de", fault_de},       {"pf", fault_pf},
	{"gp", fault_gp}, {"stack", fault_stack}, {"df", fault_df},
};

static const char *fault_choice(uint i)
{
	return i < ARRAY_SIZE(faults) ? faults[i].name : NULL;
}

WORD(fault_word, .name = "fault", .takes = WORD_CHOICE, .choice = fault_choice,
     .help = "raise this exception (TEST=1)");

void fault_on_demand(void)
{
	int i = cmdline_choice(&fault_word);

	if (i < 0)
		return;
	faults[i].raise();
	panic("fault=%s was survived", faults[i].name);
}

#endif
