/*
 * Panic: a message, a backtrace, the hooks of later layers, and a key to start
 * over, or the end.
 *
 * Something is badly broken when this runs, so each step may itself fault or
 * panic. The steps are numbered, and the number is advanced before the step is
 * taken: whoever comes in again goes on with the next step. Book: chapter 1.
 */
#include "console/panic.h"

#include "console/backtrace.h"
#include "console/console.h"
#include "console/keys.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "lib/reset.h"

extern void (*const panic_hooks_start[])(void);
extern void (*const panic_hooks_end[])(void);

enum panic_state {
	PANIC_NONE,
	PANIC_REASON,  /* keep it */
	PANIC_CONSOLE, /* set the consoles up again */
	PANIC_MESSAGE,
	PANIC_BACKTRACE,
	PANIC_HOOKS,
	PANIC_REBOOT, /* when a key is pressed */
	PANIC_HALT,
};

static u32 state;

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
	if (__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST) >= PANIC_HALT)
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

/* Comes back if nobody can press one. */
static void reboot_on_key(void)
{
	if (!keys_listen())
		return;
	printf("vellum: press a key to reboot\n");
	keys_wait();
	printf("vellum: rebooting\n");
	machine_reset();
}

static void __noreturn vpanic(u64 rip, u64 start, const char *format,
			      va_list args)
{
	bool first = begin(PANIC_REASON);

	if (first)
		vsnprintf(first_reason, sizeof(first_reason), format, args);
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
	if (begin(PANIC_REBOOT))
		reboot_on_key();
	if (begin(PANIC_HALT))
		printf("vellum: halted\n");
	cpu_halt_forever();
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
