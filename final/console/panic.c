/*
 * Panic: a message, a backtrace, the hooks of later layers, memory for a shell,
 * and that shell, or the end.
 *
 * Something is badly broken when this runs, so each step may itself fault or
 * panic. The steps are numbered, and the number is advanced before the step is
 * taken: whoever comes in again goes on with the next step.
 *
 * One CPU only takes them; the others stop. Book: chapter 6.
 *
 * What comes after the steps may be begun again: shell/panic.c. Book: chapter
 * 12.
 */
#include "console/panic.h"

#include "console/backtrace.h"
#include "console/console.h"
#include "console/printf.h"
#include "lib/percpu.h"
#include "page/mm.h"
#include "shell/panic.h"
#include "smp/panic.h"
#include "smp/place.h"

extern void (*const panic_hooks_start[])(void);
extern void (*const panic_hooks_end[])(void);

enum panic_state {
	PANIC_NONE,
	PANIC_REASON,  /* keep it */
	PANIC_STOP,    /* the other CPUs */
	PANIC_CONSOLE, /* set the consoles up again */
	PANIC_MESSAGE,
	PANIC_BACKTRACE,
	PANIC_HOOKS,
	PANIC_MEMORY, /* open its locks, free the reserve */
	PANIC_END,
};

static u32 state;

DECLARE_PERCPU(u64, guarded_rsp); /* paging/guarded.c */

/* Is it our turn to take step @s? False when it was begun before. */
static bool begin(enum panic_state s)
{
	u32 before = s - 1;

	return __atomic_compare_exchange_n(&state, &before, s, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* What the first panic says: kept, lest it be lost with a step that fails. */
static char first_reason[256];

static void print_reason(const char *why)
{
	printf("panic(CPU%u): %s\n", *this_cpu(cpu_number), why);
}

/*
 * Tell of a panic within a panic, perhaps within its printf. Each step can
 * cause one; when there are more, it is the telling that causes them, and it
 * would go on for ever.
 */
static void print_nested(const char *format, va_list args)
{
	static u32 count;
	char reason[sizeof(first_reason)];

	console_force_unlock();
	if (__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST) >= PANIC_END)
		return;
	vsnprintf(reason, sizeof(reason), format, args);
	print_reason(reason);
}

/* Each is a step of its own: one that fails does not take the others along. */
static void run_hooks(void)
{
	static void (*const *next)(void) = panic_hooks_start;

	while (next != panic_hooks_end)
		(*next++)();
}

static void __noreturn vpanic(u64 rip, u64 start, const char *format,
			      va_list args)
{
	bool first;

	*this_cpu(guarded_rsp) = 0;  /* what faults now is a step of ours */
	smp_claim_panic(rip, start); /* or stop, if it is another CPU's */
	first = begin(PANIC_REASON);
	if (first)
		vsnprintf(first_reason, sizeof(first_reason), format, args);
	if (begin(PANIC_STOP)) {
		smp_stop_others();
		place_note(false, rip, start, start);
	}
	if (begin(PANIC_CONSOLE))
		console_take_back();
	if (!first)
		print_nested(format, args);
	if (begin(PANIC_MESSAGE))
		print_reason(first_reason);
	if (begin(PANIC_BACKTRACE))
		backtrace_print(rip, start);
	if (begin(PANIC_HOOKS) || state == PANIC_HOOKS)
		run_hooks();
	if (begin(PANIC_MEMORY)) {
		mm_force_unlock();
		mm_free_panicmem();
	}
	panic_end();
}

void panic(const char *format, ...)
{
	va_list args;

	/* The call's last byte: behind it another function may begin. */
	va_start(args, format);
	vpanic((u64)__builtin_return_address(0) - 1, BACKTRACE_CALLER, format,
	       args);
}

void panic_at(u64 rip, u64 start, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vpanic(rip, start, format, args);
}
