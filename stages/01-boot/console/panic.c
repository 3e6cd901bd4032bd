/*
 * Panic: a message, a backtrace, the hooks of later layers, and the end.
 *
 * Something is badly broken when this runs, so each step may itself fault or
 * panic. The steps are numbered, and the number is advanced before the step is
 * taken: whoever comes in again goes on with the next step. Book: chapter 1.
 */
#include "console/panic.h"

#include "console/backtrace.h"
#include "console/console.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/percpu.h"

extern void (*const panic_hooks_start[])(void);
extern void (*const panic_hooks_end[])(void);

void (*panic_stop_others)(void);
void (*panic_stop_self)(void);

enum panic_state {
	PANIC_NONE,
	PANIC_STOP,    /* the other CPUs */
	PANIC_CONSOLE, /* set the consoles up again */
	PANIC_MESSAGE,
	PANIC_BACKTRACE,
	PANIC_HOOKS,
	PANIC_HALT,
};

static u32 state;

/* The CPU whose panic it is, plus 1; one that panics later just stops. */
static u32 owner;

/* Is it our turn to take step @s? False when it was begun before. */
static bool begin(enum panic_state s)
{
	u32 before = s - 1;

	return __atomic_compare_exchange_n(&state, &before, s, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool is_ours(void)
{
	u32 before = 0, self = *this_cpu(cpu_number) + 1;

	return __atomic_compare_exchange_n(&owner, &before, self, false,
					   __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST) ||
	       before == self;
}

bool panic_is_on(void)
{
	return __atomic_load_n(&owner, __ATOMIC_SEQ_CST);
}

static void print_message(const char *format, va_list args)
{
	printf("panic(CPU%u): ", *this_cpu(cpu_number));
	vprintf(format, args);
	printf("\n");
}

static void __noreturn vpanic(u64 rip, bool returns, u64 rbp,
			      const char *format, va_list args)
{
	if (!is_ours()) {
		if (panic_stop_self)
			panic_stop_self();
		cpu_halt_forever();
	}
	if (begin(PANIC_STOP) && panic_stop_others)
		panic_stop_others();
	if (begin(PANIC_CONSOLE)) {
		console_take_back();
	} else { /* a panic within a panic, perhaps within its printf */
		console_force_unlock();
		print_message(format, args);
	}
	if (begin(PANIC_MESSAGE))
		print_message(format, args);
	if (begin(PANIC_BACKTRACE))
		backtrace_print(rip, returns, rbp);
	if (begin(PANIC_HOOKS))
		for (void (*const *p)(void) = panic_hooks_start;
		     p != panic_hooks_end; p++)
			(*p)();
	if (begin(PANIC_HALT))
		printf("vellum: halted\n");
	cpu_halt_forever();
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vpanic((u64)__builtin_return_address(0), true,
	       *(u64 *)__builtin_frame_address(0), format, args);
}

void panic_at(u64 rip, u64 rbp, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vpanic(rip, false, rbp, format, args);
}
